"""How an answer option's probability is read: the `scoring` section of the config."""

from typing import Literal

from stimmung.vocabulary.strict import Strict


class Scoring(Strict):
    """How an answer option's probability is read."""

    normalization: Literal["none", "token", "byte", "pmi"] = "none"
    """none: the loglikelihood of the whole option. token, byte: divided by its length. pmi: minus its loglikelihood after a prompt
    without a respondent."""
    readout: Literal["exact", "first-token"] = "exact"
    """exact: all tokens of every option. first-token: the first token only, as study A published it, for comparison."""
