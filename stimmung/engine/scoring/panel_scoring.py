"""From the posts of a week to what adapters train on, and from questions to what adapters answer."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from stimmung.engine.base.base_model import Base
from stimmung.engine.cohort.adapter_files import load_adapter
from stimmung.engine.cohort.batching import TrainingRow, pack_blocks
from stimmung.engine.cohort.lora import attached
from stimmung.engine.scoring.readouts import named
from stimmung.engine.scoring.score import Prompt, normalize, option_mass, score_options
from stimmung.store.adapter_manifest import WeekAdapter
from stimmung.store.keys import digest_of_content
from stimmung.store.paths import Store
from stimmung.text.encoding import encode
from stimmung.vocabulary.atomic_files import write_json
from stimmung.vocabulary.moods_schemas import BASE_SEED, BASE_WEEK
from stimmung.vocabulary.questions import Question


@dataclass(frozen=True)
class Wording:
    """One variant of a question, in words and in tokens."""

    question: str
    variant: str
    options: tuple[str, ...]
    continuations: tuple[str, ...]
    prompt: Prompt


@dataclass(frozen=True)
class Reading:
    """How probabilities are read, as in the config's `scoring` and `engine` sections."""

    normalization: str = "none"
    readout: str = "exact"
    tokens_per_batch: int = 16384


def post_rows(tokenizer: Any, texts: Sequence[str], block_size: int) -> list[TrainingRow]:
    """Return a week's posts in blocks of tokens, each post behind the token that begins a text.

    As study B does (Ahnert et al. 2024, ``train_llama3_empiricalData.py``), but that the tokens behind the
    last full block are kept.

    Parameters
    ----------
    tokenizer
        A fast Hugging Face tokenizer. One without a beginning-of-text token gets its end-of-text token.
    texts
        The posts, in the order of their table.
    block_size
        Predicted tokens of a full block.
    """
    if not len(texts):
        return []
    posts = tokenizer(list(texts))["input_ids"]
    begin = tokenizer.eos_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id
    begun = [post if begin is None or post[:1] == [begin] else [begin, *post] for post in posts]
    return pack_blocks(begun, block_size)


def word_questions(tokenizer: Any, questions: Mapping[str, Question]) -> list[Wording]:
    """Return every variant of every question in tokens.

    Raises
    ------
    InputError
        If the tokenizer cannot part the question from its answers.
    """
    wordings = []
    for name, question in questions.items():
        for variant in question.worded():
            encoded = encode(tokenizer, variant.context, variant.continuations)
            wordings.append(
                Wording(
                    name,
                    variant.name,
                    tuple(question.options),
                    variant.continuations,
                    Prompt(encoded.context_ids, encoded.continuation_ids),
                )
            )
    return wordings


def answer_questions(
    base: Base,
    wordings: Sequence[Wording],
    adapters: Sequence[WeekAdapter],
    reading: Reading,
    store: Store,
    code: str = "",
) -> pd.DataFrame:
    """Ask the untuned base, and each adapter on it, every question in every wording.

    An adapter is asked by itself, so that its answers do not depend on which others are asked in the same
    job, and what it has answered before is taken from the store.

    Parameters
    ----------
    base
        The resident base model; adapters are put on it and taken off again.
    wordings
        From ``word_questions``.
    adapters
        Of weeks, in the order of the table's rows.
    reading
        How probabilities are read.
    store
        Keeps the answers of an adapter, by the adapter's key.
    code
        A digest of the code that scores.

    Returns
    -------
    DataFrame
        An answers table but for `panel` and `model`; first the rows of the base: week '', seed -1.

    Raises
    ------
    InputError
        If an adapter cannot be read, or options cannot be told apart.
    """
    prompts = [wording.prompt for wording in wordings]
    asked = digest_of_content(
        [base.digest, [[one.context_ids, one.option_ids] for one in prompts], reading.readout, code]
    )
    rows = _rows(wordings, _score(base, prompts, reading), reading, BASE_WEEK, BASE_SEED)
    for adapter in adapters:
        file = store.answers(digest_of_content([adapter.key, asked]))
        if not file.exists():
            write_json([scores.tolist() for scores in _score(base, prompts, reading, adapter)], file)
        rows += _rows(wordings, json.loads(file.read_text()), reading, adapter.week, adapter.seed)
    return pd.DataFrame(rows)


def _score(
    base: Base, prompts: Sequence[Prompt], reading: Reading, adapter: WeekAdapter | None = None
) -> list[np.ndarray]:
    readout = named(reading.readout)
    if adapter is None:
        return score_options(base, prompts, tokens_per_batch=reading.tokens_per_batch, readout=readout)
    loaded = load_adapter(adapter.directory)
    with attached(base, loaded.settings) as cohort:
        number = cohort.add(loaded.weights)
        own = [Prompt(one.context_ids, one.option_ids, number) for one in prompts]
        return score_options(
            base, own, cohort=cohort, tokens_per_batch=reading.tokens_per_batch, readout=readout
        )


def _rows(
    wordings: Sequence[Wording],
    scores: Sequence[Sequence[float] | np.ndarray],
    reading: Reading,
    week: str,
    seed: int,
) -> list[dict[str, str | int | float]]:
    rows: list[dict[str, str | int | float]] = []
    for wording, score in zip(wordings, scores, strict=True):
        loglikelihoods = np.asarray(score, dtype=float)
        n_tokens = [len(option) for option in wording.prompt.option_ids]
        probabilities = normalize(
            loglikelihoods,
            reading.normalization,
            n_tokens=n_tokens,
            n_bytes=[len(continuation.encode()) for continuation in wording.continuations],
        )
        mass = option_mass(loglikelihoods)
        rows += [
            {
                "week": week,
                "seed": seed,
                "question": wording.question,
                "variant": wording.variant,
                "option": option,
                "loglikelihood": float(loglikelihood),
                "n_tokens": n,
                "probability": float(probability),
                "option_mass": mass,
            }
            for option, loglikelihood, n, probability in zip(
                wording.options, loglikelihoods, n_tokens, probabilities, strict=True
            )
        ]
    return rows
