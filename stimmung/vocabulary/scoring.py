"""How an answer option's probability is read: the `scoring` section of the config."""

from typing import Literal

from pydantic import Field

from stimmung.vocabulary.strict import Strict


class Scoring(Strict):
    """How an answer option's probability is read."""

    normalization: Literal["none", "token", "byte", "pmi"] = Field(
        "none",
        description="none: the whole option's loglikelihood. token, byte: per token, per byte. pmi: minus a blank prompt's.",
    )
    readout: Literal["exact", "first-token"] = Field(
        "exact",
        description="exact: all tokens of every option. first-token: as study A published it, for comparison.",
    )
