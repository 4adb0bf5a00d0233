"""Calibrated probabilities: temperature, vector scaling or isotonic regression, learned from respondents of other folds."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stimmung.evaluation.votes.fold_metrics import answer_codes
from stimmung.vocabulary.calibration_kinds import CALIBRATION_KINDS, problem_with_calibration
from stimmung.vocabulary.errors import InputError, did_you_mean
from stimmung.vocabulary.votes_schemas import NO_FOLD, option_columns, options_of

# scipy and scikit-learn are imported where they are used: the report needs the names here, and they take a second.

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Scaler = Callable[
    [Floats], Floats
]  # from probabilities to scaled ones, both of shape (n, options), each row summing to 1

FLOOR = np.finfo(float).eps  # a probability of 0 counts as this in logarithms, as in ``vote_metrics``
TEMPERATURES = (0.01, 100.0)  # the bounds, a choice: beyond them probabilities are 0 and 1, or all equal
# How strongly scaling is pulled towards leaving the probabilities as they are, in the loss of respondents (a choice): an L2
# penalty of half of it on log T, or on each slope - 1 and each intercept. Without it there is no finite fit to separable answers.
PULL = 1.0
ROWS_PER_PARAMETER = (
    20  # respondents below which nothing is fitted: a choice, twice the usual 10 events per variable
)
ROWS_OF_ISOTONIC = 200  # a choice; Niculescu-Mizil and Caruana (2005, Predicting good probabilities, ICML) see it overfit below


@dataclass(frozen=True)
class Fitted:
    """What scales the probabilities of one fold: by which method, learned from whom."""

    scaling: str  # the method, or 'none' where nothing could be learned
    calibrated_on: str  # in words: whose answers it was learned from, or why from nobody's
    n_calibrated_on: int
    scale: Scaler


def scaled_predictions(predictions: pd.DataFrame, splits: pd.DataFrame, scaling: str) -> pd.DataFrame:
    """Return the CALIBRATED table: the rows of a PREDICTIONS table with scaled probabilities, and what they were scaled by.

    For each method, condition and seed, the probabilities of test fold k are scaled by what was fitted to the test respondents
    of the other folds whom the condition lets one learn from (``in_training`` of the SPLITS tables of all conditions), weighted
    as the survey weighs them; those of respondents without a fold by the fit to all folds. So no respondent's own answer scales
    their prediction. It is not untouched by it altogether: the models of the other folds had it among their training rows, as
    in every cross-fitted calibration.

    ``scaling`` is one of

    - ``temperature``: p^(1/T), scaled to 1 (Guo et al. 2017, On calibration of modern neural networks, section 4.2);
    - ``vector``: a slope and an intercept of each option's log-probability (same section);
    - ``isotonic``: isotonic regression of the first option's probability (Zadrozny and Elkan 2002), two options only, kept
      1/(n + 2) away from 0 and 1, since a bin of few is not certain;
    - ``none``: as they are.

    The first two minimise the log-loss with a small L2 pull towards no change (``PULL``). Where there are too few respondents, or
    where one of the options was chosen by none of them, probabilities stay as they are: the columns ``scaling`` ('none') and
    ``calibrated_on`` say so. A respondent for whom a server showed no option at all has no probabilities to be scaled.

    Raises an InputError if there is no such ``scaling``, if it does not fit the number of options, or if predictions and splits
    do not belong together.
    """
    columns = option_columns(predictions)
    check_scaling(scaling, len(columns))
    answers = answer_codes(predictions)
    folds = predictions["fold"].to_numpy()
    n_unseen = predictions["n_unseen"].to_numpy() if "n_unseen" in predictions else np.zeros(len(folds))
    shown = n_unseen < len(columns)
    usable = _in_training(predictions, splits) & (folds != NO_FOLD) & shown
    before = predictions[columns].to_numpy(dtype=float)
    before = before / before.sum(axis=1, keepdims=True)
    weights = predictions["weight"].to_numpy()
    after = before.copy()
    words = np.full((len(predictions), 2), "", dtype=object)
    counts = np.zeros(len(predictions), dtype=np.int64)
    for rows in predictions.groupby(["method", "condition", "seed"], sort=False).indices.values():
        for fold in np.unique(folds[rows]):
            others = rows[usable[rows] & (folds[rows] != fold)]
            from_folds = [int(one) for one in np.unique(folds[rows]) if one not in (fold, NO_FOLD)]
            found = fit_scaling(
                scaling, before[others], answers[others], weights[others], options_of(predictions), from_folds
            )
            mine = rows[folds[rows] == fold]
            words[mine] = found.scaling, found.calibrated_on
            counts[mine] = found.n_calibrated_on
            mine = mine[shown[mine]]
            after[mine] = found.scale(before[mine])
    about = {
        "scaling": words[:, 0].astype(str),
        "calibrated_on": words[:, 1].astype(str),
        "n_calibrated_on": counts,
    }
    return predictions.assign(**dict(zip(columns, after.T, strict=True)), **about)


def check_scaling(scaling: str, n_options: int) -> None:
    """Raise an InputError unless ``scaling`` is one that can scale the probabilities of so many options."""
    if scaling not in CALIBRATION_KINDS:
        guess = did_you_mean(scaling, CALIBRATION_KINDS)
        raise InputError(
            f"calibration: no '{scaling}'{guess}", f"It is one of {', '.join(CALIBRATION_KINDS)}."
        )
    if problem := problem_with_calibration(scaling, n_options):
        raise InputError(*problem)


def fit_scaling(
    scaling: str, probabilities: Floats, answers: Codes, weights: Floats, options: list[str], folds: list[int]
) -> Fitted:
    """Return what scales as the rows of ``probabilities`` (n, options) need it, whose ``answers`` (n,) are indices of options.

    ``weights`` (n,) may have any scale; ``folds`` are those that the rows are of, for the words.
    """
    fit, fewest = _HOW.get(scaling, (None, None))
    if fit is None or fewest is None:
        return _nothing("nothing: not asked for")
    needed, n = fewest(len(options)), len(answers)
    if n < needed:
        return _nothing(f"nothing: {n} respondents to learn from, {scaling} needs {needed}")
    chosen = np.bincount(answers, minlength=len(options))
    if not chosen.all():
        absent = ", ".join(options[place] for place in np.flatnonzero(chosen == 0))
        return _nothing(f"nothing: of {n} respondents to learn from, none chose {absent}")
    scale = fit(probabilities, answers, weights / weights.mean())
    return Fitted(scaling, f"{n} respondents of folds {', '.join(map(str, folds))}", n, scale)


def _nothing(why: str) -> Fitted:
    return Fitted("none", why, 0, lambda probabilities: probabilities)


def _temperature(probabilities: Floats, answers: Codes, weights: Floats) -> Scaler:
    from scipy.optimize import minimize_scalar

    logs = _logs(probabilities)
    relative = logs - logs[np.arange(len(answers)), answers][:, None]

    def loss(log_temperature: float) -> float:
        losses = np.logaddexp.reduce(relative / np.exp(log_temperature), axis=1)
        return float(weights @ losses + PULL / 2 * log_temperature**2)

    bounds = tuple(np.log(TEMPERATURES))
    temperature = np.exp(minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6}).x)
    return lambda others: _softmax(_logs(others) / temperature)


def _vector(probabilities: Floats, answers: Codes, weights: Floats) -> Scaler:
    from scipy.optimize import minimize

    logs = _logs(probabilities)
    n_options = logs.shape[1]
    observed = np.eye(n_options)[answers]

    def loss(parameters: Floats) -> tuple[float, Floats]:
        slopes, intercepts = np.split(parameters, 2)
        scaled = logs * slopes + intercepts
        losses = np.logaddexp.reduce(scaled, axis=1) - (scaled * observed).sum(axis=1)
        errors = weights[:, None] * (_softmax(scaled) - observed)
        away = parameters - start
        gradient = np.concatenate([(errors * logs).sum(axis=0), errors.sum(axis=0)]) + PULL * away
        return float(weights @ losses + PULL / 2 * (away**2).sum()), gradient

    start = np.concatenate([np.ones(n_options), np.zeros(n_options)])
    slopes, intercepts = np.split(minimize(loss, start, jac=True, method="L-BFGS-B").x, 2)
    return lambda others: _softmax(_logs(others) * slopes + intercepts)


def _isotonic(probabilities: Floats, answers: Codes, weights: Floats) -> Scaler:
    from sklearn.isotonic import IsotonicRegression

    margin = 1 / (len(answers) + 2)
    curve = IsotonicRegression(y_min=margin, y_max=1 - margin, out_of_bounds="clip")
    curve.fit(probabilities[:, 0], answers == 0, sample_weight=weights)

    def scale(others: Floats) -> Floats:
        first = curve.predict(others[:, 0])
        return np.column_stack([first, 1 - first])

    return scale


def _logs(probabilities: Floats) -> Floats:
    return np.log(np.maximum(probabilities, FLOOR))


def _softmax(logs: Floats) -> Floats:
    powers = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


# How each is fitted, and from how many respondents at least, given the number of options.
_HOW: dict[str, tuple[Callable[[Floats, Codes, Floats], Scaler], Callable[[int], int]]] = {
    "temperature": (_temperature, lambda _: ROWS_PER_PARAMETER),
    # Of the intercepts, one is redundant.
    "vector": (_vector, lambda n_options: ROWS_PER_PARAMETER * (2 * n_options - 1)),
    "isotonic": (_isotonic, lambda _: ROWS_OF_ISOTONIC),
}


def _in_training(predictions: pd.DataFrame, splits: pd.DataFrame) -> NDArray[np.bool_]:
    """Return whether the condition of each prediction lets one learn from its respondent, shape (n,)."""
    keys = ["respondent_id", "condition"]
    known = splits.set_index(keys)["in_training"]
    places = known.index.get_indexer(pd.MultiIndex.from_frame(predictions[keys]))
    if (places < 0).any():
        missing = sorted(predictions["condition"][places < 0].unique())
        raise InputError(
            f"the splits lack respondents that are predicted under {', '.join(missing)}",
            "The predictions were made with other splits: delete them and run snakemake again.",
        )
    return np.asarray(known.to_numpy()[places], dtype=bool)
