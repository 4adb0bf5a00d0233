import shutil

import numpy as np
import pytest

from scripts.score_questions import score_questions
from stimmung.store.paths import FILES
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.moods_schemas import ANSWERS
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.vocabulary.questions import Question
from stimmung.vocabulary.scoring import Scoring
from tests.scripts.test_train_week_adapters import base, posts, train, write_week  # noqa: F401

QUESTIONS = {
    "mood": Question(
        stem="How did you feel?", options=["Happy", "Sad", "Bored"], variants={"case": ["upper", "lower"]}
    ),
    "vote": Question(stem="Vote:", options=["Red", "Blue"]),
}


def score(base, folder, name="answers", normalization="none"):  # noqa: F811
    score_questions(
        base=base / "model.json",
        manifests=[folder / "adapters" / "first.json"],
        answers=folder / f"{name}.parquet",
        questions=QUESTIONS,
        chat=False,
        scoring=Scoring(normalization=normalization),
        tokens_per_batch=4096,
        panel="p",
        model="small",
        store=folder / "store",
        threads=1,
    )
    return read_table(folder / f"{name}.parquet", ANSWERS)


def test_the_table_holds_every_week_seed_question_and_option_and_the_base_once(base, posts, tmp_path):  # noqa: F811
    train(base, tmp_path, posts)
    answers = score(base, tmp_path)
    n_asked = 2 * 3 + 2
    assert answers.groupby(["model", "week", "seed"]).size().to_dict() == {
        ("small/base", "", -1): n_asked,
        **{("small/weekly", week, seed): n_asked for week in posts for seed in (1, 2)},
    }
    assert set(answers.panel) == {"p"}


def test_two_runs_give_the_same_bytes_whether_answers_were_stored_or_not(base, posts, tmp_path):  # noqa: F811
    train(base, tmp_path, posts)
    score(base, tmp_path, "first")
    score(base, tmp_path, "second")
    assert (tmp_path / "first.parquet").read_bytes() == (tmp_path / "second.parquet").read_bytes()


def test_with_all_answers_in_the_store_no_base_is_loaded(base, posts, tmp_path, monkeypatch):  # noqa: F811
    train(base, tmp_path, posts)
    first = score(base, tmp_path, "first")
    monkeypatch.setattr("scripts.score_questions.load_base", lambda path: pytest.fail(f"{path} was loaded"))
    assert score(base, tmp_path, "second").equals(first)


def test_a_new_week_leaves_the_others_answers_as_they_are(base, posts, tmp_path):  # noqa: F811
    train(base, tmp_path, posts)
    before = score(base, tmp_path)
    more = {**posts, "2020-01-20": write_week(tmp_path, "2020-01-20", ["so bored", "bored again"])}
    train(base, tmp_path, more)
    after = score(base, tmp_path)
    assert after[after.week != "2020-01-20"].reset_index(drop=True).equals(before)
    assert (after.week == "2020-01-20").sum() == 2 * (2 * 3 + 2)


def test_stored_answers_are_read_out_anew_with_another_normalisation(base, posts, tmp_path):  # noqa: F811
    train(base, tmp_path, posts)
    plain = score(base, tmp_path, "plain")
    by_token = score(base, tmp_path, "token", normalization="token")
    np.testing.assert_array_equal(plain.loglikelihood, by_token.loglikelihood)
    assert (plain.probability - by_token.probability).abs().max() > 1e-6


def test_an_adapter_that_got_lost_comes_back_without_training(base, posts, tmp_path):  # noqa: F811
    listed = train(base, tmp_path, posts)
    before = score(base, tmp_path)
    lost = tmp_path / "adapters" / listed[0]["week"] / "seed-1"
    shutil.rmtree(lost)
    assert score(base, tmp_path).equals(before)
    assert {file.name for file in lost.iterdir()} == set(FILES)


def test_an_adapter_that_the_store_lacks_too_is_named_and_no_table_is_written(base, posts, tmp_path):  # noqa: F811
    listed = train(base, tmp_path, posts)
    lost = tmp_path / "adapters" / listed[0]["week"] / "seed-1"
    stored = tmp_path / "store" / "adapters" / listed[0]["key"]
    # A hard link: where one is cut off, the other is too.
    (lost / "adapter_model.safetensors").write_bytes((lost / "adapter_model.safetensors").read_bytes()[:-1])
    with pytest.raises(InputError, match=f"no intact adapter in {lost}, nor in the store") as error:
        score(base, tmp_path)
    assert str(stored) in error.value.hint
    assert not (tmp_path / "answers.parquet").exists()
    # The hint helps, and nothing else is trained again.
    others = {path: path.stat().st_ino for path in (tmp_path / "store" / "adapters").rglob("*.safetensors")}
    shutil.rmtree(stored)
    (tmp_path / "adapters" / "first.json").unlink()
    train(base, tmp_path, posts)
    assert len(score(base, tmp_path)) == 5 * (2 * 3 + 2)
    now = {path: path.stat().st_ino for path in others}
    assert [path for path in others if now[path] != others[path]] == [stored / "adapter_model.safetensors"]
