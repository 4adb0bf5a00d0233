"""Votes of held-out respondents, predicted by any scorer."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from stimmung.engine.scoring.example_choice import examples_of_each, too_many_examples
from stimmung.engine.scoring.prompt_batches import PromptTooLong
from stimmung.engine.scoring.scorer import Asked, MeasuringScorer, Scored, Scorer
from stimmung.engine.scoring.survey_prompts import asked_messages, folds_of, held_out_ids, training_ids
from stimmung.text.prompts import Message, few_shot_messages
from stimmung.vocabulary.few_shot import FewShot
from stimmung.vocabulary.votes_schemas import NO_FOLD, OPTION_PREFIX


def predict_respondents(
    scorer: Scorer,
    *,
    prompts: pd.DataFrame,
    splits: pd.DataFrame,
    respondents: pd.DataFrame,
    options: Sequence[str],
    examples: int,
    few_shot: FewShot,
    items: Sequence[str],
    seed: int,
) -> pd.DataFrame:
    """Return one row for each respondent, with a probability for each answer option.

    Respondents with an answer are read by the adapter that was not trained on them. Those without one are in no fold: all adapters
    read them, and their probabilities are averaged.

    Parameters
    ----------
    prompts, splits
        PROMPTS and SPLITS tables; the splits of one condition.
    respondents
        RESPONDENTS table.
    examples
        How many few-shot examples a prompt shows, from the training respondents; 0 for none.
    few_shot
        How they are chosen; what is drawn is drawn with ``seed``.
    items
        The items of the prompt, by which examples are near.

    Returns
    -------
    DataFrame
        The columns of a predictions table except ``method`` and ``seed``.

    Raises
    ------
    InputError
        If there are too few training respondents for the examples, or the scorer cannot read a prompt; if that is because of
        its examples, the largest number that it can read is named.
    """

    def asked_with(k: int) -> tuple[list[str], list[Asked]]:
        """Return the respondents and what is asked about each, behind ``k`` examples."""
        ids: list[str] = []
        asked: list[Asked] = []
        for fold in [*folds_of(splits), NO_FOLD]:
            tested = held_out_ids(splits, fold)
            if not tested:
                continue
            messages: list[list[Message]] = asked_messages(prompts, tested)
            if k:
                about = training_ids(splits, fold), k, seed + max(fold, 0), few_shot, respondents, items
                shown = examples_of_each(prompts, tested, *about)
                messages = [few_shot_messages(*pair) for pair in zip(messages, shown, strict=True)]
            readers = range(len(scorer.adapters)) if fold == NO_FOLD else [fold]
            for reader in readers if scorer.adapters else [NO_FOLD]:
                asked += [Asked(one, reader) for one in messages]
                ids += tested
        return ids, asked

    ids, asked = asked_with(examples)
    try:
        scored = scorer.score(asked)
    except PromptTooLong as error:
        if not examples or not isinstance(scorer, MeasuringScorer):
            raise
        measuring = scorer
        raise too_many_examples(examples, lambda k: measuring.fits(asked_with(k)[1]), error) from error
    rows = [_numbers(one, [OPTION_PREFIX + option for option in options]) for one in scored]
    numbers = pd.DataFrame(rows).groupby(np.asarray(ids), sort=False).mean()
    if any(one.n_tokens is None for one in scored):
        numbers = numbers.drop(columns="n_tokens", errors="ignore")  # absent, not 0
    numbers = numbers.astype({name: int for name in ("n_tokens", "n_unseen") if name in numbers})
    table = splits.set_index("respondent_id")[["condition", "fold"]].loc[list(numbers.index)].reset_index()
    table["target"] = prompts.set_index("respondent_id").target.loc[numbers.index].to_numpy()
    table["weight"] = respondents.set_index("respondent_id").weight.loc[numbers.index].to_numpy()
    return table.join(numbers.reset_index(drop=True)).assign(normalization=scored[0].normalization)


def _numbers(scored: Scored, names: Sequence[str]) -> dict[str, float]:
    numbers = dict(zip(names, map(float, scored.probabilities), strict=True))
    numbers["option_mass"] = scored.option_mass
    counts = {"n_tokens": scored.n_tokens, "n_unseen": scored.n_unseen}
    return numbers | {name: count for name, count in counts.items() if count is not None}
