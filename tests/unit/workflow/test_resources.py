"""Memory and time limits by a profile's table: they grow with model and rows, and are never less than the first attempt's."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from stimmung.study.models import Model
from stimmung.study.reading import merged_config
from stimmung.study.study import load_study
from stimmung.vocabulary.training import Training
from stimmung.workflow.resources import billion_parameters, limit_minutes, limit_of, n_rows, rows_of_training

ROOT = Path(__file__).parents[3]
HASH = "0" * 40


@pytest.fixture(scope="module")
def on_slurm():
    profile = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text(encoding="utf-8"))
    config = merged_config([ROOT / "studies/gles2017.yaml"], ROOT)
    for entry in profile["config"]:
        key, value = entry.split("=", 1)
        config[key] = yaml.safe_load(value)
    return load_study(config, ROOT)


def test_the_profile_s_table_asks_for_more_the_larger_the_model(on_slurm):
    names = ["tiny", "llama-3.2-1b-instruct", "llama-3.2-3b-instruct", "llama-3.1-8b-instruct"]
    limits = [limit_of(on_slurm, name) for name in names]
    assert len(set(limits)) == 4
    assert [one.mem_mb for one in limits] == sorted(one.mem_mb for one in limits)
    assert [one.minutes_per_1000_rows for one in limits] == sorted(
        one.minutes_per_1000_rows for one in limits
    )


def test_a_model_larger_than_the_table_gets_its_last_line(on_slurm):
    large = on_slurm.models["tiny"].model_copy(update={"billion_parameters": 1e6})
    study = on_slurm.model_copy(update={"models": {"large": large}})
    assert limit_of(study, "large") == max(study.limits, key=lambda one: one.up_to_billions)


@pytest.mark.parametrize(
    ("source", "billions"),
    [
        ("meta-llama/Llama-3.1-8B-Instruct", 8),
        ("HuggingFaceTB/SmolLM2-135M", 0.135),
        ("org/unnamed", 1),
        ("built-in", 0.002),
    ],
)
def test_a_model_s_size_is_read_from_its_name(source, billions):
    revision = HASH if "/" in source else None
    assert billion_parameters(Model(source=source, revision=revision)) == pytest.approx(billions)


def test_a_declared_size_wins_and_files_count_where_the_name_says_nothing(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(bytes(4000))
    assert billion_parameters(Model(source=str(tmp_path))) == pytest.approx(2e-6)
    assert billion_parameters(Model(source="org/x-8B", revision=HASH, billion_parameters=3)) == 3


def test_rows_follow_from_steps_or_from_epochs():
    steps = Training(
        max_steps=10, num_train_epochs=None, per_device_train_batch_size=4, gradient_accumulation_steps=2
    )
    assert rows_of_training(steps, 1000) == 80
    assert rows_of_training(Training(num_train_epochs=2.5), 10) == 25
    assert limit_minutes(2000, 3) == limit_minutes(0, 3) + 6


def test_rows_of_a_table_that_is_not_there_yet_are_asked_for_again(tmp_path):
    with pytest.raises(FileNotFoundError) as error:
        n_rows(tmp_path / "prompts.parquet")
    assert error.value.filename == str(tmp_path / "prompts.parquet"), (
        "by this Snakemake knows which input is awaited"
    )
    pd.DataFrame({"a": [1, 2]}).to_parquet(tmp_path / "prompts.parquet")
    assert n_rows(tmp_path / "prompts.parquet") == 2
