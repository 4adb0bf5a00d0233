"""How absent answers are imputed: the `impute` section of a survey."""

from typing import Literal

from pydantic import Field

from stimmung.vocabulary.strict import Strict

# What imputes and predicts nothing else; both are written as baselines are.
CHAINED_EQUATIONS, HOT_DECK = "baselines/chained-equations", "baselines/hot-deck"


class Imputation(Strict):
    """M draws of each absent answer: of those who did not answer, and of those whom a condition takes out of training."""

    arms: list[str] = Field(min_length=1)
    """Who imputes: arms of the survey, `files/NAME`, `baselines/NAME`, `baselines/chained-equations` (MICE), `baselines/hot-deck`. A
    tuned arm has an adapter for each imputation."""
    m: int = Field(20, ge=2)
    """Imputations of each absent answer."""
    uncertainty: Literal["bootstrap", "seeds"] = "bootstrap"
    """How the models of the imputations differ. bootstrap: each learns from a bootstrap sample of those whose answer is known. seeds:
    by their seeds alone; not proper, since intervals are too narrow."""
    conditions: list[str] | None = None
    """The conditions under which answers are imputed. null: all."""
    cells: list[str] = Field([])
    """Items whose answers make the cells of `baselines/hot-deck`, the most important first."""
