"""Other architectures than Llama: trained right, or refused in one line before anything is saved. Letters: the list of faults."""

import json
import logging

import pytest
import torch
from peft import PeftModel
from transformers import (
    AutoModelForCausalLM,
    BloomConfig,
    Gemma2Config,
    GPT2Config,
    GptOssConfig,
    MixtralConfig,
    OPTConfig,
)

from stimmung.engine.base.base_model import Base, context_length, load_base, prepare_loaded
from stimmung.engine.base.preparing import quantize_base
from stimmung.engine.base.tiny import _build_tokenizer
from stimmung.engine.cohort.adapter_files import load_adapter
from stimmung.engine.cohort.train import train_adapters
from stimmung.engine.scoring.prompt_batches import Prompt
from stimmung.engine.scoring.score import score_options, score_with_adapters
from stimmung.store.paths import Store
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.pace import Pace
from tests.unit.engine.conftest import VOCABULARY

CONFIGS = {
    "bloom": BloomConfig(vocab_size=VOCABULARY, hidden_size=64, n_layer=2, n_head=4),
    "gemma2": Gemma2Config(
        vocab_size=VOCABULARY, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, head_dim=16,
    ),
    "gpt2": GPT2Config(vocab_size=VOCABULARY, n_positions=128, n_embd=64, n_layer=2, n_head=4),
    "gpt_oss": GptOssConfig(
        vocab_size=VOCABULARY, hidden_size=64, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, head_dim=16, num_local_experts=4, num_experts_per_tok=2,
    ),
    "mixtral": MixtralConfig(
        vocab_size=VOCABULARY, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, num_local_experts=4, num_experts_per_tok=2, max_position_embeddings=128,
    ),
    "opt": OPTConfig(
        vocab_size=VOCABULARY, hidden_size=64, ffn_dim=128, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=128, word_embed_proj_dim=64, dropout=0.3,
    ),
}  # fmt: skip


def random_model(name):
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(CONFIGS[name])


def prepare(name, folder, quantization="none", limit=None):
    random_model(name).save_pretrained(folder / "source")
    tokenizer = _build_tokenizer(["Vote: left"], VOCABULARY)
    tokenizer.model_max_length = limit or int(1e30)
    tokenizer.save_pretrained(folder / "source")
    return quantize_base(str(folder / "source"), None, quantization, "float32", folder / "base")


@pytest.mark.parametrize("name", ["gemma2", "gpt_oss"])
def test_fault_b_a_model_without_sdpa_attention_is_prepared_loaded_trained_and_scored(
    training, tasks, tmp_path, name
):
    prepare(name, tmp_path)
    base = load_base(tmp_path / "base")
    assert base.model.config._attn_implementation == "eager"
    short = training.model_copy(update={"num_train_epochs": None, "max_steps": 2})
    store = Store(tmp_path / "store")
    keys = train_adapters(base, short, tasks[:2], store, pace=Pace(cohort="stacked"))
    assert all(store.has(key) for key in keys)
    ids = (5, 6, 7, 8)
    (found,) = score_options(base, [Prompt(ids, ((9,), (10, 11)))], tokens_per_batch=100)
    with torch.no_grad():
        logs = base.model(torch.tensor([[*ids, 10]])).logits[0].log_softmax(-1)
    expected = [logs[3, 9].item(), (logs[3, 10] + logs[4, 11]).item()]
    assert list(found) == pytest.approx(expected, abs=1e-4)


def test_fault_c_the_context_length_stands_elsewhere_or_is_asked_for_before_saving(tmp_path):
    with pytest.raises(InputError, match="how many tokens the bloom model reads"):
        prepare("bloom", tmp_path / "unknown")
    assert not (tmp_path / "unknown/base").exists()
    assert prepare("bloom", tmp_path / "known", limit=77)["max_length"] == 77
    base = load_base(tmp_path / "known/base")
    assert base.max_length == 77 and base.vocabulary_size == VOCABULARY
    assert context_length(CONFIGS["gpt2"], None) == 128


