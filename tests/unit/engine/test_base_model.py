import json
import shutil

import bitsandbytes as bnb
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, LlamaForCausalLM

from stimmung.engine.base.base_model import keep_weights_unpacked, load_base
from stimmung.engine.base.model_files import digest_of
from stimmung.engine.base.preparing import count_parameters, quantize_base
from stimmung.engine.cohort.lora import attached, initial_weights
from stimmung.engine.cohort.slices import Slice
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.training import Lora
from tests.unit.engine.conftest import VOCABULARY, random_llama

IDS = torch.tensor([[5, 6, 7, 8, 9, 10], [11, 12, 13, 14, 15, 16]])


@pytest.fixture(scope="module")
def quantised(source, tmp_path_factory):
    directory = tmp_path_factory.mktemp("quantised") / "base"
    described = quantize_base(str(source), None, "nf4", "bfloat16", directory)
    (directory / "model.json").write_text(json.dumps(described))
    return directory


def logits(model):
    with torch.no_grad():
        return model(IDS).logits


def test_a_reloaded_4_bit_base_gives_the_logits_of_the_one_that_was_quantised(source, quantised):
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    settings = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    fresh = AutoModelForCausalLM.from_pretrained(
        source, dtype=torch.bfloat16, quantization_config=settings
    ).eval()
    keep_weights_unpacked(fresh)
    reloaded = load_base(quantised, dequantized_mb=0).model
    assert sum(isinstance(module, bnb.nn.Linear4bit) for module in reloaded.modules()) == 2 * 7
    assert torch.equal(logits(reloaded), logits(fresh))
    assert not torch.equal(logits(reloaded).float(), logits(random_llama())), "nothing was quantised"


def test_it_is_frozen_in_eval_mode_and_knows_its_size(quantised):
    base = load_base(quantised)
    assert not base.model.training
    assert not any(parameter.requires_grad for parameter in base.model.parameters())
    assert base.digest == json.loads((quantised / "model.json").read_text())["digest"] == digest_of(quantised)
    assert count_parameters(base.model) == count_parameters(random_llama())


def test_what_a_base_scored_before_does_not_change_how_it_trains(quantised):
    assert torch.equal(_gradient(quantised, score_first=False), _gradient(quantised, score_first=True))


def test_weights_held_in_full_give_the_same_numbers_to_the_last_bit(quantised):
    held, packed = load_base(quantised).model, load_base(quantised, dequantized_mb=0).model
    assert not any(isinstance(module, bnb.nn.Linear4bit) for module in held.modules())
    assert torch.equal(logits(held), logits(packed))
    assert torch.equal(
        _gradient(quantised, score_first=True, dequantized_mb=None), _gradient(quantised, score_first=True)
    )


@pytest.mark.skipif(
    not getattr(torch.cpu, "_is_avx512_bf16_supported", bool)(), reason="the CPU has no AVX512-BF16"
)
def test_without_keeping_weights_unpacked_scoring_would_change_gradients(quantised):
    """The trap is there: if bitsandbytes mends it, this fails, and keep_weights_unpacked can go."""
    assert not torch.equal(
        _gradient(quantised, score_first=False), _gradient(quantised, score_first=True, trapped=True)
    )


def _gradient(directory, score_first, trapped=False, dequantized_mb=0):
    """Return the gradient of the first layer's adapter, which has passed through all layers."""
    base = load_base(directory, dequantized_mb=dequantized_mb)
    if trapped:
        for module in base.model.modules():
            if isinstance(module, bnb.nn.Linear4bit):
                module.support_avx512bf16_for_cpu = True
    if score_first:
        with torch.inference_mode():
            base.model(IDS)
    with attached(base, Lora(r=4)) as cohort:
        cohort.add({name: torch.full_like(one, 0.01) for name, one in initial_weights(cohort, 0).items()})
        cohort.layout.slices = [Slice(0, 0, len(IDS))]
        base.model(IDS).logits.float().log_softmax(-1)[:, :, 3].sum().backward()
        return next(iter(cohort.parameters_of(0).values())).grad.clone()


