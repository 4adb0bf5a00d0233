import json
import shutil

import numpy as np
import pytest
from safetensors.torch import load_file

from scripts.build_prompts import build_prompts
from scripts.split_respondents import split_respondents
from scripts.train_fold_adapters import train_fold_adapters
from stimmung.engine.base.model_files import load_tokenizer
from stimmung.engine.cohort import missing_adapters
from stimmung.engine.scoring.fold_tasks import Target, fold_tasks
from stimmung.engine.scoring.survey_prompts import training_ids
from stimmung.study.reading import load_codebook
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.pace import Pace
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.training import Training
from stimmung.vocabulary.view import View
from stimmung.vocabulary.votes_schemas import GROUP, PROMPTS, RESPONDENTS, SPLITS

TRAINING = Training(
    r=4, lora_alpha=8, learning_rate=0.01, max_steps=2, num_train_epochs=None, per_device_train_batch_size=4
)
WEIGHTS = "adapter_model.safetensors"


def train(small_study, folder, seed=24, **changes):
    """Train both folds of the condition `full`, and return the adapters' directories."""
    folders = [folder / f"full/seed-{seed}/fold-{fold}" for fold in range(2)]
    options = {
        "prompts": [small_study.prompts],
        "splits": [small_study.splits],
        "codebook": small_study.codebook,
        "arm": "tuned",
        "condition": "full",
        "language": "en",
        "chat": False,
        "training": TRAINING,
        "pace": Pace(cohort="sequential"),
        "threads": 1,
        "store": folder / "store",
        **changes,
    }
    train_fold_adapters(
        base=small_study.base / "model.json",
        adapters=[one / WEIGHTS for one in folders],
        seed=seed,
        **options,
    )
    return folders


def records(outputs):
    return [json.loads((output / "training.json").read_text()) for output in outputs]


def test_each_fold_learns_from_the_other_folds_and_starts_from_the_same_weights(small_study, tmp_path):
    outputs = train(small_study, tmp_path)
    splits = read_table(small_study.splits, SPLITS)
    first, second = records(outputs)
    assert [first["n_rows"], second["n_rows"]] == [int((splits.fold != fold).sum()) for fold in (0, 1)]
    assert first["data_digest"] != second["data_digest"]
    assert first["steps"] == second["steps"] == 2 and first["base_digest"] == second["base_digest"]
    weights = [load_file(output / "adapter_model.safetensors") for output in outputs]
    assert weights[0].keys() == weights[1].keys()
    assert any(not weights[0][name].equal(weights[1][name]) for name in weights[0])


def test_what_is_in_the_store_is_not_trained_again_and_other_seeds_or_settings_are(small_study, tmp_path):
    def trained():
        return len(list((tmp_path / "store/adapters").iterdir()))

    outputs = train(small_study, tmp_path)
    before = [(output / WEIGHTS).stat().st_mtime_ns for output in outputs]
    assert trained() == 2
    train(small_study, tmp_path)
    assert trained() == 2
    assert [(output / WEIGHTS).stat().st_mtime_ns for output in outputs] == before
    train(small_study, tmp_path, seed=25)
    assert trained() == 4
    train(small_study, tmp_path, training=TRAINING.model_copy(update={"max_steps": 3}))
    assert trained() == 6
    train(small_study, tmp_path, training=TRAINING.model_copy(update={"block_size": 99}))
    assert trained() == 6, "a survey has no blocks of posts"


def test_the_base_is_not_loaded_if_the_store_has_all_adapters(small_study, tmp_path, monkeypatch):
    outputs = train(small_study, tmp_path)
    before = [(output / WEIGHTS).read_bytes() for output in outputs]
    for output in outputs:
        (output / WEIGHTS).unlink()  # as Snakemake does before it runs a job again

    def loads(*_):
        raise AssertionError("the base was loaded")

    monkeypatch.setattr(missing_adapters, "load_base_for_training", loads)
    train(small_study, tmp_path)
    assert [(output / WEIGHTS).read_bytes() for output in outputs] == before
    with pytest.raises(AssertionError, match="loaded"):
        train(small_study, tmp_path, seed=25)


def test_no_respondent_stands_in_an_adapter_s_folder(small_study, tmp_path):
    from tests.workflow.workspace import MARKER

    files = [file for output in train(small_study, tmp_path) for file in output.iterdir()]
    assert {file.name for file in files} >= {WEIGHTS, "training.json"}
    for file in files:
        assert MARKER.encode() not in file.read_bytes() and b"years" not in file.read_bytes()


