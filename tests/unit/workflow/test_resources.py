from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from stimmung.study.models import Model
from stimmung.vocabulary.training import Training
from stimmung.workflow import resources as sizes
from stimmung.workflow.cuts import training_jobs

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


@pytest.mark.parametrize("billions", [0.002, 0.135, 1, 3, 8, 14])
@pytest.mark.parametrize("gpu_tflops", [100, 250, 400])
def test_the_published_weeks_make_jobs_of_about_ten_minutes_to_an_hour(billions, gpu_tflops):
    n_seeds = 3
    a_week = sizes.week_minutes(billions, AS_PUBLISHED, n_seeds, gpu_tflops)
    weeks, seeds = sizes.weeks_in_a_job(a_week, n_seeds, 30)
    assert weeks == 1 or seeds == n_seeds, "seeds are parted only where a week is too long"
    assert 10 < weeks * seeds * a_week / n_seeds <= 60 - sizes.LOADING_MINUTES


def test_a_tiny_model_s_weeks_go_together_for_each_takes_no_time():
    quick = Training(r=8, num_train_epochs=None, max_steps=60, per_device_train_batch_size=2, block_size=128)
    a_week = sizes.week_minutes(0.002, quick, 2, 100)
    weeks, seeds = sizes.weeks_in_a_job(a_week, 2, 30)
    assert seeds == 2 and 10 < weeks * a_week <= 60


@settings(deadline=None)
@given(st.floats(1, 1e6), st.sampled_from([64, 128, 512]), st.integers(1, 5))
def test_jobs_suit_weeks_of_few_posts_and_of_many(n_posts, block_size, n_seeds):
    epoch = AS_PUBLISHED.model_copy(
        update={"max_steps": None, "num_train_epochs": 1, "block_size": block_size}
    )
    n_blocks = sizes.blocks_of_posts(n_posts, block_size)
    exact = n_posts * sizes.TOKENS_PER_POST / block_size
    assert n_blocks == 1 or exact <= n_blocks < 2 * exact
    a_seed = sizes.week_minutes(8, epoch, 1, 100, n_blocks)
    weeks, seeds = sizes.weeks_in_a_job(a_seed * n_seeds, n_seeds, 30)
    minutes = weeks * seeds * a_seed
    # Half of the rounding, at most; one adapter is never parted.
    assert (weeks, seeds) == (1, 1) or minutes <= 55
    assert minutes > 12


def test_steps_are_those_of_the_trainer():
    training = Training(num_train_epochs=3, per_device_train_batch_size=4, gradient_accumulation_steps=2)
    assert sizes.n_steps(training, 100) == pytest.approx(3 * 100 / 8, abs=3)
    assert sizes.n_steps(AS_PUBLISHED, 100) == 300


def test_more_respondents_take_longer_and_a_faster_gpu_less():
    model = Model(source="meta-llama/Meta-Llama-3-8B", revision=REVISION)
    epochs = Training(num_train_epochs=3, max_steps=None, per_device_train_batch_size=1)
    one = sizes.survey_minutes(model, epochs, 100, 1600)
    assert sizes.survey_minutes(model, epochs, 100, 3200) == pytest.approx(2 * one)
    assert sizes.survey_minutes(model, epochs, 50, 1600) == pytest.approx(2 * one)


@pytest.mark.parametrize("gpu_tflops", [100, 250])
@pytest.mark.parametrize("billions", [0.135, 0.5, 1, 3, 8, 14])
@pytest.mark.parametrize("study", ["gles2017", "anes2016"])
def test_the_shipped_surveys_make_jobs_of_about_ten_minutes_to_an_hour(study, billions, gpu_tflops):
    """Of conditions that everybody may be learned from in, uncounted, if there are enough."""
    (preset,) = yaml.safe_load((ROOT / f"studies/{study}.yaml").read_text())["training"].values()
    model = Model(source=f"some/Llama-{billions}B", revision=REVISION)
    n_rows = sizes.RESPONDENTS_PER_SURVEY * 4 // 5
    an_adapter = sizes.survey_minutes(model, Training(**preset), gpu_tflops, n_rows)
    n_adapters = sizes.adapters_in_a_job(an_adapter, 5, 30)
    assert 10 < n_adapters * an_adapter < 60 - sizes.LOADING_MINUTES


# As many as GLES's groups, shares and complete answers leave of 1,829 respondents who are made up, a small survey and a large one.
IN_TRAINING = [
    1829,
    1829,
    1485,
    1560,
    1592,
    1643,
    362,
    362,
    138,
    138,
    98,
    98,
    19,
    37,
    93,
    184,
    364,
    917,
    1105,
    1105,
]
SURVEYS = {"gles": IN_TRAINING, "small": [n // 4 for n in IN_TRAINING], "large": [4 * n for n in IN_TRAINING]}


@pytest.mark.parametrize("survey", SURVEYS)
@pytest.mark.parametrize("n_seeds", [1, 3])
@pytest.mark.parametrize("gpu_tflops", [100, 250])
@pytest.mark.parametrize("billions", [0.135, 0.5, 1, 3, 8, 14])
@pytest.mark.parametrize("study", ["gles2017", "anes2016"])
def test_all_jobs_of_the_shipped_recipes_take_about_ten_minutes_to_an_hour(
    study, billions, gpu_tflops, n_seeds, survey
):
    (preset,) = yaml.safe_load((ROOT / f"studies/{study}.yaml").read_text())["training"].values()
    model = Model(source=f"some/Llama-{billions}B", revision=REVISION)
    minutes = {
        str(number): sizes.survey_minutes(model, Training(**preset), gpu_tflops, n_rows * 4 // 5)
        for number, n_rows in enumerate(SURVEYS[survey])
    }
    conditions = {name: (each, sizes.adapters_in_a_job(each, 5, 30)) for name, each in minutes.items()}
    jobs = training_jobs(conditions, range(n_seeds), 5, room=25, least=5, most=55)
    loads = [sum(minutes[name] for name, _, _ in job) for job in jobs]
    assert len(jobs) == 1 or min(loads) >= 5
    assert all(load <= 55 or len(job) == 1 for job, load in zip(jobs, loads, strict=True))


@settings(deadline=None)
@given(st.floats(0.01, 12), st.integers(2, 10), st.floats(10, 60))
def test_a_job_of_a_survey_is_filled_as_far_as_whole_seeds_do(an_adapter, n_folds, minutes):
    n_adapters = sizes.adapters_in_a_job(an_adapter, n_folds, minutes)
    a_seed = n_folds * an_adapter
    if a_seed <= sizes.LONGEST_JOB_MINUTES - sizes.LOADING_MINUTES:
        assert n_adapters % n_folds == 0
        assert n_adapters == n_folds or n_adapters * an_adapter <= minutes - sizes.LOADING_MINUTES
        assert n_adapters * an_adapter > minutes - sizes.LOADING_MINUTES - a_seed
    else:
        assert 1 <= n_adapters < n_folds
        assert n_adapters == 1 or n_adapters * an_adapter <= minutes - sizes.LOADING_MINUTES


def test_scoring_a_seed_takes_no_longer_than_an_epoch_of_training_one_adapter():
    model = Model(source="meta-llama/Meta-Llama-3-8B", revision=REVISION)
    epochs = Training(num_train_epochs=3, max_steps=None, per_device_train_batch_size=1)
    epoch = sizes.survey_minutes(model, epochs, 100, 2000) / 3
    assert sizes.scoring_minutes(model, epochs, 100, 2000) == pytest.approx(epoch)
    # However few steps the training has.
    assert sizes.scoring_minutes(model, AS_PUBLISHED, 100, 2000) > 0
