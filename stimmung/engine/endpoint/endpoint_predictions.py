"""Votes of held-out respondents, as a model behind a server predicts them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from stimmung.engine.endpoint.answer_cache import AnswerCache
from stimmung.engine.endpoint.ask import ask
from stimmung.engine.endpoint.client import Endpoint
from stimmung.engine.endpoint.logprobs import Answered, Question
from stimmung.engine.scoring.predict import averaged
from stimmung.engine.scoring.score import normalize
from stimmung.engine.scoring.survey_prompts import (
    asked_messages,
    draw_examples,
    folds_of,
    held_out_ids,
    training_ids,
)
from stimmung.text.prompts import Message
from stimmung.text.rendering import Rendering
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.votes_schemas import NO_FOLD, OPTION_PREFIX

FIRST_TOKEN = "first token of the {n} shown"


def predict_by_endpoint(
    endpoint: Endpoint,
    rendering: Rendering,
    cache: AnswerCache,
    *,
    prompts: pd.DataFrame,
    splits: pd.DataFrame,
    weights: "pd.Series[float]",
    options: Sequence[str],
    answers: Sequence[str],
    examples: int,
    normalization: str,
    seed: int,
) -> pd.DataFrame:
    """Return one row for each respondent, with a probability for each answer option.

    Parameters
    ----------
    endpoint
        The server.
    rendering
        How prompts are worded; no tokenizer is needed.
    cache
        What the server has said before.
    prompts, splits, weights, options, examples, seed
        As for ``stimmung.engine.scoring.predict.predict_respondents``.
    answers
        The words that are scored for each option.
    normalization
        As in the config's `scoring` section. First tokens have no length, so only 'none' goes with ``reads: top``.

    Returns
    -------
    DataFrame
        The columns of a predictions table but for ``method`` and ``seed``. ``n_unseen`` says how many options the
        server did not show; ``option_mass`` is then a lower bound.

    Raises
    ------
    InputError
        See ``stimmung.engine.endpoint.ask.ask``.
    """
    if endpoint.reads == "top" and normalization != "none":
        raise InputError(
            f"scoring.normalization: {normalization} needs whole options, but {endpoint.url} is read with `reads: top`"
        )
    ids: list[str] = []
    messages: list[list[Message]] = []
    for fold in [*folds_of(splits), NO_FOLD]:
        asked = held_out_ids(splits, fold)
        shown = (
            draw_examples(prompts, training_ids(splits, fold), examples, seed + max(fold, 0))
            if examples and asked
            else []
        )
        messages += asked_messages(prompts, asked, shown)
        ids += asked
    if normalization == "pmi":
        messages.append([messages[0][0], Message(role="user", content="")])
    said = ask(endpoint, [_question(endpoint, rendering, one, answers) for one in messages], cache)
    blank = np.array(said[-1].loglikelihoods) if normalization == "pmi" else None
    rows = [_row(endpoint, one, options, answers, normalization, blank) for one in said[: len(ids)]]
    return averaged(ids, rows, prompts, splits, weights)


def _question(
    endpoint: Endpoint, rendering: Rendering, messages: Sequence[Message], answers: Sequence[str]
) -> Question:
    if endpoint.api == "chat":
        return Question(tuple(rendering.turns(messages)), tuple(answers))
    # The space belongs to the answer, as in the local engine.
    return Question(rendering.text(messages), tuple(f" {answer}" for answer in answers))


def _row(
    endpoint: Endpoint,
    said: Answered,
    options: Sequence[str],
    answers: Sequence[str],
    normalization: str,
    blank: np.ndarray | None,
) -> dict[str, float | int | str]:
    probabilities = normalize(
        np.array(said.loglikelihoods),
        normalization,
        n_tokens=said.n_tokens,
        n_bytes=[len(answer.encode()) for answer in answers],
        unconditional=blank,
    )
    row: dict[str, float | int | str] = {
        OPTION_PREFIX + option: float(value) for option, value in zip(options, probabilities, strict=True)
    }
    exact = endpoint.reads != "top"
    return row | {
        "option_mass": said.seen_mass,
        "n_tokens": said.n_prompt,
        "normalization": normalization if exact else FIRST_TOKEN.format(n=endpoint.top_logprobs),
        "n_unseen": sum(said.unseen),
    }
