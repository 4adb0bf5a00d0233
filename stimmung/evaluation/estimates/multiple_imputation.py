"""Multiple imputation: M draws of each missing answer, each from a model of its own, and the stacked data set that they make.

The donors are the respondents whose answers are learned from, the recipients all others: those who did not answer, and those whose
answer a condition hides. No folds are needed, since nobody who is learned from is imputed.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stimmung.vocabulary.errors import InputError, warn
from stimmung.vocabulary.votes_schemas import CLUSTER, GROUP, MISSING_SUFFIX, NO_FOLD, STRATUM

logger = logging.getLogger(__name__)

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
# bootstrap: each model learns from a bootstrap sample of the donors. seeds: all learn from the same donors, with other seeds, so that
# the donors' sampling error is left out. none: one model, or one that learned nothing here; only its answers are drawn.
Uncertainty = Literal["bootstrap", "seeds", "none"]
PROPER: dict[str, str] = {
    "bootstrap": "proper: each imputation has a model of its own, trained on a bootstrap sample of the donors",
    "seeds": "not proper: the models differ by their seeds alone, so that intervals are too narrow",
    "none": "not proper: one model, whose own uncertainty is left out, so that intervals are too narrow",
}
# From donors (rows of a RESPONDENTS table), recipients and a seed to the probability of each option, shape (n_recipients, options).
Predict = Callable[[pd.DataFrame, pd.DataFrame, int], Floats]
Scale = Callable[[Floats], Floats]
IMP = ".imp"  # as R's mice names the number of the imputation; 0 is the data with its gaps
MOST_SEEDS = 2**31  # the largest seed that all estimators take, and one


_DRAWN = {"draw": int, "respondent_id": str, "answer": str}


def unscaled(probabilities: Floats) -> Floats:
    """Return probabilities as they are: the scaling of a method that is not calibrated."""
    return probabilities


def impute_draws(
    respondents: pd.DataFrame,
    donors: Mask,
    predict: Predict,
    *,
    target: str,
    options: Sequence[str],
    m: int = 20,
    seed: int = 0,
    uncertainty: Uncertainty = "bootstrap",
    scale: Scale = unscaled,
) -> pd.DataFrame:
    """Return M drawn answers of each recipient: columns ``draw`` (from 1), ``respondent_id`` and ``answer``.

    For each draw, ``predict`` learns from a sample of the donors, with a seed of its own, and an answer is drawn from each
    recipient's probabilities, scaled by ``scale``. With a bootstrap sample this is proper in Rubin's (1987)
    sense for a model that fits: imputations carry the model's uncertainty. Rows of a group, or a cluster, are drawn together.

    Parameters
    ----------
    respondents
        RESPONDENTS table.
    donors
        Who is learned from, shape (n_respondents,); each has an answer to ``target``. All others are imputed.
    options
        The answer options, in the order of the columns of ``predict``.

    Raises
    ------
    InputError
        As :func:`check_donors`.
    """
    check_donors(respondents[target], donors, m)
    known, asked = respondents[donors], respondents[~donors]
    tell_silent(asked, target)
    samples = sampled_donors(known, m, seed, uncertainty)
    if asked.empty:
        tell_nothing_absent(target)
        return draw_answers([], [], options, seed)
    if uncertainty == "none":
        every = [predict(samples[0], asked, seed_of_draw(seed, 1))] * m
    else:
        every = [predict(sample, asked, seed_of_draw(seed, draw)) for draw, sample in enumerate(samples, 1)]
    return draw_answers([scale(one) for one in every], list(asked["respondent_id"]), options, seed)


def donors_of(respondents: pd.DataFrame, splits: pd.DataFrame) -> Mask:
    """Return who answered and may be learned from under the condition of a SPLITS table, in the order of ``respondents``."""
    known = splits.set_index("respondent_id")
    if len(known) != len(respondents) or set(known.index) != set(respondents["respondent_id"]):
        raise InputError("the splits and the respondents tables do not have the same respondents")
    known = known.loc[respondents["respondent_id"]]
    return np.asarray(known["in_training"] & (known["fold"] != NO_FOLD), dtype=bool)


def check_donors(answers: "pd.Series[str]", donors: Mask, m: int) -> None:
    """Raise an InputError unless the donors have answers, and more than one, and there are to be two imputations or more."""
    name = answers.name
    if m < 2:
        raise InputError(
            f"impute: m is {m}, and one imputation does not show how uncertain imputed answers are",
            "Set m to 2 or more; 20 is usual.",
        )
    if not donors.any():
        raise InputError(
            f"impute: no answer to '{name}' is observed among {len(answers)} respondents",
            "Somebody's answers must be known, and in training under the condition.",
        )
    if n_silent := int(answers[donors].isna().sum()):
        raise InputError(f"impute: {n_silent} of {int(donors.sum())} donors have no answer to '{name}'")
    if len(found := answers[donors].unique()) < 2:
        raise InputError(
            f"impute: all {int(donors.sum())} donors answered '{found[0]}' to '{name}'",
            "With one answer alone there is nothing to learn.",
        )


def tell_nothing_absent(target: str) -> None:
    """Say that a condition hides nobody's answer, and everybody gave one."""
    warn(logger, f"impute: every answer to '{target}' is known, and there is nothing to impute")


