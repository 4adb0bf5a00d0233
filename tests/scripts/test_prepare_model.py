import json
import shutil

import pytest
import torch

from scripts.prepare_model import prepare_model
from stimmung.engine.base.base_model import load_base
from stimmung.engine.base.model_files import WEIGHTS_AND_TOKENIZER, digest_of
from stimmung.vocabulary.errors import InputError
from tests.small_gguf import written


def prepare(source, output, **changes):
    options = {
        "revision": None,
        "quantization": "nf4",
        "compute_dtype": "float32",
        "encoder": False,
        "store": output.parent / "store",
        "threads": 1,
        **changes,
    }
    prepare_model(
        source=str(source),
        description=output / "model.json",
        files=[output / name for name in WEIGHTS_AND_TOKENIZER],
        **options,
    )
    return json.loads((output / "model.json").read_text())


def test_the_prepared_model_is_four_bits_in_one_safetensors_file(small_study):
    assert {path.suffix for path in small_study.base.iterdir()} <= {".safetensors", ".json", ".jinja"}
    assert len(list(small_study.base.glob("*.safetensors"))) == 1
    base = load_base(small_study.base, dequantized_mb=0)
    quantized = [name for name, weight in base.model.named_parameters() if weight.dtype == torch.uint8]
    assert len(quantized) == 2 * 7 and not any("lm_head" in name for name in quantized)
    assert not base.model.training
    assert not any(weight.requires_grad for weight in base.model.parameters())


def test_the_description_says_what_it_was_made_from_and_names_the_bytes(small_study):
    found = json.loads((small_study.base / "model.json").read_text())
    assert found["source"] == str(small_study.source) and found["quantization"] == "nf4"
    assert found["digest"] == digest_of(small_study.base) == load_base(small_study.base).digest
    plain = load_base(small_study.source).model
    assert found["n_parameters"] == sum(weight.numel() for weight in plain.parameters())


def test_preparing_twice_gives_the_same_digest_and_the_plain_model_another(small_study, tmp_path):
    found = json.loads((small_study.base / "model.json").read_text())
    assert prepare(small_study.source, tmp_path / "again")["digest"] == found["digest"]
    assert prepare(small_study.source, tmp_path / "plain", quantization="none")["digest"] != found["digest"]


def test_weights_that_could_run_code_are_refused_and_nothing_is_written(small_study, tmp_path):
    shutil.copytree(small_study.source, tmp_path / "pickled")
    (tmp_path / "pickled/model.safetensors").rename(tmp_path / "pickled/pytorch_model.bin")
    with pytest.raises(InputError, match=r"pickled weights \(pytorch_model\.bin\)"):
        prepare(tmp_path / "pickled", tmp_path / "out")
    with pytest.raises(InputError, match="no model directory"):
        prepare(tmp_path / "nowhere", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_model_that_is_in_the_store_is_linked_and_not_loaded(small_study, tmp_path, monkeypatch):
    first = prepare(small_study.source, tmp_path / "first")
    moved = shutil.copytree(small_study.source, tmp_path / "moved")

    def loads(*_arguments, **_options):
        raise AssertionError("the model was loaded")

    monkeypatch.setattr("scripts.prepare_model.quantize_base", loads)
    second = prepare(moved, tmp_path / "second")
    assert second == first | {"source": str(moved)}
    assert (tmp_path / "second/model.safetensors").samefile(tmp_path / "first/model.safetensors")
    with pytest.raises(AssertionError, match="loaded"):
        prepare(moved, tmp_path / "third", compute_dtype="bfloat16")


def test_a_gguf_file_is_prepared_as_four_bits_and_known_by_its_bytes(small_study, tmp_path, monkeypatch):
    file = written(small_study.source, tmp_path / "model.gguf")
    first = prepare(file, tmp_path / "first")
    assert first["source"] == str(file) and first["packed_share"] > 0
    assert {path.suffix for path in (tmp_path / "first").iterdir()} == {".safetensors", ".json"}
    (stored,) = (tmp_path / "store/models").iterdir()
    assert {path.suffix for path in stored.iterdir()} == {".safetensors", ".json"}, "nothing unpacked is left"
    monkeypatch.setattr("scripts.prepare_model.quantize_base", None)
    moved = file.rename(tmp_path / "moved.gguf")
    assert prepare(moved, tmp_path / "second") == first | {"source": str(moved)}


def test_of_a_truncated_gguf_file_nothing_is_prepared(small_study, tmp_path):
    file = written(small_study.source, tmp_path / "model.gguf")
    file.write_bytes(file.read_bytes()[:-1000])
    with pytest.raises(InputError, match=r"model\.gguf cannot be read as a GGUF model"):
        prepare(file, tmp_path / "out")
    assert not (tmp_path / "out").exists() and not list((tmp_path / "store/models").iterdir())


def test_files_of_another_model_in_the_folder_are_removed(small_study, tmp_path):
    (tmp_path / "base").mkdir()
    (tmp_path / "base/chat_template.jinja").write_text("{{ 'of another model' }}")
    prepare(small_study.source, tmp_path / "base")
    load_base(tmp_path / "base")
    assert not (tmp_path / "base/chat_template.jinja").exists()


def test_a_killed_preparation_leaves_nothing_behind(small_study, tmp_path):
    prepare(small_study.source, tmp_path / "first")
    (stored,) = (tmp_path / "store/models").iterdir()
    left = stored.with_name(f".{stored.name}.99")
    stored.rename(left)
    prepare(small_study.source, tmp_path / "second")
    assert [path.name for path in (tmp_path / "store/models").iterdir()] == [stored.name]
    assert list((tmp_path / "store/locks").iterdir()) == []
