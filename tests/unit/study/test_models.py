import pytest
from pydantic import ValidationError

from stimmung.study.models import Model


def test_fault_ss_a_relative_folder_that_exists_is_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValidationError, match="'models/mine' is not a directory here"):
        Model(source="models/mine")
    (tmp_path / "models/mine").mkdir(parents=True)
    assert Model(source="models/mine").directory == "models/mine"


@pytest.mark.parametrize("source", ["./mine", "/models/mine", "~/mine", "models/of/mine"])
def test_what_can_be_no_hub_id_is_a_directory_even_if_it_is_absent(source):
    assert Model(source=source).directory == source


def test_a_hub_model_needs_a_commit():
    assert Model(source="a/b", revision="0" * 40).directory is None
    assert Model(source="built-in").directory is None
    with pytest.raises(ValidationError, match="revision"):
        Model(source="a/b", revision="main")
