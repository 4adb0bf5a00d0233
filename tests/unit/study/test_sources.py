import pytest

from stimmung.study.sources import source_files_or_exit

PREPARED = "results/models/small/model.json"


def test_all_that_is_read_of_a_local_model_counts_and_nothing_else(tmp_path):
    read = ["config.json", "merges.txt", "model-00001-of-2.safetensors", "template.jinja", "tokenizer.model"]
    for name in (*read, "README.md", "pytorch_model.bin"):
        (tmp_path / name).touch()
    (tmp_path / "onnx").mkdir()
    assert source_files_or_exit(str(tmp_path), tmp_path / PREPARED) == [str(tmp_path / name) for name in read]


def test_a_hub_model_has_no_files(tmp_path):
    (tmp_path / "model.json").touch()
    assert source_files_or_exit("meta-llama/Llama-3.1-8B", tmp_path / "model.json") == []


def test_an_absent_directory_is_told_here_only_if_its_model_was_prepared(tmp_path, capsys):
    absent = str(tmp_path / "absent")
    assert source_files_or_exit(absent, tmp_path / "model.json") == []
    (tmp_path / "model.json").touch()
    with pytest.raises(SystemExit, match="1"):
        source_files_or_exit(absent, tmp_path / "model.json")
    assert capsys.readouterr().err.startswith(f"ERROR: no model directory at {absent}\n")
