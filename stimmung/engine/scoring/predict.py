"""Votes of held-out respondents, predicted by any scorer."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from stimmung.engine.scoring.example_choice import examples_of_each, too_many_examples
from stimmung.engine.scoring.prompt_batches import PromptTooLong
from stimmung.engine.scoring.scorer import Asked, MeasuringScorer, Scored, Scorer
from stimmung.engine.scoring.survey_prompts import asked_messages, folds_of, held_out_ids, training_ids
from stimmung.text.prompts import Message, few_shot_messages
from stimmung.vocabulary.few_shot import FewShot
from stimmung.vocabulary.votes_schemas import NO_FOLD, OPTION_PREFIX


class Target(NamedTuple):
    """One item that is predicted, with the scorer that asks for it."""

    scorer: Scorer
    prompts: pd.DataFrame  # PROMPTS and SPLITS tables; the splits of one condition
    splits: pd.DataFrame
    respondents: pd.DataFrame  # RESPONDENTS table, by whose answers few-shot examples are near
    options: Sequence[str]
    items: Sequence[str]  # the items of the prompt, whose answers those are


ScoreAll = Callable[[Sequence[Any], Sequence[Sequence[Asked]]], list[list[Scored]]]


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
    """Return the predictions of one target, as :func:`predict_targets` does."""
    target = Target(scorer, prompts, splits, respondents, options, items)
    (found,) = predict_targets([target], each_alone, examples=examples, few_shot=few_shot, seed=seed)
    return found


def each_alone(scorers: Sequence[Scorer], asked: Sequence[Sequence[Asked]]) -> list[list[Scored]]:
    """Return what each scorer says of what it is asked."""
    return [scorer.score(own) for scorer, own in zip(scorers, asked, strict=True)]


def predict_targets(
    targets: Sequence[Target], score: ScoreAll, *, examples: int, few_shot: FewShot, seed: int
) -> list[pd.DataFrame]:
    """Return, for each target, one row for each respondent, with a probability for each answer option.

    Respondents with an answer are read by the adapter that was not trained on them. Those without one are in no fold: all adapters
    read them, and their probabilities are averaged.

    Parameters
    ----------
    score
        How all scorers answer what each of them is asked, such as ``score_together``.
    examples
        How many few-shot examples a prompt shows, from the training respondents; 0 for none.
    few_shot
        How they are chosen; what is drawn is drawn with ``seed``.

    Returns
    -------
    list of DataFrame
        The columns of a predictions table except ``method`` and ``seed``.

    Raises
    ------
    InputError
        If there are too few training respondents for the examples, or a scorer cannot read a prompt; if that is because of
        its examples, the largest number that it can read is named.
    """
    asked = [_asked(target, examples, few_shot, seed) for target in targets]
    try:
        scored = score([target.scorer for target in targets], [own for _, own in asked])
    except PromptTooLong as error:
        measuring = [(one, one.scorer) for one in targets if isinstance(one.scorer, MeasuringScorer)]
        if not examples or not measuring:
            raise

        def fits(k: int) -> bool:
            return all(scorer.fits(_asked(target, k, few_shot, seed)[1]) for target, scorer in measuring)

        raise too_many_examples(examples, fits, error) from error
    return [_table(target, ids, own) for target, (ids, _), own in zip(targets, asked, scored, strict=True)]


def _asked(target: Target, k: int, few_shot: FewShot, seed: int) -> tuple[list[str], list[Asked]]:
    """Return the respondents and what is asked about each, behind ``k`` examples."""
    prompts, splits, adapters = target.prompts, target.splits, target.scorer.adapters
    ids: list[str] = []
    asked: list[Asked] = []
    for fold in [*folds_of(splits), NO_FOLD]:
        tested = held_out_ids(splits, fold)
        if not tested:
            continue
        messages: list[list[Message]] = asked_messages(prompts, tested)
        if k:
            about = (
                training_ids(splits, fold),
                k,
                seed + max(fold, 0),
                few_shot,
                target.respondents,
                target.items,
            )
            shown = examples_of_each(prompts, tested, *about)
            messages = [few_shot_messages(*pair) for pair in zip(messages, shown, strict=True)]
        readers = range(len(adapters)) if fold == NO_FOLD else [fold]
        for reader in readers if adapters else [NO_FOLD]:
            asked += [Asked(one, reader, name) for one, name in zip(messages, tested, strict=True)]
            ids += tested
    return ids, asked


def _table(target: Target, ids: Sequence[str], scored: Sequence[Scored]) -> pd.DataFrame:
    rows = [_numbers(one, [OPTION_PREFIX + option for option in target.options]) for one in scored]
    numbers = pd.DataFrame(rows).groupby(np.asarray(ids), sort=False).mean()
    if any(one.n_tokens is None for one in scored):
        numbers = numbers.drop(columns="n_tokens", errors="ignore")  # absent, not 0
    numbers = numbers.astype({name: int for name in ("n_tokens", "n_unseen") if name in numbers})
    about = target.splits.set_index("respondent_id")[["condition", "fold"]]
    table = about.loc[list(numbers.index)].reset_index()
    table["target"] = target.prompts.set_index("respondent_id").target.loc[numbers.index].to_numpy()
    table["weight"] = target.respondents.set_index("respondent_id").weight.loc[numbers.index].to_numpy()
    return table.join(numbers.reset_index(drop=True)).assign(normalization=scored[0].normalization)


def _numbers(scored: Scored, names: Sequence[str]) -> dict[str, float]:
    numbers = dict(zip(names, map(float, scored.probabilities), strict=True))
    numbers["option_mass"] = scored.option_mass
    counts = {"n_tokens": scored.n_tokens, "n_unseen": scored.n_unseen}
    return numbers | {name: count for name, count in counts.items() if count is not None}
