"""Votes of held-out respondents, predicted by any scorer."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from stimmung.engine.scoring.scorer import Asked, Scored, Scorer
from stimmung.engine.scoring.survey_prompts import (
    asked_messages,
    draw_examples,
    folds_of,
    held_out_ids,
    training_ids,
)
from stimmung.vocabulary.votes_schemas import NO_FOLD, OPTION_PREFIX


def predict_respondents(
    scorer: Scorer,
    *,
    prompts: pd.DataFrame,
    splits: pd.DataFrame,
    weights: "pd.Series[float]",
    options: Sequence[str],
    examples: int,
    seed: int,
) -> pd.DataFrame:
    """Return one row for each respondent, with a probability for each answer option.

    Respondents with an answer are read by the adapter that was not trained on them. Those without one are in no fold: all adapters
    read them, and their probabilities are averaged.

    Parameters
    ----------
    prompts, splits
        PROMPTS and SPLITS tables; the splits of one condition.
    weights
        Survey weights by respondent_id.
    examples
        How many few-shot examples a prompt shows, drawn from the training respondents with ``seed``; 0 for none.

    Returns
    -------
    DataFrame
        The columns of a predictions table except ``method`` and ``seed``.

    Raises
    ------
    InputError
        If there are too few training respondents for the examples, or the scorer cannot read a prompt.
    """
    ids: list[str] = []
    asked: list[Asked] = []
    for fold in [*folds_of(splits), NO_FOLD]:
        tested = held_out_ids(splits, fold)
        if not tested:
            continue
        training = training_ids(splits, fold)
        shown = draw_examples(prompts, training, examples, seed + max(fold, 0)) if examples else []
        messages = asked_messages(prompts, tested, shown)
        readers = range(len(scorer.adapters)) if fold == NO_FOLD else [fold]
        for reader in readers if scorer.adapters else [NO_FOLD]:
            asked += [Asked(one, reader) for one in messages]
            ids += tested
    scored = scorer.score(asked)
    rows = [_numbers(one, [OPTION_PREFIX + option for option in options]) for one in scored]
    numbers = pd.DataFrame(rows).groupby(np.asarray(ids), sort=False).mean()
    if any(one.n_tokens is None for one in scored):
        numbers = numbers.drop(columns="n_tokens", errors="ignore")  # absent, not 0
    numbers = numbers.astype({name: int for name in ("n_tokens", "n_unseen") if name in numbers})
    table = splits.set_index("respondent_id")[["condition", "fold"]].loc[list(numbers.index)].reset_index()
    table["target"] = prompts.set_index("respondent_id").target.loc[numbers.index].to_numpy()
    table["weight"] = weights.loc[numbers.index].to_numpy()
    return table.join(numbers.reset_index(drop=True)).assign(normalization=scored[0].normalization)


def _numbers(scored: Scored, names: Sequence[str]) -> dict[str, float]:
    numbers = dict(zip(names, map(float, scored.probabilities), strict=True))
    numbers["option_mass"] = scored.option_mass
    counts = {"n_tokens": scored.n_tokens, "n_unseen": scored.n_unseen}
    return numbers | {name: count for name, count in counts.items() if count is not None}