def test_the_digest_changes_with_the_weights_and_not_with_the_place(source, tmp_path):
    copies = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        for file in source.iterdir():
            (tmp_path / name / file.name).write_bytes(file.read_bytes())
        copies.append(tmp_path / name)
    assert digest_of(copies[0]) == digest_of(copies[1]) == digest_of(source)
    weights = load_file(copies[1] / "model.safetensors")
    next(iter(weights.values()))[0, 0] += 1
    save_file(weights, copies[1] / "model.safetensors", metadata={"format": "pt"})
    assert digest_of(copies[1]) != digest_of(source)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.ckpt"])
def test_pickled_weights_are_refused(source, tmp_path, name):
    (tmp_path / "config.json").write_text((source / "config.json").read_text())
    (tmp_path / name).write_bytes(b"pickled")
    with pytest.raises(InputError, match=f"pickled weights \\({name}\\)"):
        load_base(tmp_path)
    with pytest.raises(InputError, match="pickled weights"):
        quantize_base(str(tmp_path), None, "none", "float32", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def with_own_code(source, folder, **changes):
    """A copy of a model that says in its config that it needs code of its own."""
    shutil.copytree(source, folder)
    config = json.loads((source / "config.json").read_text())
    own = {"auto_map": {"AutoConfig": "configuration.Mine", "AutoModelForCausalLM": "modeling.Mine"}}
    (folder / "config.json").write_text(json.dumps(config | own | changes))
    (folder / "modeling.py").write_text("raise SystemExit('code of the model was run')")
    shutil.copy(folder / "modeling.py", folder / "configuration.py")
    return folder


def test_fault_h_a_native_class_with_code_beside_it_is_prepared_and_its_base_loads(source, tmp_path):
    folder = with_own_code(source, tmp_path / "source")
    quantize_base(str(folder), None, "none", "float32", tmp_path / "base")
    assert "auto_map" not in json.loads((tmp_path / "base/config.json").read_text())
    assert torch.equal(logits(load_base(tmp_path / "base").model), logits(load_base(source).model))


def test_fault_h_a_model_that_has_only_its_own_code_is_refused(source, tmp_path):
    folder = with_own_code(source, tmp_path / "source", model_type="mine", architectures=["Mine"])
    with pytest.raises(InputError, match="cannot load the model"):
        load_base(folder)
    with pytest.raises(InputError, match="cannot load the model"):
        quantize_base(str(folder), None, "none", "float32", tmp_path / "base")
    assert not (tmp_path / "base").exists()


def test_a_directory_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=f"no model directory at {tmp_path / 'absent'}"):
        load_base(tmp_path / "absent")


def test_a_directory_without_weights_or_config_is_named(source, tmp_path):
    with pytest.raises(InputError, match=r"no \*\.safetensors"):
        load_base(tmp_path)
    (tmp_path / "model.safetensors").write_bytes((source / "model.safetensors").read_bytes())
    with pytest.raises(InputError, match=r"no config\.json"):
        load_base(tmp_path)


def test_a_tokenizer_with_more_tokens_than_its_model_is_refused_before_anything_is_saved(source, tmp_path):
    folder = tmp_path / "of-another-model"
    shutil.copytree(source, folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["<pad>"], special_tokens=True)  # of a token for padding alone nothing is said
    tokenizer.save_pretrained(folder)
    quantize_base(str(folder), None, "none", "float32", tmp_path / "fine")
    smaller = LlamaForCausalLM.from_pretrained(folder)
    smaller.resize_token_embeddings(VOCABULARY // 2)
    smaller.save_pretrained(folder)
    with pytest.raises(
        InputError, match=r"its tokenizer has \d+ tokens, up to number \d+, that its model of \d+"
    ):
        quantize_base(str(folder), None, "none", "float32", tmp_path / "base")
    assert not (tmp_path / "base").exists()
