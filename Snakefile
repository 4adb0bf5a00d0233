"""Stimmung: votes and moods, read from the token probabilities of tuned language models."""

import gc
import os
import re
import sys
from functools import cache, reduce
from operator import getitem
from pathlib import Path

from snakemake.utils import min_version

from stimmung.data.posts.file_patterns import matching_files
from stimmung.engine.base.model_files import WEIGHTS_AND_TOKENIZER
from stimmung.baselines.registry import UNASKED_BASELINES, WAVE_BASELINES
from stimmung.study.reading import load_codebook
from stimmung.study.unasked_targets import baselines_beside
from stimmung.vocabulary.answer_options import in_language
from stimmung.vocabulary.view import IN_PATHS, parent_of, predicted_with
from stimmung.vocabulary.arms import ARMS
from stimmung.workflow.code_digest import code_digest
from stimmung.workflow.resources import GUESSED_BLOCKS_PER_WEEK, limit_minutes, limit_of
from stimmung.workflow.resources import n_rows, rows_of_training
from stimmung.workflow.startup import executor_or_exit, files_or_exit, python_or_exit, study_or_exit

min_version("9.27")
# A large study is millions of objects and hardly a cycle: the collector would walk them all again and again.
gc.set_threshold(100_000, 50, 1000)

# Nothing is compiled here, but bitsandbytes would load torch's compiler: a second and a half of every job.
os.environ.setdefault("TORCHDYNAMO_DISABLE", "1")


configfile: "config.yaml"


python_or_exit(sys.executable)
STUDY = study_or_exit(config, workflow.configfiles if workflow.is_main_process else ())
# Not again in each job: these begin when everything is there, and of a storage only Snakemake knows what it holds.
if workflow.is_main_process and workflow.storage_settings.default_storage_provider is None:
    files_or_exit(STUDY)


include: "rules/common.smk"
include: "rules/inputs.smk"
include: "rules/models.smk"
include: "rules/surveys.smk"
include: "rules/imputation.smk"
include: "rules/groups.smk"
include: "rules/panel_inputs.smk"
include: "rules/panels.smk"
include: "rules/series.smk"
include: "rules/evaluation.smk"
include: "rules/report.smk"


onstart:
    executor_or_exit(workflow.executor_plugin.name)


# Seconds of work: on a cluster they run where snakemake does, instead of waiting in a queue.
localrules:
    all,
    read_survey,
    read_shares,
    form_groups,
    predict_group_baselines,
    compare_groups,
    read_predictions,
    predict_left_out,
    split_respondents,
    simulate_survey,
    build_prompts,
    build_personas,
    ask_endpoint,
    impute_answers,
    rectify,
    draw_from_predictions,
    stack_answers,
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
            survey=ASKED,
            file=["answers.parquet", "answers.csv", "README.md"],
        ),
        rectified=expand(
            "results/surveys/{survey}/rectified/{file}",
            survey=[name for name in ASKED if SURVEYS[name].rectify is not None],
            file=["estimates.parquet", "estimates.csv", "plan.csv", "README.md"],
        ),
        stacked=STACKED,
