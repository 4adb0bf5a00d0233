from stimmung.study.models import Model
from stimmung.study.sources import files_of_source


def test_all_that_is_read_of_a_local_model_counts_and_nothing_else(tmp_path):
    read = ["config.json", "merges.txt", "model-00001-of-2.safetensors", "template.jinja", "tokenizer.model"]
    for name in (*read, "README.md", "pytorch_model.bin"):
        (tmp_path / name).touch()
    (tmp_path / "onnx").mkdir()
    expected = [str(tmp_path / name) for name in read]
    assert files_of_source(Model(source=str(tmp_path)), tmp_path / "model.json") == expected


def test_a_hub_model_has_no_files(tmp_path):
    (tmp_path / "model.json").touch()
    assert files_of_source(Model(source="a/b-8B", revision="0" * 40), tmp_path / "model.json") == []


def test_of_a_directory_that_is_gone_a_file_is_missed_only_if_its_model_was_prepared(tmp_path):
    gone = Model(source=str(tmp_path / "gone"))
    assert files_of_source(gone, tmp_path / "model.json") == []
    (tmp_path / "model.json").touch()
    assert files_of_source(gone, tmp_path / "model.json") == [str(tmp_path / "gone/config.json")]