def tell_silent(recipients: pd.DataFrame, target: str) -> None:
    """Say how many recipients have no answer to any item: theirs are drawn from what a method says of nobody in particular."""
    items = items_of(recipients, target)
    n_silent = int(recipients[items].isna().all(axis=1).sum()) if items else 0
    if n_silent:
        warn(
            logger,
            f"impute: {n_silent} of {len(recipients)} respondents whose '{target}' is imputed answered no item at all; "
            "nothing is known of them but their weight",
        )


def items_of(respondents: pd.DataFrame, target: str) -> list[str]:
    """Return the items of a RESPONDENTS table but the target."""
    others = {"respondent_id", "weight", GROUP, STRATUM, CLUSTER, target}
    names = map(str, respondents.columns)
    return [name for name in names if name not in others and not name.endswith(MISSING_SUFFIX)]


def seed_of_draw(seed: int, draw: int) -> int:
    """Return the seed of whatever a model of one draw draws."""
    return int(np.random.SeedSequence([seed, draw]).generate_state(1)[0]) % MOST_SEEDS


def sampled_donors(donors: pd.DataFrame, m: int, seed: int, uncertainty: Uncertainty) -> list[pd.DataFrame]:
    """Return the rows that each of M models learns from: for a bootstrap as many as there are, drawn with replacement.

    Copies of a row, and rows of a group, have the same ``fold_group``, so that a cross-validation keeps them together.
    """
    if uncertainty != "bootstrap":
        return [donors] * m
    # A survey without groups is drawn by its clusters, one without either by its respondents.
    unit = next(name for name in (GROUP, CLUSTER, "respondent_id") if name in donors)
    grouped = donors.assign(**{GROUP: donors[unit]})
    places = [np.asarray(rows) for rows in grouped.groupby(GROUP, sort=False).indices.values()]
    samples = []
    for draw in range(1, m + 1):
        drawn = np.random.default_rng([seed, draw]).integers(len(places), size=len(places))
        samples.append(grouped.iloc[np.concatenate([places[place] for place in drawn])])
    return samples


def draw_answers(
    probabilities: Sequence[Floats], ids: Sequence[str], options: Sequence[str], seed: int
) -> pd.DataFrame:
    """Return one answer for each recipient and draw; ``probabilities`` has for each draw an array of shape (n_recipients, options)."""
    if not ids:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in _DRAWN.items()})
    parts = []
    for draw, one in enumerate(probabilities, 1):
        # Another stream than that of the donors.
        uniform = np.random.default_rng([seed, draw, 1]).random((len(ids), 1))
        chosen = (uniform >= np.cumsum(one, axis=1)[:, :-1]).sum(axis=1)
        parts.append(
            pd.DataFrame(
                {"draw": draw, "respondent_id": list(ids), "answer": np.array(options, object)[chosen]}
            )
        )
    return pd.concat(parts, ignore_index=True).astype(_DRAWN)


def stacked_data(respondents: pd.DataFrame, draws: pd.DataFrame, *, target: str) -> pd.DataFrame:
    """Return the data set with its gaps and its completed copies, one below the other, as R's mice stacks them.

    The column ``.imp`` is 0 for the data as they are, with the recipients' answers missing, and the number of the draw for each
    completed copy; then respondent_id, the items, the target, weight, and group, stratum and cluster where the survey has them. Only
    the target is imputed. ``draws`` is what :func:`impute_draws` returns; who has no draw keeps the answer that ``respondents`` has.

    Raises an InputError if a draw is of somebody else, or an answer is no option of the target.
    """
    items = [*items_of(respondents, target), target]
    kept = [name for name in ("weight", GROUP, STRATUM, CLUSTER) if name in respondents]
    table = respondents[["respondent_id", *items, *kept]].reset_index(drop=True)
    place = pd.Series(table.index, index=table["respondent_id"])
    if foreign := len(set(draws["respondent_id"]) - set(place.index)):
        raise InputError(f"impute: {foreign} respondents of the draws are not in the survey")
    dtype = table[target].dtype
    if not isinstance(dtype, pd.CategoricalDtype):
        raise InputError(f"impute: '{target}' has no options")
    options = list(dtype.categories)
    if unknown := set(draws["answer"]) - set(options):
        raise InputError(f"impute: '{min(unknown)}' is no answer to '{target}'")
    observed = table[target].cat.codes.to_numpy().copy()
    recipients = place.loc[draws["respondent_id"].unique()].to_numpy()
    observed[recipients] = -1
    parts = []
    for number, part in [(0, draws.iloc[:0]), *draws.groupby("draw")]:
        codes = observed.copy()
        codes[place.loc[part["respondent_id"]].to_numpy()] = pd.Categorical(part["answer"], options).codes
        answers = pd.Categorical.from_codes(codes, dtype=dtype)
        parts.append(table.assign(**{target: answers}))
        parts[-1].insert(0, IMP, int(number))
    return pd.concat(parts, ignore_index=True)
