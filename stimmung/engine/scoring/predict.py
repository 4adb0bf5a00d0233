"""Votes of held-out respondents, read from the probabilities of the answer options."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from stimmung.engine.base.base_model import Base
from stimmung.engine.cohort.adapter_files import load_adapter
from stimmung.engine.cohort.lora import BASE_ONLY, attached
from stimmung.engine.scoring.readouts import named
from stimmung.engine.scoring.score import Prompt, normalize, option_mass, score_options
from stimmung.engine.scoring.survey_prompts import (
    draw_examples,
    folds_of,
    held_out_ids,
    scoring_prompts,
    training_ids,
    unconditional_prompt,
)
from stimmung.text.rendering import Rendering
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.votes_schemas import NO_FOLD, OPTION_PREFIX


def predict_respondents(
    base: Base,
    rendering: Rendering,
    *,
    prompts: pd.DataFrame,
    splits: pd.DataFrame,
    weights: "pd.Series[float]",
    options: Sequence[str],
    answers: Sequence[str] | None = None,
    adapters: Sequence[Path],
    examples: int,
    normalization: str,
    readout: str,
    tokens_per_batch: int,
    seed: int,
) -> pd.DataFrame:
    """Return one row for each respondent, with a probability for each answer option.

    A respondent with an answer is read by the adapter that was not trained on it; one without is read by all adapters.

    Parameters
    ----------
    base
        The resident base model.
    rendering
        How it reads surveys.
    prompts, splits
        The tables of one condition.
    weights
        Survey weights by respondent.
    options
        The target's options.
    answers
        The words that are scored for each option, if others than the option's own.
    adapters
        Directories by fold; none reads with the base alone.
    examples
        How many few-shot examples; 0 for none.
    normalization, readout
        As in the config's `scoring` section.
    tokens_per_batch
        Bounds the memory of a batch.
    seed
        Draws the examples.

    Returns
    -------
    DataFrame
        The columns of a predictions table but for ``method`` and ``seed``.
    """
    said = options if answers is None else answers
    asked: list[Prompt] = []
    ids: list[str] = []
    for fold in folds_of(splits):
        shown = draw_examples(prompts, training_ids(splits, fold), examples, seed + fold) if examples else []
        tested = held_out_ids(splits, fold)
        reader = fold if adapters else BASE_ONLY
        asked += scoring_prompts(prompts, tested, said, rendering, adapter=reader, examples=shown)
        ids += tested
    # Who did not answer is in no fold: every adapter reads them, and their probabilities are averaged.
    unanswered = held_out_ids(splits, NO_FOLD)
    if unanswered:
        everybody = training_ids(splits, NO_FOLD)
        shown = draw_examples(prompts, everybody, examples, seed) if examples else []
        for reader in range(len(adapters)) if adapters else [BASE_ONLY]:
            asked += scoring_prompts(prompts, unanswered, said, rendering, adapter=reader, examples=shown)
            ids += unanswered
    if normalization == "pmi":
        blank = unconditional_prompt(prompts, said, rendering)
        asked += [
            Prompt(blank.context_ids, blank.option_ids, adapter)
            for adapter in sorted({one.adapter for one in asked})
        ]
    scores = _score(base, asked, adapters, tokens_per_batch, readout)
    blanks = {one.adapter: score for one, score in zip(asked[len(ids) :], scores[len(ids) :], strict=True)}
    rows = [
        _row(prompt, score, options, said, normalization, blanks.get(prompt.adapter))
        for prompt, score in zip(asked[: len(ids)], scores[: len(ids)], strict=True)
    ]
    return averaged(ids, rows, prompts, splits, weights)


def averaged(
    ids: Sequence[str],
    rows: Sequence[Mapping[str, float | int | str]],
    prompts: pd.DataFrame,
    splits: pd.DataFrame,
    weights: "pd.Series[float]",
) -> pd.DataFrame:
    """Return a predictions table, but for method and seed; a respondent with several rows gets their mean.

    Parameters
    ----------
    ids
        Whose row each of ``rows`` is.
    rows
        Probabilities of the options (``p_…``), option_mass, n_tokens and normalization, as a predictions table has them.
    prompts, splits
        PROMPTS and SPLITS tables; the splits of one condition.
    weights
        Survey weights by respondent_id.
    """
    table = pd.DataFrame(list(rows))
    numbers = table.select_dtypes("number").groupby(np.asarray(ids), sort=False).mean()
    numbers = numbers.astype({name: int for name in ("n_tokens", "n_unseen") if name in numbers})
    who = described(list(numbers.index), prompts, splits, weights)
    return who.join(numbers.reset_index(drop=True)).assign(normalization=table["normalization"].iloc[0])


def described(
    ids: Sequence[str], prompts: pd.DataFrame, splits: pd.DataFrame, weights: "pd.Series[float]"
) -> pd.DataFrame:
    """Return the columns of a predictions table that say who was asked, and in which fold; a row for each of ``ids``."""
    about = splits.set_index("respondent_id").loc[list(ids)]
    truth = prompts.set_index("respondent_id").target.loc[list(ids)]
    return pd.DataFrame(
        {
            "respondent_id": list(ids),
            "condition": about.condition.to_numpy(),
            "fold": about.fold.to_numpy(),
            "target": truth.to_numpy(),
            "weight": weights.loc[list(ids)].to_numpy(),
        }
    )


def _score(
    base: Base, asked: Sequence[Prompt], adapters: Sequence[Path], tokens_per_batch: int, readout: str
) -> list[np.ndarray]:
    if not adapters:
        return score_options(base, asked, tokens_per_batch=tokens_per_batch, readout=named(readout))
    loaded = [load_adapter(directory) for directory in adapters]
    if len({adapter.settings for adapter in loaded}) > 1:
        raise InputError(f"the adapters beside {adapters[0]} differ in rank, scale or target modules")
    with attached(base, loaded[0].settings) as cohort:
        for adapter in loaded:
            cohort.add(adapter.weights)
        return score_options(
            base, asked, cohort=cohort, tokens_per_batch=tokens_per_batch, readout=named(readout)
        )


def _row(
    prompt: Prompt,
    score: np.ndarray,
    options: Sequence[str],
    said: Sequence[str],
    normalization: str,
    blank: np.ndarray | None,
) -> dict[str, float | int | str]:
    probabilities = normalize(
        score,
        normalization,
        n_tokens=[len(option) for option in prompt.option_ids],
        n_bytes=[len(words.encode()) for words in said],
        unconditional=blank,
    )
    row: dict[str, float | int | str] = {
        OPTION_PREFIX + option: float(probability)
        for option, probability in zip(options, probabilities, strict=True)
    }
    return row | {
        "option_mass": option_mass(score),
        "n_tokens": len(prompt.context_ids),
        "normalization": normalization,
    }
