"""A scratch copy of the repository with a small study in it, and snakemake as a user runs it there."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

REPOSITORY = Path(__file__).parents[2]
# What a clone has and a run reads.
TRACKED = (
    "Snakefile",
    "config.yaml",
    "rules",
    "scripts",
    "stimmung",
    "codebooks",
    "profiles",
    "slurm",
    "envs",
)
SURVEY = "voters"
# Stands in every row, in a column that the codebook does not name and in the identifiers.
MARKER = "Quillfeather"

CODEBOOK = {
    "title": "A made-up survey",
    "source": "nobody was asked",
    "simulated": True,
    "instruction": "How does this voter vote? One of: {options}.",
    "question": "Vote:",
    "respondent_id": "id",
    "target": "vote",
    "items": {
        "party": {
            "column": "PARTY",
            "wording": "Party",
            "scale": "ordinal",
            "options": [
                {"code": 1, "label": "red"},
                {"code": 2, "label": "none"},
                {"code": 3, "label": "blue"},
            ],
        },
        "age": {"column": "AGE", "wording": "Age", "scale": "numeric", "format": "{value} years"},
        "vote": {
            "column": "VOTE",
            "wording": "Vote",
            "options": [{"code": 1, "label": "Red"}, {"code": 2, "label": "Blue"}],
        },
    },
}


def study(model: Path) -> dict[str, Any]:
    """Return a study of two conditions that overrides config.yaml and runs in seconds."""
    return {
        "run": {"surveys": [SURVEY], "panels": [], "baselines": ["majority", "logistic"]},
        "models": {"small": {"source": str(model), "quantization": "nf4", "compute_dtype": "float32"}},
        "training": {
            "quick": {
                "r": 4,
                "lora_alpha": 8,
                "learning_rate": 0.01,
                "num_train_epochs": None,
                "max_steps": 3,
                "per_device_train_batch_size": 4,
            }
        },
        # One adapter after another on every machine, so that one can be finished and the next not.
        "engine": {"cohort": "sequential"},
        "folds": 2,
        "inner_folds": 2,
        "surveys": {
            SURVEY: {
                "file": "voters.csv",
                "codebook": "voters.yaml",
                "conditions": {"full": {}, "half": {"share": 0.5}},
                "arms": ["small/tuned"],
                "training": "quick",
                "seeds": [24],
            }
        },
    }


def voters(n: int = 40) -> str:
    """Return the survey as csv."""
    rng = np.random.default_rng(5)
    rows = ["id,PARTY,AGE,VOTE,DIARY"]
    for number in range(n):
        party, age = rng.integers(1, 4), rng.integers(18, 90)
        vote = 1 + (party + rng.normal(scale=0.8) > 2)
        rows.append(f"{MARKER}-{number:03d},{party},{age},{vote},{MARKER} slept badly")
    return "\n".join(rows) + "\n"


@dataclass(frozen=True)
class Ended:
    """What a user sees of a run."""

    code: int
    terminal: str

    @property
    def errors(self) -> list[str]:
        """Return the lines that tell a user's mistake."""
        return [line for line in self.terminal.splitlines() if line.startswith("ERROR: ")]


class Workspace:
    """A folder in which a user works."""

    def __init__(self, folder: Path, config: dict[str, Any] | None = None) -> None:
        self.folder = folder
        self.config = yaml.safe_load((folder / "study.yaml").read_text()) if config is None else config

    @classmethod
    def begin(cls, folder: Path, model: Path) -> "Workspace":
        """Copy the repository, without anybody's results, and put the small study into it."""
        workspace = cls.clone(folder, study(model))
        (folder / "voters.csv").write_text(voters())
        workspace.save_codebook(CODEBOOK)
        return workspace

    @classmethod
    def clone(cls, folder: Path, config: dict[str, Any]) -> "Workspace":
        """Copy the repository, without anybody's results; what is given overrides config.yaml, the demo."""
        folder.mkdir(parents=True)
        for name in TRACKED:
            if (REPOSITORY / name).is_dir():
                shutil.copytree(
                    REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
                )
            else:
                shutil.copy2(REPOSITORY / name, folder / name)
        workspace = cls(folder, config)
        workspace.save()
        return workspace

    def copy(self, folder: Path) -> "Workspace":
        """Return a copy with its results, and with the times by which snakemake knows that they are up to date."""
        shutil.copytree(self.folder, folder, ignore=shutil.ignore_patterns("__pycache__"))
        return Workspace(folder)

    @property
    def survey(self) -> Path:
        """The folder of the survey's results."""
        return self.folder / "results" / "surveys" / SURVEY

    def adapters(self, condition: str) -> Path:
        """Return the folder of a condition's adapters."""
        return self.survey / "adapters" / "small" / "tuned" / condition / "seed-24"

    def weights(self, condition: str, fold: int = 0) -> Path:
        """Return the file of an adapter's weights, an output of its rule."""
        return self.adapters(condition) / f"fold-{fold}" / "adapter_model.safetensors"

    def save(self) -> None:
        """Write the study's config as it now stands."""
        (self.folder / "study.yaml").write_text(yaml.safe_dump(self.config, sort_keys=False))

    def save_codebook(self, codebook: dict[str, Any]) -> None:
        """Write the codebook."""
        (self.folder / "voters.yaml").write_text(yaml.safe_dump(codebook, sort_keys=False))

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of a run."""
        # --configfile takes any number of files, so that a target must not follow it.
        options = ["--configfile", "study.yaml", "--cores", "2", "--nocolor"]
        return [sys.executable, "-m", "snakemake", *options, *arguments]

    @property
    def environment(self) -> dict[str, str]:
        """Where scripts find the library: in this folder, wherever else it may be installed."""
        return {
            **os.environ,
            "PYTHONPATH": str(self.folder),
            "OMP_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def run(self, *arguments: str) -> Ended:
        """Run snakemake to its end."""
        ended = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=1200,  # a loaded machine; a quiet one needs a tenth
        )
        return Ended(ended.returncode, ended.stdout)

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Run snakemake in the background."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def planned(self, *arguments: str) -> set[str]:
        """Return the jobs that a run would start, as 'rule' or 'rule condition', by a dry run."""
        ended = self.run("--dry-run", *arguments)
        assert ended.code == 0, ended.terminal
        jobs = set()
        for block in re.split(r"\n(?=(?:local)?rule )", ended.terminal):
            if rule := re.match(r"(?:local)?rule (\w+):", block):
                condition = re.search(r"wildcards: .*?condition=(\w[\w-]*)", block)
                jobs.add(f"{rule[1]} {condition[1]}" if condition else rule[1])
        return jobs
