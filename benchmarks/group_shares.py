"""Whether an adapter tuned on groups' shares finds the known shares of groups that it has not seen, beside what needs no model.

    python benchmarks/group_shares.py --seeds 3

Groups of made-up respondents by gender, education and region: the log-odds of the answers are the sum of what these do, so that the
mean of the other groups misses what they have in common with a group. The observed shares are of 200 respondents each. Printed is
the mean distance from the true shares, which nobody but this script knows, of the tested groups of all folds.
"""

import argparse
import tempfile
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from scripts.build_tiny import build_tiny
from scripts.prepare_model import prepare_model
from scripts.score_groups import score_groups
from scripts.train_group_adapters import train_group_adapters
from stimmung.baselines.group_baselines import predict_groups
from stimmung.data.surveys.group_shares import with_folds
from stimmung.engine.base.model_files import WEIGHTS_AND_TOKENIZER
from stimmung.evaluation.votes.group_distances import jensen_shannon
from stimmung.vocabulary.group_schemas import GROUP_PREDICTIONS, GROUP_SHARES, GROUPS
from stimmung.vocabulary.pace import Pace
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.scoring import Scoring
from stimmung.vocabulary.training import Training

# Words that stand in the texts that tiny was built from: of others it has pieces only, and its adapter does not reach the LM head.
ITEMS = {
    "gender": ["female", "male"],
    "education": ["high school graduate", "some college", "college degree"],
    "region": ["north", "south", "east", "west"],
}
TARGETS = {"vote": ["Amber", "Birch", "Cobalt"], "trust": ["none", "low", "medium", "high"]}
N, FOLDS = 200, 4
TRAINING = Training(
    r=8,
    lora_alpha=16,
    learning_rate=3e-3,
    num_train_epochs=None,
    max_steps=250,
    per_device_train_batch_size=16,
)


def made_up(rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return groups, the shares that are observed, and the true ones."""
    groups = [dict(zip(ITEMS, answers, strict=True)) for answers in product(*ITEMS.values())]
    observed, true = [], []
    for target, options in TARGETS.items():
        effects = {
            name: {label: rng.normal(0, 0.8, len(options)) for label in labels}
            for name, labels in ITEMS.items()
        }
        for group in groups:
            odds = np.exp(sum(effects[name][label] for name, label in group.items()))
            shares = odds / odds.sum()
            drawn = rng.multinomial(N, shares) / N
            about = {"group": ", ".join(group.values()), "item": target}
            for place, option in enumerate(options):
                observed.append(
                    {**about, "option": option, "share": drawn[place], "n": float(N), "n_effective": float(N)}
                )
                true.append({**about, "option": option, "share": shares[place]})
    table = pd.DataFrame([{"group": ", ".join(group.values()), **group} for group in groups])
    return table, pd.DataFrame(observed), pd.DataFrame(true)


def codebook() -> dict[str, object]:
    """Return the words of the items."""
    items = {
        name: {
            "column": name,
            "wording": name.capitalize(),
            "options": [{"code": code, "label": label} for code, label in enumerate(labels)],
        }
        for name, labels in {**ITEMS, **TARGETS}.items()
    }
    words = {
        "instruction": "Given the survey answers of a respondent, return one of: {options}.",
        "question": "{wording}:",
    }
    return {"title": "Made up", "source": "nobody", "target": "vote", **words, "items": items}


def distances(predictions: pd.DataFrame, true: pd.DataFrame) -> pd.Series:
    """Return the mean Jensen-Shannon distance of each method from the true shares."""
    found: dict[str, list[float]] = {}
    for item, part in true.groupby("item"):
        wanted = part.pivot(index="group", columns="option", values="share")
        for method, own in predictions[predictions["item"] == item].groupby("method"):
            given = own.pivot(index="group", columns="option", values="predicted").loc[
                wanted.index, wanted.columns
            ]
            found.setdefault(str(method), []).append(
                float(jensen_shannon(given.to_numpy(), wanted.to_numpy()).mean())
            )
    return pd.Series({method: np.mean(values) for method, values in found.items()})


def run(folder: Path, seed: int) -> pd.Series:
    """Return the distances of one made-up survey, by method; ``folder`` has the prepared base."""
    groups, shares, true = made_up(np.random.default_rng(seed))
    tables = {"groups": folder / f"groups-{seed}.parquet", "shares": folder / f"shares-{seed}.parquet"}
    groups = with_folds(groups, shares, FOLDS, seed)
    write_table(groups, tables["groups"], GROUPS)
    write_table(shares, tables["shares"], GROUP_SHARES)
    book = folder / "codebook.yaml"
    book.write_text(yaml.safe_dump(codebook(), sort_keys=False))
    asked = {
        "base": folder / "base/model.json",
        "codebook": book,
        "by": list(ITEMS),
        "targets": list(TARGETS),
    }
    words = {**asked, **tables, "seed": seed, "language": "en", "chat": False, "threads": 1}
    adapters = [folder / f"adapters-{seed}/fold-{fold}/adapter_model.safetensors" for fold in range(FOLDS)]
    train_group_adapters(
        **words, adapters=adapters, training=TRAINING, pace=Pace(cohort="stacked"), store=folder / "store"
    )
    parts = [predict_groups(groups, shares, list(ITEMS), seed)]
    for arm, weights in (("tiny/tuned", adapters), ("tiny/zero-shot", [])):
        path = folder / f"{arm.replace('/', '-')}-{seed}.parquet"
        scoring = Scoring.model_validate({})
        score_groups(
            **words, adapters=weights, predictions=path, method=arm, scoring=scoring, tokens_per_batch=16384
        )
        parts.append(read_table(path, GROUP_PREDICTIONS))
    found = distances(pd.concat(parts), true)
    sample = shares.rename(columns={"share": "predicted"}).assign(method="the group's own sample")
    return pd.concat([found, distances(sample, true)])


def main() -> None:
    """Print the distances of each method for each seed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=3)
    seeds = range(1, parser.parse_args().seeds + 1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        built = [folder / "tiny" / file for file in WEIGHTS_AND_TOKENIZER]
        build_tiny(files=built, threads=1)
        prepare_model(
            source=str(folder / "tiny"),
            revision=None,
            quantization="nf4",
            compute_dtype="float32",
            encoder=False,
            threads=1,
            store=folder / "store",
            description=folder / "base/model.json",
            files=[folder / "base" / file for file in WEIGHTS_AND_TOKENIZER],
        )
        table = pd.DataFrame({f"seed {seed}": run(folder, seed) for seed in seeds})
    print(table.assign(mean=table.mean(axis=1)).sort_values("mean").round(3).to_string())


if __name__ == "__main__":
    main()
