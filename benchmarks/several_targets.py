"""What 18 targets of a respondent cost in scoring against one: read in one pass, or each as a survey of its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from measure import ROOT, Cost, alternating, load_as_base, ratio, saved
from simulated_respondents import simulate_respondents

from stimmung.engine.base.base_model import Base
from stimmung.engine.base.tiny import _build_tokenizer
from stimmung.engine.scoring.prompt_batches import Prompt
from stimmung.engine.scoring.score import score_options
from stimmung.study.reading import load_codebook
from stimmung.text.prompts import Message, survey_messages
from stimmung.text.rendering import Rendering
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.view import View

CODEBOOK, LANGUAGE = ROOT / "codebooks/gss-spending.yaml", "en"
ONE = "environment"  # the target whose cost all others are compared with
VOCABULARY = 1536  # as of the other prompts that are scored


def questionnaire(n: int, see: str) -> tuple[Any, dict[str, list[Prompt]]]:
    """Return a tokenizer, and of each target of the codebook the prompts about ``n`` simulated respondents."""
    codebook = load_codebook(CODEBOOK)
    items = [name for name, item in codebook.items.items() if item.column.startswith("nat")]
    asked = {
        item: View(item=item, others=[one for one in items if one != item], see=see).of(codebook)
        for item in items
    }
    people = simulate_respondents(codebook, LANGUAGE, n, seed=0).to_dict("records")
    messages = {
        item: [survey_messages(row, words, LANGUAGE) for row in people] for item, words in asked.items()
    }
    texts = [
        f"{_rendering(None, asked[item]).text(one)} {option}"
        for item, of_item in messages.items()
        for one in of_item
        for option in asked[item].target_labels(LANGUAGE)
    ]
    tokenizer = _build_tokenizer(texts, VOCABULARY)
    return tokenizer, {
        item: [_prompt(_rendering(tokenizer, asked[item]), asked[item], *one) for one in enumerate(of_item)]
        for item, of_item in messages.items()
    }


def _rendering(tokenizer: Any, words: Codebook) -> Rendering:
    return Rendering(tokenizer, False, words.question_in(LANGUAGE))


def _prompt(rendering: Rendering, words: Codebook, number: int, messages: list[Message]) -> Prompt:
    return Prompt(*rendering.encode(messages, words.target_labels(LANGUAGE)), about=str(number))


def _each(base: Base, prompts: Sequence[Sequence[Prompt]]) -> None:
    for of_item in prompts:
        score_options(base, of_item)


def several_targets(
    size: str, n: int, repetitions: int, folder: Path
) -> tuple[dict[str, float | None], dict[str, Cost | None], dict[str, float]]:
    """Return the ratios, the costs of each setting, and the mean lengths of prompts and questions in tokens."""
    keys: dict[str, float | None] = {}
    costs: dict[str, Cost | None] = {}
    lengths: dict[str, float] = {}
    for see in ("items", "others"):
        tokenizer, prompts = questionnaire(n, see)
        base = load_as_base(saved(size, tokenizer, folder / see), "float32")
        together = [one for of_item in zip(*prompts.values(), strict=True) for one in of_item]
        settings: Mapping[str, Callable[[], Any]] = {
            "one target": partial(score_options, base, prompts[ONE]),
            f"{len(prompts)} targets, one after another": partial(_each, base, list(prompts.values())),
            f"{len(prompts)} targets, one pass": partial(score_options, base, together),
        }
        found = alternating({name: lambda run=run: run for name, run in settings.items()}, repetitions)
        one, apart, shared = found.values()
        costs |= {f"{name}, they see {see}": cost for name, cost in found.items()}
        keys[f"{len(prompts)}_targets_vs_one_{see}"] = ratio(shared, one)
        keys[f"{len(prompts)}_targets_apart_vs_one_{see}"] = ratio(apart, one)
        keys[f"max_abs_difference_{see}"] = float(
            max(
                np.abs(np.subtract(*pair)).max()
                for pair in zip(
                    score_options(base, together),
                    score_options(base, [replace(prompt, about=None) for prompt in together]),
                    strict=True,
                )
            )
        )
        lengths[f"mean_tokens_{see}"] = float(np.mean([len(prompt.context_ids) for prompt in together]))
    return keys, costs, lengths
