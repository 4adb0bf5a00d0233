import json
import re
import shutil

import pandas as pd
import pytest

from scripts.build_prompts import build_prompts
from scripts.score_respondents import score_respondents
from scripts.split_respondents import split_respondents
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.few_shot import FewShot
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.vocabulary.predictions_by_target import read_predictions
from stimmung.vocabulary.scoring import Scoring
from stimmung.vocabulary.view import View
from stimmung.vocabulary.votes_schemas import PREDICTIONS, SPLITS
from tests.scripts.test_train_fold_adapters import train


def score(small_study, output, adapters=(), normalization="none", readout="exact", **changes):
    """Score with the adapters in these directories, in the order of the folds."""
    options = {
        "base": small_study.base / "model.json",
        "arm": "tuned" if adapters else "zero-shot",
        "method": "small/zero-shot",
        "seed": 24,
        "language": "en",
        "chat": False,
        "examples": 0,
        "tokens_per_batch": 4096,
        "store": output.parent / "kept",
        "threads": 1,
        **changes,
    }
    tables = {"prompts": [small_study.prompts], "splits": [small_study.splits]}
    score_respondents(
        adapters=[directory / "adapter_model.safetensors" for directory in adapters],
        respondents=small_study.respondents,
        codebook=small_study.codebook,
        predictions=output,
        scoring=Scoring(normalization=normalization, readout=readout),
        **tables | options,
    )
    if "views" in options:
        return {view.item: read_predictions(output, view.item) for view in options["views"]}
    return read_table(output, PREDICTIONS).set_index("respondent_id")


def not_to_be_loaded(path):
    raise AssertionError(f"{path} was loaded")


@pytest.fixture(scope="module")
def zero_shot(small_study, tmp_path_factory):
    return score(small_study, tmp_path_factory.mktemp("scored") / "zero-shot.parquet")


def test_every_respondent_is_tested_once_in_the_fold_of_the_splits(small_study, zero_shot):
    splits = read_table(small_study.splits, SPLITS).set_index("respondent_id")
    assert sorted(zero_shot.index) == sorted(splits.index)
    assert (zero_shot.fold == splits.fold[zero_shot.index]).all()
    assert set(zero_shot.method) == {"small/zero-shot"} and set(zero_shot.seed) == {24}


def test_each_fold_is_read_by_its_own_adapter(small_study, zero_shot, tmp_path):
    adapters = train(small_study, tmp_path)
    tuned = score(small_study, tmp_path / "tuned.parquet", adapters=adapters, method="small/tuned")
    swapped = score(small_study, tmp_path / "swapped.parquet", adapters=adapters[::-1], method="small/tuned")
    assert (tuned.option_mass - zero_shot.option_mass[tuned.index]).abs().min() > 1e-6
    assert (tuned.option_mass - swapped.option_mass[tuned.index]).abs().min() > 1e-6


def test_how_scoring_is_batched_does_not_matter(small_study, zero_shot, tmp_path):
    small = score(small_study, tmp_path / "small.parquet", tokens_per_batch=64)
    assert (small.p_Red - zero_shot.p_Red[small.index]).abs().max() < 1e-5


def test_examples_lengthen_the_prompt(small_study, zero_shot, tmp_path):
    few_shot = score(small_study, tmp_path / "few-shot.parquet", examples=2, method="small/few-shot")
    assert (few_shot.n_tokens > zero_shot.n_tokens[few_shot.index]).all()


def test_what_the_store_has_is_not_scored_again_and_no_base_is_loaded(small_study, tmp_path, monkeypatch):
    adapters = train(small_study, tmp_path)
    first = score(small_study, tmp_path / "first.parquet", adapters, method="small/tuned")
    monkeypatch.setattr("scripts.score_respondents.load_base", not_to_be_loaded)
    again = score(
        small_study, tmp_path / "again.parquet", adapters, method="other/tuned", tokens_per_batch=64
    )
    assert again.drop(columns="method").equals(first.drop(columns="method"))
    assert set(again.method) == {"other/tuned"}
    for change in ({"readout": "first-token"}, {"normalization": "token"}, {"examples": 1}, {"seed": 25}):
        with pytest.raises(AssertionError, match="was loaded"):
            score(small_study, tmp_path / "anew.parquet", adapters, **change)
    with pytest.raises(AssertionError, match="was loaded"):
        score(small_study, tmp_path / "anew.parquet", adapters[::-1])
    monkeypatch.setattr("scripts.score_respondents.SCORING_VERSION", 10**6)
    with pytest.raises(AssertionError, match="was loaded"):
        score(small_study, tmp_path / "anew.parquet", adapters)


