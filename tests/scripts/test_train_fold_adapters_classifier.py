import copy
import json
import os
import signal
import time

import numpy as np
import pytest

from scripts.score_respondents import score_respondents
from scripts.train_fold_adapters import train_fold_adapters
from stimmung.vocabulary.errors import InputError, Interrupted
from stimmung.vocabulary.pace import Pace
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.scoring import Scoring
from stimmung.vocabulary.training import Training
from stimmung.vocabulary.votes_schemas import PREDICTIONS, PROMPTS, SPLITS, option_columns
from tests.small_encoder import prepare_small_encoder
from tests.workflow.workspace import MARKER

pytestmark = pytest.mark.slow

TRAINING = {
    "r": 8,
    "lora_alpha": 16,
    "lora_dropout": 0.0,
    "use_rslora": False,
    "target_modules": "all-linear",
    "learning_rate": 0.01,
    "lr_scheduler_type": "linear",
    "warmup_ratio": 0.1,
    "num_train_epochs": None,
    "max_steps": 100,
    "per_device_train_batch_size": 8,
    "weight_decay": 0.0,
    "optim": "adamw_torch",
}


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return prepare_small_encoder(tmp_path_factory.mktemp("encoder"))


def train(small_study, base, folder, seed=24, training=TRAINING, minutes=10, splits=None):
    """Train both folds of the condition `full`, and return the adapters' directories."""
    folders = [folder / f"full/seed-{seed}/fold-{fold}" for fold in range(2)]
    train_fold_adapters(
        base=base / "model.json",
        prompts=[small_study.prompts],
        splits=[splits or small_study.splits],
        codebook=small_study.codebook,
        adapters=[one / "adapter_model.safetensors" for one in folders],
        arm="classifier",
        condition="full",
        seed=seed,
        language="en",
        chat=False,
        training=Training(**training),
        pace=Pace(checkpoint_minutes=minutes),
        store=folder / "store",
        threads=1,
    )
    return folders


def predict(small_study, base, adapters, output):
    score_respondents(
        base=base / "model.json",
        adapters=[one / "adapter_model.safetensors" for one in adapters],
        respondents=small_study.respondents,
        prompts=[small_study.prompts],
        splits=[small_study.splits],
        codebook=small_study.codebook,
        predictions=output,
        method="bert/classifier",
        arm="classifier",
        seed=24,
        language="en",
        chat=False,
        examples=0,
        scoring=Scoring(),
        tokens_per_batch=1000,
        store=output.parent / "kept",
        threads=1,
    )
    return read_table(output, PREDICTIONS).set_index("respondent_id")


