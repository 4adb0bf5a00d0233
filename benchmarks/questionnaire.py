"""A questionnaire in one adapter against an adapter for each item: what both cost, and how well they predict.

    python benchmarks/questionnaire.py [--study studies/gss-spending.yaml] [--base results/models/tiny] [--steps 720]

Run after `make demo`, whose base model it uses. The first fold of a study of several targets. One adapter learns the rows of all items
in so many steps; adapters of their own learn those of one item each, as one cohort, in the same number of steps each, and in so many
that all of them together read what the one adapter read. Writes results/benchmarks/questionnaire.json.
"""

import argparse
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from measure import ROOT, machine
from snakemake.utils import update_config

from stimmung.baselines.predict_folds import predict_folds
from stimmung.data.surveys.splits import split_condition
from stimmung.engine.base.base_model import Base, load_base
from stimmung.engine.base.devices import use_threads
from stimmung.engine.cohort.batching import TrainingRow
from stimmung.engine.cohort.train import train_adapters
from stimmung.engine.cohort.training_config import Task
from stimmung.engine.scoring.local_scorer import LocalScorer, score_together
from stimmung.engine.scoring.predict import Target, predict_targets
from stimmung.engine.scoring.survey_prompts import training_ids, training_rows
from stimmung.store.paths import Store
from stimmung.study.named_files import read_respondents
from stimmung.study.reading import load_codebook
from stimmung.study.study import load_study
from stimmung.study.surveys import Survey
from stimmung.text.personas import rendering_of
from stimmung.text.prompts import plain_text, prompts_table, survey_messages
from stimmung.vocabulary.atomic_files import write_json
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.few_shot import FewShot
from stimmung.vocabulary.pace import Pace
from stimmung.vocabulary.scoring import Scoring
from stimmung.vocabulary.training import Training
from stimmung.vocabulary.view import View

