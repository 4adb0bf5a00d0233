"""Stimmung: votes and moods, read from the token probabilities of tuned language models."""

import errno
import gc
import json
import math
import os
from collections import Counter
from functools import cache, wraps
from glob import glob
from inspect import signature
from pathlib import Path

from snakemake.common import overwrite_function_params
from snakemake.exceptions import IncompleteCheckpointException
from snakemake.utils import min_version

from stimmung.engine.base.model_files import WEIGHTS_AND_TOKENIZER
from stimmung.report.conditions import in_words, learning_curves, without_answers
from stimmung.report.provenance import git_state
from stimmung.workflow import cuts
from stimmung.workflow import resources as sizes
from stimmung.workflow.cached import cached_or_exit
from stimmung.workflow.code_digest import code_digest
from stimmung.workflow.startup import executor_or_exit, files_or_exit, study_or_exit
from stimmung.study.reading import load_codebook
from stimmung.study.sources import files_of_source
from stimmung.vocabulary.arms import ARMS

min_version("9.27")
# A large study is millions of objects and hardly a cycle: the collector would walk them all again and again.
gc.set_threshold(100_000, 50, 1000)

# Nothing is compiled here, but bitsandbytes would load torch's compiler: a second and a half of every job.
os.environ.setdefault("TORCHDYNAMO_DISABLE", "1")


configfile: "config.yaml"


STUDY = study_or_exit(config)


include: "rules/common/names.smk"
include: "rules/common/cache.smk"
include: "rules/common/given.smk"
include: "rules/common/resources.smk"
include: "rules/common/surveys.smk"
include: "rules/common/jobs.smk"
include: "rules/common/panels.smk"
include: "rules/common/report.smk"
include: "rules/models.smk"
include: "rules/surveys.smk"
include: "rules/predictions.smk"
include: "rules/panels.smk"
include: "rules/series.smk"
include: "rules/baselines.smk"
include: "rules/evaluation.smk"
include: "rules/report.smk"


onstart:
    executor_or_exit(workflow.executor_plugin.name)


# Seconds of work: on a cluster they run where snakemake does, instead of waiting in a queue.
localrules:
    all,
    read_survey,
    split_respondents,
    count_respondents,
    simulate_survey,
    build_prompts,
    build_personas,
    ask_endpoint,
    impute_answers,
    tabulate_votes,
    plot_votes,
    simulate_panel,
    read_tracker,
    read_signals,
    aggregate_answers,
    tabulate_moods,
    plot_moods,
    record_run,
    render_report,


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