@pytest.fixture(scope="module")
def trained(small_study, encoder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    adapters = train(small_study, encoder, folder)
    return adapters, predict(small_study, encoder, adapters, folder / "predictions.parquet")


def test_it_learns_more_than_the_majority_from_other_people_s_answers(small_study, trained):
    table = trained[1]
    splits = read_table(small_study.splits, SPLITS).set_index("respondent_id")
    assert sorted(table.index) == sorted(splits.index) and (table.fold == splits.fold[table.index]).all()
    chosen = table[option_columns(table)].to_numpy().argmax(axis=1)
    correct = (np.array(["Red", "Blue"])[chosen] == table.target).mean()
    assert correct > table.target.value_counts(normalize=True).max() + 0.1
    assert (table.option_mass == 1).all() and (table.n_tokens > 2).all()


def test_plain_peft_loads_it_and_gives_the_same_probabilities(small_study, encoder, trained):
    import torch
    from peft import PeftModel
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    adapters, table = trained
    tokenizer = AutoTokenizer.from_pretrained(encoder)
    prompts = read_table(small_study.prompts, PROMPTS).set_index("respondent_id")
    for fold, adapter in enumerate(adapters):
        model = AutoModelForSequenceClassification.from_pretrained(encoder, num_labels=2)
        model = PeftModel.from_pretrained(model, adapter).eval()
        for respondent in table.index[table.fold == fold][:4]:
            text = prompts.messages[respondent][-1]["content"]
            with torch.inference_mode():
                expected = model(**tokenizer(text, return_tensors="pt")).logits[0].softmax(-1).numpy()
            found = table.loc[respondent, option_columns(table)].to_numpy(dtype=float)
            np.testing.assert_allclose(found, expected, atol=1e-5)


def test_each_fold_learns_from_the_others_only(small_study, trained):
    splits = read_table(small_study.splits, SPLITS)
    records = [json.loads((adapter / "training.json").read_text()) for adapter in trained[0]]
    assert [record["n_rows"] for record in records] == [int((splits.fold != fold).sum()) for fold in (0, 1)]
    assert records[0]["data_digest"] != records[1]["data_digest"]
    assert records[0]["options"] == ["Red", "Blue"] and records[0]["steps"] == 100


@pytest.mark.slow
def test_a_finished_one_is_never_trained_again_and_a_new_seed_is(small_study, encoder, trained, tmp_path):
    outputs = train(small_study, encoder, tmp_path)
    stored = sorted((tmp_path / "store/adapters").iterdir())
    times = [path.stat().st_mtime_ns for path in stored]
    train(small_study, encoder, tmp_path)
    assert [path.stat().st_mtime_ns for path in sorted((tmp_path / "store/adapters").iterdir())] == times
    # And it is the same as the one that was trained elsewhere from the same inputs.
    for ours, theirs in zip(outputs, trained[0], strict=True):
        for name in ("adapter_model.safetensors", "adapter_config.json"):
            assert (ours / name).read_bytes() == (theirs / name).read_bytes()
    train(small_study, encoder, tmp_path, seed=25, training={**TRAINING, "max_steps": 1})
    assert len(list((tmp_path / "store/adapters").iterdir())) == 4


def test_an_option_that_nobody_in_training_chose_can_still_be_predicted(small_study, encoder, tmp_path):
    splits = read_table(small_study.splits, SPLITS)
    prompts = read_table(small_study.prompts, PROMPTS)
    red = set(prompts.respondent_id[prompts.target == "Red"])
    only_red = splits.assign(in_training=splits.respondent_id.isin(red))
    only_red.to_parquet(tmp_path / "splits.parquet")
    adapters = train(
        small_study,
        encoder,
        tmp_path,
        splits=tmp_path / "splits.parquet",
        training={**TRAINING, "max_steps": 2},
    )
    table = predict(small_study, encoder, adapters, tmp_path / "predictions.parquet")
    assert (table["p_Blue"] > 0).all()


def test_a_decoder_gets_a_head_as_well(small_study, tmp_path):
    adapters = train(small_study, small_study.base, tmp_path, training={**TRAINING, "max_steps": 2})
    table = predict(small_study, small_study.base, adapters, tmp_path / "predictions.parquet")
    assert table[option_columns(table)].sum(axis=1).to_numpy() == pytest.approx(1)


def test_a_text_that_is_too_long_is_refused_not_cut(small_study, tmp_path):
    base = prepare_small_encoder(tmp_path, context=4)
    with pytest.raises(InputError, match=r"text of \d+ tokens does not fit the 4"):
        train(small_study, base, tmp_path)
    assert not (tmp_path / "full").exists()


def weights(folder):
    return [
        (folder / f"full/seed-24/fold-{fold}/adapter_model.safetensors").read_bytes() for fold in range(2)
    ]


@pytest.fixture
def short():
    """Four epochs and a half, so that a stop can come within one and between two; the encoder's own dropout draws on."""
    return {**TRAINING, "max_steps": 23, "lora_dropout": 0.1, "gradient_accumulation_steps": 2}


@pytest.mark.slow
@pytest.mark.parametrize("optim", ["adamw_torch", "paged_adamw_8bit"])
def test_stopped_again_and_again_it_ends_with_the_same_bytes(
    small_study, encoder, short, tmp_path, monkeypatch, optim
):
    # Of rank 128, so that some matrices have the 4,096 entries from which bitsandbytes takes 8 bits.
    short = {**short, "optim": optim, "r": 128}
    train(small_study, encoder, tmp_path / "a", training=short)
    said = []
    for _ in range(30):
        asked = iter([False] * 4 + [True])
        monkeypatch.setattr(
            "scripts.train_fold_adapters.StopOnSignal", lambda asked=asked: lambda: next(asked)
        )
        try:
            train(small_study, encoder, tmp_path / "b", training=short)
        except Interrupted as stopped:
            said.append(str(stopped))
            continue
        break
    assert said[:2] == [f"stopped at step {step}; the next run goes on from there" for step in (4, 8)]
    assert weights(tmp_path / "a") == weights(tmp_path / "b")
    records = [
        json.loads((tmp_path / name / "full/seed-24/fold-1/training.json").read_text()) for name in "ab"
    ]
    assert records[0]["losses"] == records[1]["losses"] and len(records[0]["losses"]) == 23
    left = [path for path in (tmp_path / "b/store").glob("*/*") if path.parent.name != "adapters"]
    assert left == [], "a finished fold leaves no checkpoint and no lock"


@pytest.mark.slow
def test_killed_at_random_moments_it_ends_with_the_same_bytes(small_study, encoder, short, tmp_path):
    began = time.monotonic()
    train(small_study, encoder, tmp_path / "a", training=short)
    duration = time.monotonic() - began
    rng, checkpoints, resumed = np.random.default_rng(4), tmp_path / "b/store/checkpoints", 0
    for attempt in range(6):
        # A fork has the libraries already, so the kill can hit any moment of the training itself.
        child = os.fork()
        if child == 0:
            try:
                train(small_study, encoder, tmp_path / "b", training=short, minutes=1e-9)
            finally:
                os._exit(0)
        # The first while there is surely a checkpoint, however slow the machine has become.
        patience = time.monotonic() + 60
        while attempt == 0 and not any(checkpoints.glob("*.safetensors")) and time.monotonic() < patience:
            time.sleep(0.01)
        time.sleep(rng.uniform(0.2, 0.6) * duration if attempt else 0)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        resumed += any(checkpoints.glob("*.safetensors"))
    finished = list((tmp_path / "b/store/adapters").glob("*/adapter_model.safetensors"))
    times = [path.stat().st_mtime_ns for path in finished]
    train(small_study, encoder, tmp_path / "b", training=short, minutes=1e-9)
    assert weights(tmp_path / "a") == weights(tmp_path / "b")
    assert resumed, "no kill hit a training that had a checkpoint"
    assert [path.stat().st_mtime_ns for path in finished] == times, "a finished fold was trained again"


@pytest.mark.slow
def test_a_damaged_checkpoint_is_told_and_training_begins_anew(
    small_study, encoder, short, tmp_path, monkeypatch, caplog
):
    train(small_study, encoder, tmp_path / "a", training=short)
    with monkeypatch.context() as patched, pytest.raises(Interrupted):
        asked = iter([False] * 4 + [True])
        patched.setattr("scripts.train_fold_adapters.StopOnSignal", lambda: lambda: next(asked))
        train(small_study, encoder, tmp_path / "b", training=short)
    (checkpoint,) = (tmp_path / "b/store/checkpoints").iterdir()
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    train(small_study, encoder, tmp_path / "b", training=short)
    assert "cannot be read, so training starts over" in caplog.text
    assert weights(tmp_path / "a") == weights(tmp_path / "b")


def test_a_signal_before_the_first_step_leaves_nothing(small_study, encoder, tmp_path, monkeypatch):
    monkeypatch.setattr("scripts.train_fold_adapters.StopOnSignal", lambda: lambda: True)
    with pytest.raises(Interrupted, match="step 0"):
        train(small_study, encoder, tmp_path)
    assert list((tmp_path / "store").rglob("*.safetensors")) == []


def test_no_respondent_stands_in_a_classifier_s_folder(trained):
    files = [file for adapter in trained[0] for file in adapter.iterdir()]
    assert len(files) >= 3 * len(trained[0]) > 0
    for file in files:
        content = file.read_bytes()
        assert MARKER.encode() not in content and b"years" not in content


def test_a_classifier_that_a_full_disk_has_cut_off_is_named(small_study, encoder, tmp_path):
    adapter = tmp_path / "fold-0"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text("{}")
    (adapter / "training.json").write_text('{"key": "abc"}')
    with pytest.raises(InputError, match=r"no intact adapter in .*fold-0, nor in the store"):
        predict(small_study, encoder, [adapter, adapter], tmp_path / "predictions.parquet")
    assert not (tmp_path / "predictions.parquet").exists()


def test_who_gave_no_answer_is_read_by_all_classifiers_and_gets_their_mean(
    small_study, encoder, trained, tmp_path
):
    splits = read_table(small_study.splits, SPLITS)
    silent = splits.respondent_id[splits.fold == 0].iloc[0]
    splits.loc[splits.respondent_id == silent, ["fold", "in_training"]] = [np.int8(-1), False]
    changed = copy.copy(small_study)
    changed.splits = tmp_path / "splits.parquet"
    write_table(splits.astype({"fold": "int8", "in_training": bool}), changed.splits, SPLITS)
    one = predict(changed, encoder, trained[0], tmp_path / "one.parquet").p_Red[silent]
    first = trained[1].p_Red[silent]
    swapped = predict(small_study, encoder, trained[0][::-1], tmp_path / "two.parquet").p_Red[silent]
    assert one == pytest.approx((first + swapped) / 2, abs=1e-9) and first != swapped