SEED, FOLD, FOLDS, CONDITION = 24, 0, 5, "full"
TOKENS_PER_BATCH = 16384


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", type=Path, default=Path("studies/gss-spending.yaml"))
    parser.add_argument("--base", type=Path, default=Path("results/models/tiny"))
    parser.add_argument("--steps", type=int, default=720)
    parser.add_argument("--output", type=Path, default=ROOT / "results/benchmarks")
    arguments = parser.parse_args()
    use_threads(1)
    survey, training = of_study(arguments.study)
    training = training.model_copy(update={"max_steps": arguments.steps})
    base = load_base(arguments.base)
    codebook = survey.answered(load_codebook(ROOT / survey.codebook))
    people = read_respondents(survey, codebook, ROOT)
    targets = {view.item: Asked(view, codebook, survey, people, base) for view in survey.asked(codebook)}
    rows = {item: target.rows for item, target in targets.items()}
    every = [Task("all items", [row for own in rows.values() for row in own], SEED)]
    alone = [Task(item, own, SEED) for item, own in rows.items()]
    share = training.model_copy(update={"max_steps": max(1, arguments.steps // len(rows))})
    settings = {
        "one adapter": (every, training),
        f"{len(rows)} adapters, as many steps each": (alone, training),
        f"{len(rows)} adapters, as many steps together": (alone, share),
    }
    found = {name: measured(base, targets, *setting) for name, setting in settings.items()}
    found["item mean"] = {"items": {item: target.item_mean() for item, target in targets.items()}}
    for one in found.values():
        items = pd.DataFrame(one["items"]).T
        one |= {f"mean_{metric}": round(float(items[metric].mean()), 4) for metric in items}
    table = pd.DataFrame(
        {name: {key: value for key, value in one.items() if key != "items"} for name, one in found.items()}
    ).T
    print(table.to_string())
    print(
        pd.DataFrame({name: pd.DataFrame(one["items"]).T.log_loss for name, one in found.items()})
        .round(3)
        .to_string()
    )
    content = {
        "study": str(arguments.study),
        "steps": arguments.steps,
        "settings": found,
        "machine": machine(),
    }
    write_json(content, arguments.output / "questionnaire.json")


def of_study(path: Path) -> tuple[Survey, Training]:
    """Return the survey of a study of one, and the hyper-parameters of its adapters on the built-in model."""
    config: dict[str, Any] = {}
    for file in (ROOT / "config.yaml", ROOT / path):
        update_config(config, yaml.safe_load(file.read_text(encoding="utf-8")))
    study = load_study(config, ROOT)
    (survey,) = study.selected_surveys().values()
    return survey, study.training_of(survey, "tiny")


class Asked:
    """One target of the survey: its codebook, prompts, splits and training rows."""

    def __init__(
        self, view: View, codebook: Codebook, survey: Survey, people: pd.DataFrame, base: Base
    ) -> None:
        self.words, self.language, self.people, self.base = view.of(codebook), survey.language, people, base
        self.options = self.words.target_labels(self.language)
        records: list[Any] = people.to_dict("records")
        messages = [survey_messages(row, self.words, self.language) for row in records]
        question = self.words.question_in(self.language)
        texts = [plain_text(one, question) for one in messages]
        self.prompts = prompts_table(people, view.item, messages, texts)
        self.splits = split_condition(
            people, view.item, CONDITION, other_targets=view.others, n_folds=FOLDS, seed=survey.split_seed
        )
        self.tested = self.splits[self.splits.fold == FOLD]
        self.rendering = rendering_of(self.words, self.language, base.tokenizer, chat=False, persona=False)
        self.rows: list[TrainingRow] = training_rows(
            self.prompts, training_ids(self.splits, FOLD), self.rendering
        )

    def scored_by(self, adapter: Path) -> Target:
        """Return what ``predict_targets`` reads the fold's respondents with."""
        scorer = LocalScorer(self.base, self.rendering, self.options, [adapter], Scoring(), TOKENS_PER_BATCH)
        return Target(scorer, self.prompts, self.tested, self.people, self.options, [])

    def quality(self, predictions: pd.DataFrame) -> dict[str, float]:
        """Return how good predictions of the fold are."""
        chances = predictions[[f"p_{option}" for option in self.options]].to_numpy(dtype=float)
        truth = predictions.target.map({one: place for place, one in enumerate(self.options)}).to_numpy()
        return {
            "accuracy": float((chances.argmax(axis=1) == truth).mean()),
            "log_loss": float(-np.log(chances[np.arange(len(truth)), truth]).mean()),
        }

    def item_mean(self) -> dict[str, float]:
        """Return how good it is to predict the shares of the training rows for everybody."""
        about = {"predictors": self.words.predictors, "target": self.words.target, "options": self.options}
        found = predict_folds(
            "majority",
            self.people,
            self.splits,
            **about,
            grid={},
            inner_folds=2,
            condition=CONDITION,
            seed=SEED,
        )
        return self.quality(found[found.fold == FOLD])


def measured(
    base: Base, targets: Mapping[str, Asked], tasks: Sequence[Task], training: Training
) -> dict[str, Any]:
    """Train, score the held-out fold, and return the seconds of both and the quality by item."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        began, began_wall = time.process_time(), time.perf_counter()
        keys = train_adapters(base, training, tasks, store, pace=Pace())
        trained, trained_wall = time.process_time(), time.perf_counter()
        adapters = [store.adapter(key) for key in keys]
        found: list[pd.DataFrame] = []
        how = {"examples": 0, "few_shot": FewShot(), "seed": SEED}
        if len(adapters) == 1:
            found = predict_targets(
                [one.scored_by(adapters[0]) for one in targets.values()], score_together, **how
            )
        else:
            for one, adapter in zip(targets.values(), adapters, strict=True):
                found += predict_targets([one.scored_by(adapter)], score_together, **how)
        scored = time.process_time()
    return {
        "training_cpu_s": round(trained - began, 1),
        "training_wall_s": round(trained_wall - began_wall, 1),
        "scoring_cpu_s": round(scored - trained, 1),
        "rows_read": len(tasks) * training.max_steps * training.per_device_train_batch_size,
        "items": {
            item: one.quality(table) for (item, one), table in zip(targets.items(), found, strict=True)
        },
    }


if __name__ == "__main__":
    main()
