"""SurveyImputer: a survey's absent answers, predicted and drawn, behind scikit-learn's interface."""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    check_array,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from stimmung.baselines.registry import BASELINES
from stimmung.estimator.respondents_of_frames import kinds_of_codebook, kinds_of_frame, respondents_table
from stimmung.evaluation.estimates.donor_scaling import donor_scaling
from stimmung.evaluation.estimates.imputing_baselines import imputing_baseline
from stimmung.evaluation.estimates.multiple_imputation import (
    Scale,
    Uncertainty,
    check_donors,
    impute_draws,
    sampled_donors,
    seed_of_draw,
    stacked_data,
    unscaled,
)
from stimmung.store.paths import Store
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.parquet_tables import BASELINE_PREFIX
from stimmung.vocabulary.training import Training

Floats = NDArray[np.float64]
TUNED = "tuned"
CALIBRATION_FOLDS = 5  # as a study has by default


class ImputerError(InputError, ValueError):
    """What a user gave the estimator is wrong; scikit-learn expects a ValueError."""


def _as_value_error(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def wrapped(*arguments: Any, **named: Any) -> Any:
        try:
            return method(*arguments, **named)
        except InputError as error:
            raise ImputerError(error.what, error.hint) from error

    return wrapped


class SurveyImputer(ClassifierMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Learns a survey item from respondents who answered it, and draws the answer of those who did not.

    Parameters
    ----------
    codebook
        The survey items and their words. The columns of X are then its items, in the words of ``language`` (as the workflow's
        table of respondents has them). None: each column of X is an item, a number or a nominal one. ``method='tuned'`` needs it.
    method
        'tuned', a language model, of which each imputation has an adapter of its own; or a tabular method: 'baselines/logistic'
        and all other baselines, 'baselines/chained-equations', 'baselines/hot-deck'.
    base
        For 'tuned': the folder of a base model that the workflow has prepared, results/models/NAME.
    training
        For 'tuned': the hyper-parameters; None for the defaults of a model of a billion parameters or more.
    store
        For 'tuned': the folder where adapters are kept by their content. A fitted estimator, and its pickle, only has their keys.
    calibration
        For 'tuned': how its probabilities are calibrated by the answers that are known, 'temperature', 'vector', 'isotonic' or 'none';
        it needs an adapter more for each of ``CALIBRATION_FOLDS`` folds.
    chat
        For 'tuned': whether the model is a chat model.
    language
        The language of the codebook's wordings.
    uncertainty
        'bootstrap': each imputation learns from a bootstrap sample of those who answered. 'seeds': from all, with another seed;
        not proper.
    cells
        Columns that make the cells of the hot deck, the most important first.
    grid
        Of a baseline, parameter to the values that a cross-validation of ``inner_folds`` tries; None for its default.
    random_state
        Seed of everything that is drawn.

    Attributes
    ----------
    classes_
        The answers, in the order of the columns of ``predict_proba``.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Notes
    -----
    A fitted estimator holds the rows that it was fitted on, which are respondents' data, since each imputation learns anew from them.
    Protect its pickle as you protect the survey.
    """

    def __init__(
        self,
        codebook: Codebook | None = None,
        *,
        method: str = "baselines/logistic",
        base: str | Path | None = None,
        training: Training | None = None,
        store: str | Path = "results/.store",
        calibration: str = "temperature",
        chat: bool = False,
        language: str = "en",
        uncertainty: Uncertainty = "bootstrap",
        cells: Sequence[str] = (),
        grid: Mapping[str, Sequence[Any]] | None = None,
        inner_folds: int = 3,
        random_state: int = 0,
    ) -> None:
        self.codebook = codebook
        self.method = method
        self.base = base
        self.training = training
        self.store = store
        self.calibration = calibration
        self.chat = chat
        self.language = language
        self.uncertainty = uncertainty
        self.cells = cells
        self.grid = grid
        self.inner_folds = inner_folds
        self.random_state = random_state

    @_as_value_error
    def fit(self, X: Any, y: Any, survey_weight: Any = None) -> Self:  # noqa: N803 (scikit-learn's names)
        """Learn from the rows whose ``y`` is known; NaN or None in ``y`` is an absent answer, which ``impute`` draws.

        ``survey_weight``, shape (n,), is carried to the stacked data; as in the workflow, models learn without weights.
        """
        if y is None:
            raise InputError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        frame = self._frame(X, reset=True)
        name = str(getattr(y, "name", None) or "target")
        answers = pd.Series(column_or_1d(np.asarray(y, dtype=object), dtype=object, warn=True))
        check_consistent_length(frame, answers)
        known = answers.notna()
        if not known.any():
            raise InputError(
                f"y: no answer is observed in {len(answers)} rows", "Somebody's answers must be known."
            )
        observed = np.asarray(list(answers[known]))
        check_classification_targets(observed)
        self.classes_ = self._classes(observed)
        found = np.unique(observed)
        if len(found) < 2:
            raise InputError(
                f"y has one class alone, '{found[0]}', in {len(observed)} rows: there is nothing to learn"
            )
        if self.codebook is not None:
            self.target_ = self.codebook.target
            self._kinds = kinds_of_codebook(self.codebook, self.language)
        else:
            self.target_ = name if name not in frame else f"{name} (y)"
            self._kinds = kinds_of_frame(frame)
        # As texts, which tables have; classes_ has the labels as they were given.
        self._options = [str(one) for one in self.classes_]
        place = dict(zip(self.classes_.tolist(), self._options, strict=True))
        texts = [place[one] if there else None for one, there in zip(answers, known, strict=True)]
        as_options = pd.Categorical(texts, self._options)
        self._table = respondents_table(
            frame, self._kinds, weights=survey_weight, target=self.target_, answers=as_options
        )
        self._fitted = self._fit_to(self._table[known.to_numpy()])
        return self

    @_as_value_error
    def predict_proba(self, X: Any) -> Floats:  # noqa: N803
        """Return the probability of each of ``classes_``, shape (n, n_classes), by a model of all who answered."""
        check_is_fitted(self)
        return self._probabilities(respondents_table(self._frame(X, reset=False), self._kinds))

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """Return the most probable answers, shape (n,). Their shares understate rare answers; draws of ``impute`` do not."""
        probabilities = self.predict_proba(X)
        return np.asarray(self.classes_[probabilities.argmax(axis=1)])

    def transform(self, X: Any) -> Floats:  # noqa: N803
        """Return the probabilities, as columns for another model."""
        return np.asarray(self.predict_proba(X))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:  # noqa: ARG002
        """Return the names of the columns of ``transform``."""
        check_is_fitted(self, "_options")
        return np.array([f"p_{one}" for one in self._options], dtype=object)

    @_as_value_error
    def impute(self, m: int = 20) -> pd.DataFrame:
        """Return the data of ``fit`` stacked: as they are (``.imp`` 0), and ``m`` times with each absent answer drawn.

        Estimates from it are pooled by :func:`pooled_shares`, :func:`pooled_means` and :func:`pooled_regression` of
        ``stimmung.evaluation.estimates.pooled_estimates``, or by R's mice and mitools. Answers are those of ``y``, as texts.
        """
        check_is_fitted(self)
        donors = self._table[self.target_].notna().to_numpy()
        check_donors(self._table[self.target_], donors, m)  # before anything is trained
        tuned = self.method == TUNED
        predict = self._adapters_of_draws(self._table[donors], m) if tuned else self._imputing()
        draws = impute_draws(
            self._table,
            donors,
            predict,
            target=self.target_,
            options=self._options,
            m=m,
            seed=self.random_state,
            uncertainty=self.uncertainty,
            scale=self._scale(),
        )
        return stacked_data(self._table, draws, target=self.target_)

    def __sklearn_tags__(self) -> Any:
        """Say that X may have gaps and texts, and that y is needed."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = tags.input_tags.categorical = True
        tags.target_tags.required = True
        return tags

    def _frame(self, X: Any, *, reset: bool) -> pd.DataFrame:  # noqa: N803
        """Return X as a data frame, after scikit-learn's checks of its names and number of columns."""
        if not isinstance(X, pd.DataFrame):
            checked = validate_data(self, X, reset=reset, dtype=None, ensure_all_finite="allow-nan")
            return pd.DataFrame(
                checked, columns=[f"x{place}" for place in range(checked.shape[1])]
            ).infer_objects()
        validate_data(self, X, reset=reset, skip_check_array=True)
        if self.codebook is None:
            check_array(X, dtype=None, ensure_all_finite=False)  # no rows, or no columns
        return X

    def _classes(self, observed: NDArray[Any]) -> NDArray[Any]:
        if self.codebook is None:
            return np.unique(observed)
        options = self.codebook.target_labels(self.language)
        if strange := sorted({str(one) for one in observed} - set(options)):
            raise InputError(
                f"y: '{strange[0]}' is no answer to '{self.codebook.target}'",
                f"There are: {', '.join(options)}.",
            )
        return np.array(options)

    def _fit_to(self, donors: pd.DataFrame) -> Any:
        """Return what predicts: the key of an adapter, a fitted baseline, or the donors, whom other methods learn from when asked."""
        if self.method == TUNED:
            self._of_folds = self._predictions_of_folds(donors) if self.calibration != "none" else None
            return self._train([donors], [self.random_state])
        name = self.method.removeprefix(BASELINE_PREFIX)
        if name not in BASELINES:
            self._imputing()  # an error if there is no such method
            return donors
        from stimmung.baselines.tabular import fit_baseline

        grid = BASELINES[name].grid if self.grid is None else self.grid
        items = list(self._kinds)
        about = (grid, self.inner_folds, self.random_state)
        return fit_baseline(name, donors, items, self.target_, self._options, *about)

    def _probabilities(self, asked: pd.DataFrame) -> Floats:
        if self.method == TUNED:
            return self._scale()(self._read(asked, self._fitted)[0])
        if isinstance(self._fitted, pd.DataFrame):
            hidden = asked.assign(**{self.target_: pd.Categorical([None] * len(asked), self._options)})
            return self._imputing()(self._fitted, hidden, self.random_state)
        return np.asarray(self._fitted.probabilities(asked))

    def _imputing(self) -> Callable[[pd.DataFrame, pd.DataFrame, int], Floats]:
        name = self.method.removeprefix(BASELINE_PREFIX)
        grids = None if self.grid is None else {name: self.grid}
        return imputing_baseline(
            self.method,
            list(self._kinds),
            self.target_,
            self._options,
            cells=list(self.cells),
            grids=grids,
            inner_folds=self.inner_folds,
        )

    def _adapters_of_draws(
        self, donors: pd.DataFrame, m: int
    ) -> Callable[[pd.DataFrame, pd.DataFrame, int], Floats]:
        """Return what :func:`impute_draws` asks, after training all adapters at once, on the same samples as it draws."""
        samples = sampled_donors(donors, m, self.random_state, self.uncertainty)
        seeds = [seed_of_draw(self.random_state, draw) for draw in range(1, m + 1)]
        keys = self._train(samples, seeds)
        asked = self._table[self._table[self.target_].isna()]
        of_seed = dict(zip(seeds, self._read(asked, keys) if len(asked) else [], strict=False))
        return lambda _donors, _recipients, seed: of_seed[seed]

    def _predictions_of_folds(self, donors: pd.DataFrame) -> pd.DataFrame:
        """Return what models of the other folds say of the donors, in the columns of a PREDICTIONS table that calibration needs."""
        from sklearn.model_selection import StratifiedKFold

        answers = donors[self.target_].astype(str)
        n_folds = min(CALIBRATION_FOLDS, int(answers.value_counts().min()))
        if n_folds < 2:
            raise InputError(
                f"SurveyImputer: calibration needs two rows of each answer, and '{answers.value_counts().idxmin()}' has one",
                "Set calibration='none'.",
            )
        splitter = StratifiedKFold(n_folds, shuffle=True, random_state=self.random_state)
        folds = list(splitter.split(donors, answers))
        samples = [donors.iloc[train] for train, _ in folds]
        keys = self._train(samples, [self.random_state] * n_folds)
        parts = []
        for fold, ((_, tested), key) in enumerate(zip(folds, keys, strict=True)):
            rows = donors.iloc[tested]
            probabilities = pd.DataFrame(self._read(rows, [key])[0], columns=self.get_feature_names_out())
            about = rows[["respondent_id", "weight"]].reset_index(drop=True)
            parts.append(about.assign(fold=fold, target=answers.iloc[tested].to_numpy()).join(probabilities))
        found: pd.DataFrame = pd.concat(parts, ignore_index=True)
        return found

    def _scale(self) -> Scale:
        known: pd.DataFrame | None = getattr(self, "_of_folds", None)
        if known is None:
            return unscaled
        return donor_scaling(known, list(known["respondent_id"]), self.calibration)

    def _train(self, samples: Sequence[pd.DataFrame], seeds: Sequence[int]) -> list[str]:
        from stimmung.estimator import tuned_imputation

        base, codebook = self._base_and_codebook()
        about = (base, codebook, self.language, self.chat, self.training or Training.model_validate({}))
        return tuned_imputation.train(*about, self._table, samples, seeds, Store(Path(self.store)))

    def _read(self, asked: pd.DataFrame, keys: Sequence[str]) -> list[Floats]:
        from stimmung.estimator import tuned_imputation

        base, codebook = self._base_and_codebook()
        return tuned_imputation.read(
            base, codebook, self.language, self.chat, asked, keys, Store(Path(self.store))
        )

    def _base_and_codebook(self) -> tuple[Path, Codebook]:
        if self.base is None or self.codebook is None:
            raise InputError(
                "SurveyImputer: method 'tuned' needs a `codebook` and the folder of a prepared model as `base`",
                "The workflow prepares one: results/models/NAME.",
            )
        return Path(self.base), self.codebook
