"""What the estimator does with adapters of a language model: the same calls as the rules make, from data frames."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stimmung.store.paths import Store
from stimmung.text.personas import rendering_of
from stimmung.text.prompts import prompts_table, survey_messages
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.pace import Engine
from stimmung.vocabulary.scoring import Scoring
from stimmung.vocabulary.training import Training

# The engine is imported where it is used: torch takes seconds, and an estimator with a tabular method does not need it.

Floats = NDArray[np.float64]
PACE = Engine.model_validate({})


def train(
    base: Path,
    codebook: Codebook,
    language: str,
    chat: bool,
    training: Training,
    respondents: pd.DataFrame,
    samples: Sequence[pd.DataFrame],
    seeds: Sequence[int],
    store: Store,
) -> list[str]:
    """Return the keys of adapters in the store, one for each sample, rows of ``respondents``, after training those that it lacks."""
    from stimmung.engine.base.model_files import load_tokenizer
    from stimmung.engine.scoring.imputation_adapters import tune_on_samples

    rendering = rendering_of(codebook, language, load_tokenizer(base), chat, persona=False)
    with tempfile.TemporaryDirectory() as folder:
        return tune_on_samples(
            base,
            training,
            _prompts(codebook, language, respondents),
            samples,
            seeds,
            [Path(folder) / str(number) for number in range(len(samples))],
            rendering,
            store,
            name="SurveyImputer",
            pace=PACE,
            stop=lambda: False,
        )


def read(
    base: Path,
    codebook: Codebook,
    language: str,
    chat: bool,
    respondents: pd.DataFrame,
    keys: Sequence[str],
    store: Store,
) -> list[Floats]:
    """Return the probabilities that each adapter gives each respondent's options, in the order of the codebook."""
    from stimmung.engine.base.base_model import load_base
    from stimmung.engine.scoring.imputation_adapters import read_with_each
    from stimmung.engine.scoring.local_scorer import LocalScorer

    if lacking := [key for key in keys if not store.has(key)]:
        raise InputError(
            f"{len(lacking)} of {len(keys)} adapters are no longer in the store {store.root}", "Fit again."
        )
    model = load_base(base)
    rendering = rendering_of(codebook, language, model.tokenizer, chat, persona=False)
    options = codebook.target_labels(language)
    folders = [store.adapter(key) for key in keys]
    scorer = LocalScorer(model, rendering, options, folders, Scoring(), PACE.tokens_per_batch)
    return read_with_each(
        scorer, _prompts(codebook, language, respondents), list(respondents["respondent_id"])
    )


def _prompts(codebook: Codebook, language: str, respondents: pd.DataFrame) -> pd.DataFrame:
    rows: list[Any] = respondents.to_dict("records")
    messages = [survey_messages(row, codebook, language) for row in rows]
    known = respondents if codebook.target in respondents else respondents.assign(**{codebook.target: None})
    return prompts_table(known, codebook.target, messages, [""] * len(messages))
