"""Each family of models from its source to an adapter that PEFT reads, against plain transformers, to 1e-5 in float32."""

import json
import re

import numpy as np
import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from stimmung.engine.base.base_model import load_base
from stimmung.engine.base.full_attention import options_can_share_a_row
from stimmung.engine.base.model_files import expert_share_of_files
from stimmung.engine.base.preparing import adapted_share, expert_share, quantize_base
from stimmung.engine.base.tiny import _build_tokenizer
from stimmung.engine.cohort.batching import TrainingRow
from stimmung.engine.cohort.lora import target_names
from stimmung.engine.cohort.train import train_adapters
from stimmung.engine.cohort.training_config import Task
from stimmung.engine.scoring.prompt_batches import Prompt
from stimmung.engine.scoring.proof import plain_scores, prove_scores
from stimmung.engine.scoring.score import score_options, score_with_adapters
from stimmung.store.paths import RECORD, Store
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.pace import Pace
from stimmung.vocabulary.training import Training
from tests.unit.engine.families import CONFIGS, MULTIMODAL, NO_TEXT_MODEL, VOCABULARY, random_model

OPTIONS = ((7, 8), (7, 9, 10), (11,), (12, 13, 14, 15))
TRAINING = Training(
    r=4,
    lora_alpha=16,
    learning_rate=1e-2,
    warmup_ratio=0,
    num_train_epochs=None,
    max_steps=2,
    per_device_train_batch_size=3,
)
SHARE_A_ROW = {
    "Llama", "Qwen2", "Qwen3", "Qwen3-MoE", "Ministral 3", "OLMo 2", "SmolLM3", "GPT-NeoX", "GPT-2", "OPT", "Falcon",
}  # fmt: skip

EAGER = re.compile("Gemma 2|gpt-oss")  # attend in ways that our attention cannot


def asked(adapter=-1):
    """Prompts of 60 to 62 tokens that begin with the same 30."""
    rng = np.random.default_rng(1)
    shared = rng.integers(20, 100, 30).tolist()
    return [
        Prompt((*shared, *rng.integers(20, 100, 30 + more).tolist()), OPTIONS, adapter) for more in range(3)
    ]


def rows(seed):
    """Rows of 60 to 62 tokens, of which the last three carry loss."""
    rng = np.random.default_rng(seed)
    return [TrainingRow(tuple(rng.integers(20, 100, 60 + more).tolist()), 57 + more) for more in range(3)]


def saved(config, folder, **changes):
    """Save a random model with its tokenizer, and changes to its config.json."""
    random_model(config).save_pretrained(folder)
    _build_tokenizer(["Vote: left"], VOCABULARY).save_pretrained(folder)
    written = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(written | changes))
    return str(folder)


def prepare(config, folder, quantization="none"):
    source = saved(config, folder / "source")
    quantize_base(source, None, quantization, "float32", folder / "base")
    return folder / "base"


def plain_loss(model, rows):
    """Return the mean loss of the rows' last three tokens, each row by itself."""
    found = []
    for row in rows:
        labels = torch.full((1, len(row.input_ids)), -100)
        labels[0, row.loss_from :] = torch.tensor(row.input_ids[row.loss_from :])
        found.append(model(input_ids=torch.tensor([row.input_ids]), labels=labels).loss.item())
    return np.mean(found)


def largest(found, expected):
    return np.abs(np.array(found) - np.array(expected)).max()


@pytest.mark.parametrize("name", CONFIGS)
def test_a_family_is_prepared_tuned_scored_and_read_by_peft_as_by_plain_transformers(name, tmp_path):
    folder = prepare(CONFIGS[name](), tmp_path)
    base = load_base(folder)
    plain = AutoModelForCausalLM.from_pretrained(folder)
    with torch.inference_mode():
        expected, loss = plain_scores(plain, asked()), plain_loss(plain, rows(0))
    assert largest(score_options(base, asked()), expected) < 1e-5
    assert largest(score_options(base, asked()[:1]), expected[:1]) < 1e-5
    shares = options_can_share_a_row(base.model, 66)
    assert shares == (name in SHARE_A_ROW or ("window 512" in name and not EAGER.search(name)))

    tasks = [Task(f"adapter {seed}", rows(seed), seed) for seed in range(2)]
    store = Store(tmp_path / "store")
    keys = train_adapters(base, TRAINING, tasks, store, pace=Pace(cohort="stacked"))
    adapters = [store.adapter(key) for key in keys]
    assert json.loads((adapters[0] / RECORD).read_text())["losses"][0] == pytest.approx(loss, abs=1e-5)

    tuned = PeftModel.from_pretrained(plain, adapters[0]).eval()
    with torch.inference_mode():
        expected = plain_scores(tuned, asked())
    mixed = [*asked(0), *asked(1)]
    found = score_with_adapters(base, mixed, adapters, "exact", 16384)
    assert largest(found[:3], expected) < 1e-5
    assert largest(score_with_adapters(base, asked(0)[:1], adapters, "exact", 16384), expected[:1]) < 1e-5
    assert largest(found[3:], expected) > 1e-3, "each prompt must be read by its own adapter"