def test_a_damaged_adapter_comes_back_from_the_store_or_is_named(small_study, tmp_path):
    adapters = train(small_study, tmp_path)
    key = json.loads((adapters[0] / "training.json").read_text())["key"]
    (adapters[0] / "adapter_model.safetensors").unlink()
    first = score(small_study, tmp_path / "first.parquet", adapters, store=tmp_path / "store")
    assert (adapters[0] / "adapter_model.safetensors").exists()
    shutil.rmtree(tmp_path / "store" / "adapters" / key)
    (adapters[0] / "adapter_model.safetensors").write_bytes(b"cut off")
    with pytest.raises(InputError, match=r"no intact adapter in .*fold-0"):
        score(small_study, tmp_path / "second.parquet", adapters, store=tmp_path / "store")
    assert len(first) and not (tmp_path / "second.parquet").exists()


def test_an_arm_that_the_codebook_has_no_words_for_is_refused(small_study, tmp_path):
    with pytest.raises(InputError, match="has no `persona`"):
        score(small_study, tmp_path / "persona.parquet", arm="persona")


def test_too_many_examples_for_the_context_are_one_line_that_names_the_largest_number_that_fits(
    small_study, tmp_path, monkeypatch
):
    with monkeypatch.context() as patched:
        patched.setattr("stimmung.engine.scoring.score.read_trie", lambda *_: pytest.fail("was scored"))
        with pytest.raises(
            InputError, match=r"with 20 examples a prompt of \d+ tokens .*; at most \d+ fit"
        ) as told:
            score(small_study, tmp_path / "many.parquet", examples=20, arm="few-shot")
    most = int(re.search(r"at most (\d+) fit", told.value.what).group(1))
    assert 0 < most < 20 and not (tmp_path / "many.parquet").exists()
    assert len(score(small_study, tmp_path / "most.parquet", examples=most, arm="few-shot"))
    with pytest.raises(InputError, match=f"with {most + 1} examples"):
        score(small_study, tmp_path / "one-more.parquet", examples=most + 1, arm="few-shot")


def test_another_choice_of_examples_is_another_prompt_and_another_entry_of_the_store(small_study, tmp_path):
    asked = {"examples": 3, "arm": "few-shot", "method": "small/few-shot", "store": tmp_path / "kept"}
    drawn = score(small_study, tmp_path / "drawn.parquet", **asked)
    how = FewShot(choice="nearest", order="redrawn")
    other = score(small_study, tmp_path / "other.parquet", few_shot=how, **asked)
    assert (drawn.p_Red - other.p_Red[drawn.index]).abs().max() > 1e-6


def test_two_targets_are_scored_in_one_pass_as_each_alone_and_found_again_by_target(
    small_study, tmp_path, monkeypatch
):
    items = ("vote", "party")
    views = [View(item=item, others=[one for one in items if one != item], see="items") for item in items]
    asked = {"prompts": [], "splits": [], "views": views}
    for view in views:
        paths = {kind: tmp_path / f"{view.item}-{kind}.parquet" for kind in ("prompts", "splits")}
        words = {"codebook": small_study.codebook, "language": "en", "view": view}
        build_prompts(respondents=small_study.respondents, **words, drop_items=[], prompts=paths["prompts"])
        chosen = {"condition": "full", "exclude": {}, "keep": {}, "complete": [], "same_size_as": None}
        chosen |= {"share": None, "folds": 2, "seed": 0, "other_targets": view.others}
        split_respondents(
            respondents=small_study.respondents, target=view.item, splits=paths["splits"], **chosen
        )
        for kind, path in paths.items():
            asked[kind].append(path)
    monkeypatch.setattr("stimmung.engine.scoring.local_scorer.PROMPTS_AT_ONCE", 50)
    for how in ({"normalization": "pmi"}, {"examples": 2, "arm": "few-shot"}):
        found = score(small_study, tmp_path / "all.parquet", **asked, **how, store=tmp_path / "kept")
        for place, item in enumerate(items):
            own = {key: [tables[place]] for key, tables in asked.items()}
            alone = score(small_study, tmp_path / "one.parquet", **own, **how, store=tmp_path / "alone")
            pd.testing.assert_frame_equal(found[item], alone[item], rtol=0, atol=1e-5)
    # The store has them by target, so that each is found again, alone or with others.
    monkeypatch.setattr("scripts.score_respondents.load_base", not_to_be_loaded)
    for place, item in enumerate(items):
        own = {key: [tables[place]] for key, tables in asked.items()}
        again = score(small_study, tmp_path / "again.parquet", **own, **how, store=tmp_path / "kept")
        assert again[item].equals(found[item])
