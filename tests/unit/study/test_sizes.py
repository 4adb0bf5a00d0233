from pathlib import Path

import pytest
import yaml

from stimmung.study import sizes
from stimmung.study.models import Model, Training

ROOT = Path(__file__).parents[3]
REVISION = "0" * 40
LLAMA_8B = {
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "num_hidden_layers": 32,
}
AS_PUBLISHED = Training(
    r=128,
    target_modules=["q_proj", "v_proj"],
    num_train_epochs=None,
    max_steps=300,
    per_device_train_batch_size=6,
    gradient_accumulation_steps=4,
    gradient_checkpointing=True,
)


@pytest.mark.parametrize(
    ("source", "billions"),
    [
        ("meta-llama/Meta-Llama-3-8B", 8),
        ("meta-llama/Llama-3.2-1B-Instruct", 1),
        ("HuggingFaceTB/SmolLM2-135M", 0.135),
        ("Qwen/Qwen2.5-0.5B", 0.5),
        ("built-in", 0.002),
        ("somebody/without-a-number", 1),
    ],
)
def test_a_model_s_size_is_read_from_its_name(source, billions):
    revision = None if source == "built-in" else REVISION
    assert sizes.billion_parameters(Model(source=source, revision=revision)) == pytest.approx(billions)


def test_what_is_declared_counts_more_than_a_name():
    model = Model(source="a/b-8B", revision=REVISION, billion_parameters=2.5)
    assert sizes.billion_parameters(model) == 2.5


def test_an_adapter_has_as_many_weights_as_peft_gives_it():
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM

    shape = {name: size // 64 if "size" in name else size // 8 for name, size in LLAMA_8B.items()}
    shape |= {"num_attention_heads": 4, "num_key_value_heads": 2, "num_hidden_layers": 3}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=64, **shape))
    for modules in ("all-linear", ["q_proj", "v_proj"]):
        wrapped = get_peft_model(model, LoraConfig(r=4, target_modules=modules, task_type="CAUSAL_LM"))
        theirs = sum(weight.numel() for name, weight in wrapped.named_parameters() if "lora_" in name)
        assert sizes.adapter_weights(shape, Training(r=4, target_modules=modules)) == theirs
        model = wrapped.unload()


@pytest.mark.parametrize(
    ("family", "names"),
    [
        ("Bert", ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")),
        ("DistilBert", ("dim", "hidden_dim", "n_layers", "n_heads")),
        ("GPT2", ("n_embd", "n_inner", "n_layer", "n_head")),
    ],
)
def test_other_families_adapters_are_reckoned_no_smaller_than_peft_s_and_not_far_above(family, names):
    import transformers
    from peft import LoraConfig, get_peft_model

    shape = dict(zip(names, (32, 64, 3, 4), strict=True))
    config = getattr(transformers, f"{family}Config")(vocab_size=50, **shape)
    model = getattr(transformers, f"{family}Model")(config)
    adapted = get_peft_model(model, LoraConfig(r=4, target_modules="all-linear"))
    exact = sum(parameter.numel() for parameter in adapted.parameters() if parameter.requires_grad)
    training = Training(r=4, learning_rate=1e-3)
    assert exact <= sizes.adapter_weights(config.to_dict(), training) < 2 * exact


def test_memory_grows_with_the_model_and_with_the_adapters_in_it(tmp_path):
    (tmp_path / "config.json").write_text(str(LLAMA_8B).replace("'", '"'))
    with (tmp_path / "model.safetensors").open("wb") as weights:
        weights.truncate(5 * 2**30)
    (tmp_path / "model.json").write_text("{}")
    one = sizes.model_mb(tmp_path / "model.json", AS_PUBLISHED, 1)
    eight = sizes.model_mb(tmp_path / "model.json", AS_PUBLISHED, 8)
    assert one > 5 * 2**10 + sizes.START_MB
    assert eight - one == pytest.approx(7 * 16 * sizes.adapter_weights(LLAMA_8B, AS_PUBLISHED) / 2**20, abs=2)


def test_a_model_that_is_not_prepared_yet_is_named_as_snakemake_knows_it(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        sizes.model_mb(tmp_path / "model.json", AS_PUBLISHED, 1)
    assert str(caught.value.filename) == str(tmp_path / "model.json")


def test_the_published_weeks_make_jobs_of_ten_minutes_to_an_hour():
    for tflops in (100, 250, 400):
        a_week = sizes.week_minutes(8, AS_PUBLISHED, 3, tflops)
        weeks = sizes.weeks_in_a_job(a_week, 30)
        assert 10 < weeks * a_week < 100, tflops
    # A tiny model's weeks go together; each takes no time.
    quick = Training(r=8, num_train_epochs=None, max_steps=60, per_device_train_batch_size=2, block_size=128)
    a_week = sizes.week_minutes(0.002, quick, 2, 100)
    assert 10 < sizes.weeks_in_a_job(a_week, 30) * a_week <= 60


def test_steps_are_those_of_the_trainer():
    training = Training(num_train_epochs=3, per_device_train_batch_size=4, gradient_accumulation_steps=2)
    assert sizes.n_steps(training, 100) == pytest.approx(3 * 100 / 8, abs=3)
    assert sizes.n_steps(AS_PUBLISHED, 100) == 300


def test_more_folds_and_more_respondents_take_longer_and_a_faster_gpu_less():
    model = Model(source="meta-llama/Meta-Llama-3-8B", revision=REVISION)
    epochs = Training(num_train_epochs=3, max_steps=None, per_device_train_batch_size=1)
    one = sizes.folds_minutes(model, epochs, 1, 100, 1600)
    assert sizes.folds_minutes(model, epochs, 5, 100, 1600) == pytest.approx(5 * one)
    assert sizes.folds_minutes(model, epochs, 1, 100, 3200) == pytest.approx(2 * one)
    assert sizes.folds_minutes(model, epochs, 1, 50, 1600) == pytest.approx(2 * one)


@pytest.mark.parametrize(
    ("billions", "gpu_tflops", "apart"),
    [(1, 100, False), (3, 100, False), (8, 250, False), (8, 100, True), (70, 250, True)],
)
def test_the_published_folds_make_jobs_of_about_ten_minutes_to_an_hour(billions, gpu_tflops, apart):
    study = yaml.safe_load((ROOT / "studies/gles2017.yaml").read_text())
    published = Training(**study["training"]["votes-as-published"])
    model = Model(source=f"some/Llama-{billions}B", revision=REVISION)
    assert sizes.folds_train_apart(model, published, 5, gpu_tflops) is apart
    n_rows = sizes.RESPONDENTS_PER_SURVEY * 4 // 5
    minutes = sizes.folds_minutes(model, published, 1 if apart else 5, gpu_tflops, n_rows)
    assert 9 < minutes < 60 - sizes.LOADING_MINUTES