def test_fault_d_a_model_that_flattens_its_tokens_is_tuned_in_a_cohort_as_alone(training, tasks, tmp_path):
    """OPT's linear layers see tokens without rows: rows of two adapters, dropout and biases must find their own."""
    training = training.model_copy(
        update={"num_train_epochs": None, "max_steps": 4, "lora_dropout": 0.1, "bias": "lora_only"}
    )
    found = {}
    for mode in ("stacked", "sequential"):
        model = random_model("opt").eval()
        prepare_loaded(model)
        store = Store(tmp_path / mode)
        keys = train_adapters(
            Base(model, None, "an-opt", ""), training, tasks[:2], store, pace=Pace(cohort=mode)
        )
        found[mode] = [load_adapter(store.adapter(key)).weights for key in keys]
    for together, alone in zip(*found.values(), strict=True):
        assert any(name.endswith(".bias") for name in together)
        for name, weight in alone.items():
            torch.testing.assert_close(together[name], weight, atol=1e-5, rtol=0)
    ids = (5, 6, 7, 8)
    (scored,) = score_with_adapters(
        Base(model, None, "an-opt", ""),
        [Prompt(ids, ((9,), (10, 11)), 0)],
        [store.adapter(keys[0])],
        "exact",
        100,
    )
    plain = PeftModel.from_pretrained(random_model("opt"), store.adapter(keys[0])).eval()
    with torch.no_grad():
        logs = plain(torch.tensor([[*ids, 10]])).logits[0].log_softmax(-1)
    assert list(scored) == pytest.approx([logs[3, 9].item(), (logs[3, 10] + logs[4, 11]).item()], abs=1e-5)


@pytest.mark.parametrize("bias", ["none", "lora_only"])
def test_fault_e_a_model_of_transposed_layers_is_tuned_as_peft_tunes_it(training, tasks, tmp_path, bias):
    model = random_model("gpt2").eval()
    prepare_loaded(model)
    store = Store(tmp_path)
    short = training.model_copy(update={"num_train_epochs": None, "max_steps": 2, "bias": bias})
    (key,) = train_adapters(Base(model, None, "a-gpt2", ""), short, tasks[:1], store, pace=Pace())
    written = json.loads((store.adapter(key) / "adapter_config.json").read_text())
    assert written["fan_in_fan_out"] and written["target_modules"] == ["c_attn", "c_fc", "c_proj"]
    weights = load_adapter(store.adapter(key)).weights
    plain = PeftModel.from_pretrained(random_model("gpt2"), store.adapter(key)).eval()
    inner = plain.base_model.model.transformer.h[0].attn.c_attn
    assert torch.equal(inner.lora_A["default"].weight, weights["transformer.h.0.attn.c_attn.lora_A"])
    ids = (5, 6, 7, 8)
    (found,) = score_with_adapters(
        Base(model, None, "a-gpt2", ""),
        [Prompt(ids, ((9,), (10, 11)), 0)],
        [store.adapter(key)],
        "exact",
        100,
    )
    with torch.no_grad():
        logs = plain(torch.tensor([[*ids, 10]])).logits[0].log_softmax(-1)
    assert list(found) == pytest.approx([logs[3, 9].item(), (logs[3, 10] + logs[4, 11]).item()], abs=1e-5)


def test_fault_f_the_share_of_weights_that_is_really_packed_is_measured_and_told(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    described = prepare("mixtral", tmp_path, "nf4")
    assert described["packed_share"] < 0.2, "transformers leaves the experts unpacked"
    (warning,) = [
        record for record in caplog.records if record.levelname == "WARNING" and "packed" in record.msg
    ]
    assert f"{100 * described['packed_share']:.1f} % of the weights" in warning.getMessage()
    assert json.loads((tmp_path / "base/config.json").read_text())["quantization_config"]


@pytest.mark.parametrize("mode", ["stacked", "sequential"])
def test_fault_g_recomputed_activations_do_not_turn_the_base_s_dropout_on(training, tasks, tmp_path, mode):
    training = training.model_copy(update={"num_train_epochs": None, "max_steps": 3})
    found = []
    for number, recompute in enumerate((False, True, True)):
        model = random_model("opt")
        prepare_loaded(model)
        store = Store(tmp_path / str(number))
        keys = train_adapters(
            Base(model, None, "an-opt", ""),
            training.model_copy(update={"gradient_checkpointing": recompute}),
            tasks[:2],
            store,
            pace=Pace(cohort=mode),
        )
        found.append([load_adapter(store.adapter(key)).weights for key in keys])
        assert not any(module.training for module in model.modules())
    for kept, first, second in zip(*found, strict=True):
        for name, weight in kept.items():
            torch.testing.assert_close(first[name], weight, atol=1e-5, rtol=0)
            assert torch.equal(first[name], second[name])
