"""From the posts of a week to what adapters train on, and from questions to what adapters answer."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import pandas as pd

from stimmung.engine.base.base_model import Base
from stimmung.engine.cohort.batching import TrainingRow, pack_blocks
from stimmung.engine.scoring.normalize import normalize, option_mass
from stimmung.engine.scoring.prompt_batches import Prompt
from stimmung.engine.scoring.score import SCORING_VERSION, score_with_adapters
from stimmung.store.adapter_manifest import WeekAdapter
from stimmung.store.keys import digest_of_content, library_versions
from stimmung.store.paths import Store
from stimmung.text.chat import answer_lead, chat_text
from stimmung.text.encoding import Encoded, encode
from stimmung.text.prompts import Message
from stimmung.vocabulary.atomic_files import write_json
from stimmung.vocabulary.moods_schemas import BASE_SEED, BASE_WEEK
from stimmung.vocabulary.questions import Question, Variant
from stimmung.vocabulary.scoring import Scoring


class Wording(NamedTuple):
    """One variant of a question: its options, the words scored, the first of which are theirs, and the tokens."""

    question: str
    variant: str
    options: Sequence[str]
    continuations: Sequence[str]
    prompt: Prompt


def post_rows(tokenizer: Any, texts: Sequence[str], block_size: int) -> list[TrainingRow]:
    """Return a week's posts in blocks of tokens, each post after the token that begins a text.

    As study B does (Ahnert et al. 2024, ``train_llama3_empiricalData.py``), except that the tokens after the last full block are
    kept.

    A full block predicts ``block_size`` tokens. Where a tokenizer has no beginning-of-text token, posts follow its end-of-text token.
    A special token's name in a post, such as ``<s>``, is text like any other.
    """
    if not len(texts):
        return []
    posts = tokenizer(list(texts), split_special_tokens=True)["input_ids"]
    begin = tokenizer.eos_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id
    begun = [post if begin is None or post[:1] == [begin] else [begin, *post] for post in posts]
    return pack_blocks(begun, block_size)


def word_questions(tokenizer: Any, questions: Mapping[str, Question], chat: bool = False) -> list[Wording]:
    """Return every variant of every question in tokens; errors as of ``encode``, and of ``chat_text`` with ``chat``.

    With ``chat`` the question is the user's turn in the tokenizer's chat template, and the prefix begins the assistant's.
    """
    return [
        Wording(
            name,
            one.name,
            one.options,
            one.continuations,
            Prompt(
                *(_in_chat(tokenizer, one) if chat else encode(tokenizer, one.context, one.continuations))
            ),
        )
        for name, question in questions.items()
        for one in question.worded()
    ]


def _in_chat(tokenizer: Any, variant: Variant) -> Encoded:
    """Return a variant in tokens, as a turn of a conversation and the beginning of its answer."""
    turns, begun = [Message(role="user", content=variant.stem.strip())], variant.prefix.strip()
    text = chat_text(tokenizer, turns)
    words = [one.strip() for one in variant.continuations]
    lead = answer_lead(tokenizer, turns, begun or words[0])
    if begun:
        return encode(
            tokenizer, text + lead + begun, [f" {word}" for word in words], add_special_tokens=False
        )
    return encode(tokenizer, text, [lead + word for word in words], add_special_tokens=False)


def answer_questions(
    load: Callable[[], Base],
    base_digest: str,
    wordings: Sequence[Wording],
    adapters: Sequence[WeekAdapter],
    scoring: Scoring,
    tokens_per_batch: int,
    store: Store,
) -> pd.DataFrame:
    """Ask the untuned base, and each adapter on it, every question in every wording.

    Each adapter is asked by itself, so that its answers do not depend on which others are asked in the same job. ``store`` keeps
    the answers of each; ``load`` returns the base model and is not called if the store has them all.

    Returns an answers table without `panel` and `model`; the rows of the base come first: week '', seed -1. Raises an InputError if
    an adapter cannot be read, or options cannot be told apart.
    """
    prompts = [wording.prompt for wording in wordings]
    tokens = [[one.context_ids, one.option_ids] for one in prompts]
    asked = digest_of_content([SCORING_VERSION, library_versions(), base_digest, tokens, scoring.readout])
    rows = []
    for adapter in [None, *adapters]:
        file = store.answers(digest_of_content([adapter.key if adapter else None, asked]))
        if not file.exists():
            folders = [adapter.directory] if adapter else []
            own = [replace(one, adapter=0) for one in prompts] if adapter else prompts
            scores = score_with_adapters(load(), own, folders, scoring.readout, tokens_per_batch)
            write_json([score.tolist() for score in scores], file)
        who = (adapter.week, adapter.seed) if adapter else (BASE_WEEK, BASE_SEED)
        for wording, score in zip(wordings, json.loads(file.read_text()), strict=True):
            rows += _rows(*who, wording, score, scoring.normalization)
    return pd.DataFrame(rows)


def _rows(
    week: str, seed: int, wording: Wording, loglikelihoods: Sequence[float], normalization: str
) -> list[dict[str, str | int | float]]:
    n_tokens = [len(option) for option in wording.prompt.option_ids]
    probabilities = normalize(loglikelihoods, normalization, n_tokens=n_tokens, options=wording.continuations)
    # Behind the yes that chooses the single option of a select-all question stands its no.
    columns = zip(wording.options, loglikelihoods, n_tokens, probabilities, strict=False)
    return [
        {
            "week": week,
            "seed": seed,
            "question": wording.question,
            "variant": wording.variant,
            "option": option,
            "loglikelihood": float(loglikelihood),
            "n_tokens": n,
            "probability": float(probability),
            "option_mass": option_mass(loglikelihoods),
        }
        for option, loglikelihood, n, probability in columns
    ]
