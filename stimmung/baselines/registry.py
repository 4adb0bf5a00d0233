"""The tabular baselines: an entry of ``BASELINES`` is all that it takes to tune, fit and report another one.

Libraries are imported when a baseline is fitted, so that the Snakefile can read the names at no cost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Literal


@dataclass(frozen=True)
class Baseline:
    """A classifier with scikit-learn's interface, and how it is used."""

    estimator: str  # where its class is imported from, as module:class
    # Parameter to the values that the inner cross-validation tries if the config gives no grid.
    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)  # parameters that are the same in every fit
    seed: str | None = "random_state"  # the parameter that takes the seed; None if nothing is drawn
    # The parameter that takes the names of columns that hold labels; nominal items are then not made indicators.
    labels: str | None = None
    # Whether medians replace missing values, columns are standardised, and the inner cross-validation tries ordered items both as
    # one column and as indicators. Trees need none of it.
    scaled: bool = False
    # The parameter that is told whether the options stand in an order; None if it makes no difference.
    ordered: str | None = None
    # The library's own exception for a bad parameter, as module:class, if it is not a ValueError or TypeError.
    refusal: str = "builtins:ValueError"

    def estimator_class(self) -> Any:
        """Return the estimator's class."""
        return resolve_name(self.estimator)

    def refusals(self) -> tuple[type[Exception], ...]:
        """Return what the estimator may raise at a parameter that it does not accept."""
        return (ValueError, TypeError, resolve_name(self.refusal))


BASELINES = {
    # The shares of the options in the training rows.
    "majority": Baseline("sklearn.dummy:DummyClassifier", settings={"strategy": "prior"}, seed=None),
    "logistic": Baseline(
        "sklearn.linear_model:LogisticRegression",
        grid={"C": [0.01, 0.1, 1.0, 10.0]},
        settings={"max_iter": 1000},
        scaled=True,
    ),
    "ridge": Baseline(
        "stimmung.baselines.ridge:RidgeOptions",
        grid={"alpha": [1.0, 10.0, 100.0, 1000.0]},
        seed=None,
        ordered="ordered",
        scaled=True,
    ),
    "random-forest": Baseline(
        "sklearn.ensemble:RandomForestClassifier",
        grid={"n_estimators": [100], "min_samples_leaf": [2, 8]},
        settings={"n_jobs": 1},
    ),
    "xgboost": Baseline(
        "xgboost:XGBClassifier",
        grid={"n_estimators": [100], "learning_rate": [0.03, 0.1], "max_depth": [2, 3]},
        settings={"n_jobs": 1},
    ),
    "catboost": Baseline(
        "catboost:CatBoostClassifier",
        grid={"iterations": [100], "learning_rate": [0.05, 0.1], "depth": [3, 5]},
        settings={"thread_count": 1, "allow_writing_files": False, "verbose": False},
        seed="random_seed",
        labels="cat_features",
        refusal="catboost:CatBoostError",
    ),
}

# Beside these where a condition leaves waves out: a line through the shares of the waves asked, and those of the wave before.
WAVE_BASELINES = ("trend", "last-value")
# Where nobody was asked, instead of them: the respondent's own answer to the item with the most similar wording, and its shares.
UNASKED_BASELINES = ("nearest-item", "nearest-item-shares")

# What the config accepts as the name of a baseline.
if TYPE_CHECKING:
    BaselineName = str
else:
    BaselineName = Literal[tuple(BASELINES)]
