"""Stimmung: votes and moods, read from the token probabilities of tuned language models."""

import json
from glob import glob
from pathlib import Path

from snakemake.utils import min_version

from stimmung.report.conditions import in_words, learning_curves, without_answers
from stimmung.report.provenance import git_state
from stimmung.study.code import code_digest
from stimmung.study.entry import study_or_exit
from stimmung.study.study import load_codebook
from stimmung.vocabulary.arms import ARMS

min_version("9.27")


configfile: "config.yaml"


STUDY = study_or_exit(config)


include: "rules/common.smk"
include: "rules/models.smk"
include: "rules/surveys.smk"
include: "rules/panels.smk"
include: "rules/series.smk"
include: "rules/baselines.smk"
include: "rules/evaluation.smk"
include: "rules/report.smk"


localrules:
    all,


rule all:
    """The report, and with it everything that it shows."""
    input:
        report="results/report.html",
        run="results/run.yaml",
        imputed=expand(
            "results/surveys/{survey}/imputed/{file}",
            survey=STUDY.selected_surveys(),
            file=["answers.parquet", "answers.csv", "README.md"],
        ),