@pytest.mark.parametrize("name", MULTIMODAL)
def test_of_a_model_that_reads_images_too_the_text_model_is_prepared(name, tmp_path):
    config = MULTIMODAL[name]()
    folder = prepare(config, tmp_path)
    base = load_base(folder)
    assert type(base.model).__name__.endswith("ForCausalLM")
    assert not any("vision" in one or "visual" in one for one, _ in base.model.named_parameters())
    ids = torch.tensor([asked()[0].context_ids])
    with torch.inference_mode():
        whole = random_model(config)(input_ids=ids, use_cache=False).logits
        text = AutoModelForCausalLM.from_pretrained(folder)(input_ids=ids, use_cache=False).logits
    assert largest(text, whole) < 1e-5
    prove_scores(folder)


def test_the_text_model_is_quantised_as_any_other(tmp_path):
    folder = prepare(MULTIMODAL["Gemma 3"](), tmp_path, "nf4")
    packed = [
        name
        for name, one in load_base(folder, dequantized_mb=0).model.named_parameters()
        if one.dtype == torch.uint8
    ]
    assert len(packed) == 2 * 7
    prove_scores(folder)


def test_a_model_whose_text_model_cannot_be_had_is_refused_in_one_line(tmp_path):
    source = saved(NO_TEXT_MODEL, tmp_path / "source")
    with pytest.raises(InputError, match=r"qwen3_vl model .* no class for its text model alone"):
        quantize_base(source, None, "none", "float32", tmp_path / "base")
    assert not (tmp_path / "base").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"layer_types": ["full_attention", "quantum_attention"]},
            "does not know a value of its config.json: .*layer_type",
        ),
        ({"rope_parameters": {"rope_type": "quantum", "rope_theta": 1e4}}, "config.json: 'quantum'"),
        ({"model_type": "quantum"}, "model type `quantum` but Transformers does not recognize this"),
        ({"attn_implementation": "quantum"}, "quantum"),
    ],
)
def test_a_kind_of_attention_that_nobody_knows_ends_with_one_line(tmp_path, changes, said):
    source = saved(CONFIGS["Llama"](), tmp_path / "source", **changes)
    with pytest.raises(InputError, match=said) as error:
        quantize_base(source, None, "none", "float32", tmp_path / "base")
    assert "\n" not in error.value.what and not (tmp_path / "base").exists()


def test_weights_that_the_files_lack_are_never_drawn_at_random(tmp_path):
    source = saved(CONFIGS["Llama"](), tmp_path / "source", num_hidden_layers=3)
    with pytest.raises(InputError, match=r"lack 9 weights of .*, such as model\.layers\.2"):
        quantize_base(source, None, "none", "float32", tmp_path / "base")


def test_experts_that_stay_untouched_are_said(tmp_path, caplog):
    model = random_model(CONFIGS["Qwen3-MoE"]())
    source = saved(CONFIGS["Qwen3-MoE"](), tmp_path / "source")
    about = quantize_base(source, None, "none", "float32", tmp_path / "base")
    sizes = {name: one.numel() for name, one in model.named_parameters()}
    experts = sum(size for name, size in sizes.items() if ".experts." in name)
    attention = sum(size for name, size in sizes.items() if "_proj.weight" in name)
    assert about["expert_share"] == pytest.approx(experts / sum(sizes.values()), abs=1e-4) and experts
    assert about["adapted_share"] == pytest.approx(attention / sum(sizes.values()), abs=1e-4)
    assert expert_share_of_files(tmp_path / "source") == pytest.approx(about["expert_share"], abs=1e-4)
    assert about["expert_parameters"] == ["mlp.experts.down_proj", "mlp.experts.gate_up_proj"]
    said = "experts, which only `target_parameters` (mlp.experts.down_proj, mlp.experts.gate_up_proj) reach and NF4 does not"
    assert any(said in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("name", ["Llama", "Granite hybrid", "Qwen3.5"])
def test_a_convolution_is_no_expert(name):
    model = random_model(CONFIGS[name]())
    assert (expert_share(model) > 0) == (name == "Granite hybrid")
    convolutions = sum(one.numel() for one in model.parameters() if one.ndim == 3)
    assert expert_share(model) < 1 - adapted_share(model) and (convolutions > 0) == (name != "Llama")


def test_a_layer_that_peft_takes_for_experts_gets_no_adapter(tmp_path):
    base = load_base(prepare(CONFIGS["Qwen3-Next"](), tmp_path))
    names = target_names(base.model, "all-linear")
    assert any(name.endswith("q_proj") for name in names) and not any(
        "shared_expert.up_proj" in name for name in names
    )
    with pytest.raises(
        InputError, match="PEFT takes 'up_proj' of a qwen3_next model for a part of its experts"
    ):
        target_names(base.model, ["q_proj", "up_proj"])


@pytest.mark.parametrize("name", ["Llama", "Mistral, window 20"])
def test_an_embedding_of_the_padding_token_that_is_no_number_does_no_harm(name, tmp_path):
    folder = prepare(CONFIGS[name](), tmp_path)
    base = load_base(folder)
    expected = score_options(base, asked())
    losses = []
    for broken in (False, True):
        if broken:
            base.model.get_input_embeddings().weight.data[base.model.config.pad_token_id] = float("nan")
        store = Store(tmp_path / f"store {broken}")
        (key,) = train_adapters(base, TRAINING, [Task("adapter", rows(0), 0)], store, pace=Pace())
        losses.append(json.loads((store.adapter(key) / RECORD).read_text())["losses"])
    assert losses[0] == losses[1]
    assert np.array_equal(score_options(base, asked()), expected)
    assert not any(0 in row.input_ids for row in rows(0)), "or the test would show nothing"
