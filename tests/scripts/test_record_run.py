import pytest
import yaml

from scripts.record_run import record_run
from stimmung.vocabulary.errors import InputError
from tests.scripts.conftest import recorded


def record(votes_study, output):
    record_run(**recorded(votes_study, output.parent), run=output)
    return yaml.safe_load(output.read_text(encoding="utf-8"))


def test_config_data_models_and_software_are_recorded_by_name(votes_study, tmp_path):
    found = record(votes_study, tmp_path / "run.yaml")
    assert found["config"] == votes_study.config
    assert found["surveys"]["made-up"]["title"] == "A made-up survey"
    assert found["models"]["tiny"]["digest"] == "ab" * 32
    assert found["software"]["packages"]["pandas"]
    assert found["git"]["revision"] is None


def test_the_same_run_is_the_same_bytes(votes_study, tmp_path):
    record(votes_study, tmp_path / "a.yaml")
    record(votes_study, tmp_path / "b.yaml")
    assert (tmp_path / "a.yaml").read_bytes() == (tmp_path / "b.yaml").read_bytes()


def test_a_damaged_record_is_named_and_nothing_is_written(votes_study, tmp_path):
    damaged = tmp_path / "model.json"
    damaged.write_text('{"source": ')
    with pytest.raises(InputError, match=r"model\.json"):
        record_run(**{**recorded(votes_study, tmp_path), "models": [damaged]}, run=tmp_path / "run.yaml")
    assert not (tmp_path / "run.yaml").exists()
