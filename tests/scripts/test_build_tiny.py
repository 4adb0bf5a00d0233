import json

import pytest

from scripts import build_tiny as script


@pytest.fixture
def fewer_texts(monkeypatch):
    """The script trains on thousands of texts; sixty of each kind show that what it saves is a model."""
    for name in ("questionnaires", "mood_interviews"):
        real = getattr(script, name)
        monkeypatch.setattr(script, name, lambda _, seed, real=real: real(60, seed))


@pytest.mark.slow
@pytest.mark.usefixtures("fewer_texts")
def test_the_built_in_model_is_an_ordinary_directory_and_the_same_every_time(tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    for name in ("first", "second"):
        script.build_tiny(threads=1, files=[tmp_path / name / "model.safetensors"])
    first, second = tmp_path / "first", tmp_path / "second"
    assert {path.name for path in first.iterdir()} >= {"model.safetensors", "config.json", "tokenizer.json"}
    assert not [path for path in first.iterdir() if path.suffix in (".bin", ".pt", ".pkl")]
    for path in first.iterdir():
        assert path.read_bytes() == (second / path.name).read_bytes(), path.name
    model, tokenizer = AutoModelForCausalLM.from_pretrained(first), AutoTokenizer.from_pretrained(first)
    assert model.config.model_type == "llama" and "auto_map" not in json.loads(
        (first / "config.json").read_text()
    )
    text = "Party: weak Democrat\nAge: 44 years\nVote: Clinton"
    ids = tokenizer(text)["input_ids"]
    assert tokenizer.decode(ids, skip_special_tokens=True) == text
    assert max(ids) < model.config.vocab_size
