from pathlib import Path

import pytest
from pydantic import ValidationError

from stimmung.study.models import Model


def test_fault_ss_a_relative_folder_that_exists_is_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValidationError, match="'models/mine' is not a directory here"):
        Model(source="models/mine")
    (tmp_path / "models/mine").mkdir(parents=True)
    assert Model(source="models/mine").local == "models/mine"


@pytest.mark.parametrize("source", ["./mine", "/models/mine", "~/mine", "models/of/mine"])
def test_what_can_be_no_hub_id_is_a_directory_even_if_it_is_absent(source):
    assert Model(source=source).local == source.replace("~", str(Path.home()))


def test_a_hub_model_needs_a_commit():
    assert Model(source="a/b", revision="0" * 40).local is None
    assert Model(source="built-in").local is None
    with pytest.raises(ValidationError, match="revision"):
        Model(source="a/b", revision="main")


def test_all_that_is_read_of_a_local_model_counts_and_nothing_else(tmp_path):
    read = ["config.json", "merges.txt", "model-00001-of-2.safetensors", "template.jinja", "tokenizer.model"]
    for name in (*read, "README.md", "pytorch_model.bin"):
        (tmp_path / name).touch()
    (tmp_path / "onnx").mkdir()
    expected = [str(tmp_path / name) for name in read]
    assert Model(source=str(tmp_path)).files(tmp_path / "model.json") == expected


def test_a_hub_model_has_no_files(tmp_path):
    (tmp_path / "model.json").touch()
    assert Model(source="a/b-8B", revision="0" * 40).files(tmp_path / "model.json") == []


def test_of_a_directory_that_is_gone_a_file_is_missed_only_if_its_model_was_prepared(tmp_path):
    gone = Model(source=str(tmp_path / "gone"))
    assert gone.files(tmp_path / "model.json") == []
    (tmp_path / "model.json").touch()
    assert gone.files(tmp_path / "model.json") == [str(tmp_path / "gone/config.json")]


@pytest.mark.parametrize("source", ["model.gguf", "models/model.gguf", "package:some_model/model.GGUF"])
def test_a_gguf_file_is_local_and_needs_no_commit(source):
    assert Model(source=source).local == source


def test_an_encoder_comes_from_no_gguf_file():
    with pytest.raises(ValidationError, match=r"not from a \.gguf file"):
        Model(source="model.gguf", encoder=True, quantization="none")


def test_a_gguf_file_is_read_and_missed_only_if_its_model_was_prepared(tmp_path):
    file, prepared = tmp_path / "model.gguf", tmp_path / "model.json"
    assert Model(source=str(file)).files(prepared) == []
    prepared.touch()
    assert Model(source=str(file)).files(prepared) == [str(file)]
    prepared.unlink()
    file.touch()
    assert Model(source=str(file)).files(prepared) == [str(file)]
    assert Model(source="package:some_model/model.gguf").files(prepared) == []