def test_options_that_no_score_can_tell_apart_are_refused_before_training(small_study, tmp_path):
    codebook = tmp_path / "alike.yaml"
    codebook.write_text(small_study.codebook.read_text().replace("label: Blue", "label: Red Blue"))
    with pytest.raises(InputError, match="'Red' is the beginning of 'Red Blue'"):
        train(small_study, tmp_path / "out", codebook=codebook)
    assert not (tmp_path / "out").exists()


def test_who_emptied_the_store_trains_only_what_is_not_in_the_results(small_study, tmp_path, caplog):
    caplog.set_level("INFO")
    first = train(small_study, tmp_path)
    before = (first[0] / "training.json").read_bytes()
    shutil.rmtree(tmp_path / "store")
    # What is damaged is no adapter.
    (first[1] / WEIGHTS).write_bytes(b"cut off")
    caplog.clear()
    train(small_study, tmp_path)
    assert "full, seed 24, fold 1: trained" in caplog.text and caplog.text.count(": trained") == 1
    assert (first[0] / "training.json").read_bytes() == before
    # An adapter of other settings stands at the same place, and is not taken for these.
    shutil.rmtree(tmp_path / "store")
    caplog.clear()
    train(small_study, tmp_path, training=TRAINING.model_copy(update={"max_steps": 1}))
    assert caplog.text.count(": trained, 1 steps") == 2


def test_an_adapter_learns_every_target_of_the_respondents_of_the_other_folds(small_study, tmp_path):
    views = [View(item="vote", others=["party"]), View(item="party", others=["vote"])]
    prompts, splits = [], []
    for view in views:
        prompts.append(tmp_path / f"{view.item}-prompts.parquet")
        splits.append(tmp_path / f"{view.item}-splits.parquet")
        words = {"codebook": small_study.codebook, "language": "en", "drop_items": [], "view": view}
        build_prompts(respondents=small_study.respondents, prompts=prompts[-1], **words)
        split_respondents(
            respondents=small_study.respondents,
            splits=splits[-1],
            target=view.item,
            other_targets=view.others,
            condition="full",
            exclude={},
            keep={},
            complete=[],
            share=None,
            same_size_as=None,
            folds=2,
            seed=0,
        )
    outputs = train(small_study, tmp_path, prompts=prompts, splits=splits, views=views)
    tables = [read_table(path, SPLITS) for path in splits]
    together = records(outputs)
    for fold, record in enumerate(together):
        assert record["n_rows"] == sum(int((table.fold != fold).sum()) for table in tables) > 20
    alone = train(small_study, tmp_path, prompts=prompts[:1], splits=splits[:1], views=views[:1])
    assert records(alone)[0]["data_digest"] != together[0]["data_digest"]


def test_what_is_held_out_to_stop_early_are_whole_groups(small_study):
    people = read_table(small_study.respondents, RESPONDENTS)
    groups = people.assign(**{GROUP: [f"g{row // 4}" for row in range(len(people))]})
    words, split = load_codebook(small_study.codebook), read_table(small_study.splits, SPLITS)
    asked = [Target(words, read_table(small_study.prompts, PROMPTS), split)]
    about = (asked, ["fold 0"], 24, "en", False, load_tokenizer(small_study.base))
    learned = training_ids(split, 0)
    (task,) = fold_tasks(*about, groups)
    assert task.respondents == list(groups.set_index("respondent_id")[GROUP].loc[learned])
    assert fold_tasks(*about)[0].respondents == learned


def test_weights_count_in_training_whatever_their_unit_and_equal_ones_do_not(small_study, tmp_path):
    people = read_table(small_study.respondents, RESPONDENTS)

    def digests(name, weights):
        path = tmp_path / f"{name}.parquet"
        write_table(people.assign(weight=weights), path, RESPONDENTS)
        return [
            one["data_digest"]
            for one in records(train(small_study, tmp_path / name, respondents=[path], weighted=True))
        ]

    unequal = np.linspace(0.25, 3, len(people))
    assert digests("equal", 2.0) == [
        one["data_digest"] for one in records(train(small_study, tmp_path / "none"))
    ]
    assert digests("unequal", unequal) == digests("doubled", 2 * unequal) != digests("equal", 2.0)
