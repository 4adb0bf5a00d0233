"""Predict the shares of every held-out group's answers with a model on this machine, tuned or as it is."""

from pathlib import Path

import pandas as pd

from stimmung.engine.base.base_model import load_base
from stimmung.engine.base.devices import use_threads
from stimmung.engine.scoring.group_prompts import asked_of_groups, group_messages, predicted_shares
from stimmung.engine.scoring.local_scorer import LocalScorer, score_together
from stimmung.study.reading import load_codebook
from stimmung.text.personas import rendering_of
from stimmung.vocabulary.group_schemas import GROUP_PREDICTIONS, GROUP_SHARES, GROUPS
from stimmung.vocabulary.groups import words_of_groups
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.scoring import Scoring
from stimmung.workflow.run import run


def score_groups(
    *,
    base: Path,
    adapters: list[Path],
    groups: Path,
    shares: Path,
    codebook: Path,
    predictions: Path,
    by: list[str],
    targets: list[str],
    method: str,
    seed: int,
    language: str,
    chat: bool,
    scoring: Scoring,
    tokens_per_batch: int,
    threads: int,
) -> None:
    """Write the predictions of one arm and seed for all targets; ``adapters`` are the weights by fold, none for an untuned arm."""
    use_threads(threads)
    whole, model = load_codebook(codebook), load_base(base.parent)
    table, observed = read_table(groups, GROUPS), read_table(shares, GROUP_SHARES)
    fold_of = table.set_index("group")["fold"]
    folders = [weights.parent for weights in adapters]
    scorers, folds, asked = [], [], []
    for target in targets:
        words = words_of_groups(whole, by, target)
        rendering = rendering_of(words, language, model.tokenizer, chat, persona=False)
        options = words.target_labels(language)
        scorers.append(LocalScorer(model, rendering, options, folders, scoring, tokens_per_batch))
        folds.append(fold_of.loc[list(observed["group"][observed["item"] == target].unique())])
        asked.append(asked_of_groups(group_messages(table, words, language), folds[-1], bool(folders)))
    parts = [
        predicted_shares(scored, of_target, target, scorer.answers)
        for scored, of_target, target, scorer in zip(
            score_together(scorers, asked), folds, targets, scorers, strict=True
        )
    ]
    found = pd.concat(parts, ignore_index=True).assign(method=method, seed=seed).astype({"fold": "int8"})
    write_table(found[list(GROUP_PREDICTIONS.columns)], predictions, GROUP_PREDICTIONS)


if __name__ == "__main__":
    run(score_groups, snakemake)
