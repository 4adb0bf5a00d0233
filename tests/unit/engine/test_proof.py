"""A prepared base is proved: what is read wrongly is refused before anything is left behind."""

import json

import pytest
import torch

from scripts.prepare_model import prepare_model
from stimmung.engine.base.attention import NAME
from stimmung.engine.base.model_files import WEIGHTS_AND_TOKENIZER
from stimmung.engine.base.tiny import _build_tokenizer
from stimmung.engine.cohort import forward_backward
from stimmung.engine.cohort.lora import CohortLinear
from stimmung.engine.scoring import proof, score
from stimmung.engine.scoring.proof import TOLERANCE, prove_scores
from stimmung.engine.scoring.trie_pass import Prefix
from stimmung.vocabulary.errors import InputError
from tests.unit.engine.families import CONFIGS, VOCABULARY, random_model

right = CohortLinear.add_products


def source(folder, name, dtype=torch.float32):
    random_model(CONFIGS[name]()).to(dtype).save_pretrained(folder)
    _build_tokenizer(["Vote: left"], VOCABULARY).save_pretrained(folder)
    return folder


def prepare(folder, tmp_path, **options):
    prepare_model(
        source=str(folder),
        revision=None,
        quantization="none",
        encoder=False,
        store=tmp_path / "store",
        description=tmp_path / "base/model.json",
        files=[tmp_path / "base" / name for name in WEIGHTS_AND_TOKENIZER],
        threads=1,
        **{"compute_dtype": "float32", **options},
    )
    return json.loads((tmp_path / "base/model.json").read_text())["proof"]


def test_the_description_holds_the_largest_difference_the_passes_and_the_noise(tmp_path):
    found = prepare(source(tmp_path / "source", "Mistral, window 512"), tmp_path)
    assert found["tolerance"] == TOLERANCE
    assert 0 < found["largest_difference"] < 1e-5 and found["loss_difference"] < 1e-5
    # Also a window that is longer than the prompts of the proof: it is narrowed meanwhile.
    assert found["passes"] == {"short": "options in one row", "long": "a row for each option"}
    assert 0 < found["noise_nats"] < 1e-5
    assert not any("bfloat16" in name for name in found)


def test_fault_kk_the_noise_that_bfloat16_would_have_stands_beside_that_of_the_scores(tmp_path):
    found = prepare(source(tmp_path / "source", "Llama", torch.bfloat16), tmp_path, compute_dtype="bfloat16")
    assert found["noise_in_bfloat16_nats"] > 1e-2 > 1e-4 > found["noise_nats"]


@pytest.mark.parametrize(
    ("shares_prefix", "said"),
    [
        (False, "the mistral model .* scores would differ by .* nats"),
        (True, "cannot be scored here: RuntimeError"),
    ],
)
def test_fault_a_an_engine_that_ignores_the_window_is_found_out_and_nothing_is_left(
    tmp_path, monkeypatch, shares_prefix, said
):
    folder = source(tmp_path / "source", "Mistral, window 512")
    monkeypatch.setattr(score, "options_can_share_a_row", lambda *_: True)
    if not shares_prefix:
        monkeypatch.setattr(score, "read_prefix", lambda *_: Prefix())
    with pytest.raises(InputError, match=said) as error:
        prepare(folder, tmp_path)
    assert "\n" not in error.value.what and error.value.hint
    assert not (tmp_path / "base").exists()
    assert not list((tmp_path / "store/models").iterdir())


def test_a_loss_taken_at_the_wrong_tokens_is_found_out(tmp_path, monkeypatch):
    folder = source(tmp_path / "source", "Llama")
    right = forward_backward.last_layer_at
    monkeypatch.setattr(forward_backward, "last_layer_at", lambda base, places: right(base, places - 1))
    with pytest.raises(InputError, match="its loss would differ"):
        prove_scores(folder)


def not_applied(layer, x, y):
    untouched = y.clone()
    return untouched, right(layer, x, y)[1]


def applied_to_all(layer, x, y):
    for stacked in layer.matrices.values():
        stacked.data = stacked.data[:1].expand_as(stacked).clone()
    return right(layer, x, y)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("broken", [not_applied, applied_to_all])
def test_adapters_that_are_not_applied_or_to_each_other_s_rows_are_found_out(
    tmp_path, monkeypatch, dtype, broken
):
    folder = source(tmp_path / "source", "Llama", getattr(torch, dtype))
    monkeypatch.setattr(CohortLinear, "add_products", broken)
    with pytest.raises(InputError, match="its loss would differ"):
        prove_scores(folder)


def test_scores_that_are_no_numbers_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(
        proof, "score_options", lambda _, prompts, **__: [[float("nan")] * 4 for _ in prompts]
    )
    with pytest.raises(InputError, match="differ by nan"):
        prove_scores(source(tmp_path / "source", "Llama"))


def test_an_architecture_that_fails_in_its_own_way_ends_with_one_line(tmp_path, monkeypatch):
    folder = source(tmp_path / "source", "Llama")

    def fails(*_, **__):
        raise RuntimeError("size mismatch\nin many lines")

    monkeypatch.setattr(proof, "score_options", fails)
    with pytest.raises(
        InputError, match=r"llama model cannot be scored here: RuntimeError \(size mismatch in many"
    ):
        prove_scores(folder)


def test_windows_and_attention_are_as_they_were(tmp_path, monkeypatch):
    loaded = []
    load = proof.load_base
    monkeypatch.setattr(proof, "load_base", lambda folder: loaded.append(load(folder)) or loaded[0])
    prove_scores(source(tmp_path / "source", "Gemma 3, window 512"))
    (base,) = loaded
    assert base.model.config.sliding_window == 512 and base.model.config._attn_implementation == NAME
