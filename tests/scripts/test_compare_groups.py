"""A survey of groups, from its respondents to its table: the scripts in the order of the rules."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from scripts.compare_groups import compare_groups
from scripts.form_groups import form_groups
from scripts.predict_group_baselines import predict_group_baselines
from scripts.score_groups import score_groups
from scripts.train_group_adapters import train_group_adapters
from stimmung.report.group_results import GroupTables
from stimmung.report.groups_section import groups_section
from stimmung.vocabulary.group_schemas import DISTRIBUTIONS, GROUP_PREDICTIONS, GROUP_SHARES, GROUPS
from stimmung.vocabulary.groups import Groups
from stimmung.vocabulary.pace import Pace
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.scoring import Scoring
from stimmung.vocabulary.votes_schemas import RESPONDENTS
from tests.scripts.test_train_fold_adapters import TRAINING, WEIGHTS

BY, TARGETS = ["region", "sex"], ["vote", "party"]


@pytest.fixture(scope="module")
def made(small_study, tmp_path_factory):
    """Six groups of the made-up survey, whose codebook has two more items, tuned, read and compared."""
    import yaml

    folder = tmp_path_factory.mktemp("groups")
    found = SimpleNamespace(folder=folder, codebook=folder / "voters.yaml")
    content = yaml.safe_load(small_study.codebook.read_text())
    for name, labels in (("region", ("North", "South", "West")), ("sex", ("woman", "man"))):
        options = [{"code": code, "label": label} for code, label in enumerate(labels)]
        content["items"][name] = {"column": name, "wording": name.capitalize(), "options": options}
    found.codebook.write_text(yaml.safe_dump(content, sort_keys=False))
    people = read_table(small_study.respondents, RESPONDENTS)
    place = np.arange(len(people))
    people["region"] = pd.Categorical.from_codes(place % 3, ["North", "South", "West"])
    people["sex"] = pd.Categorical.from_codes(place % 2, ["woman", "man"])
    found.respondents = folder / "respondents.parquet"
    write_table(people, found.respondents, RESPONDENTS)
    found.tables = {"groups": folder / "groups.parquet", "shares": folder / "shares.parquet"}
    words = {"codebook": found.codebook, "targets": TARGETS, "language": "en"}
    settings = Groups.model_validate({"by": BY, "min_n": 2})
    form_groups(respondents=found.respondents, **words, **found.tables, settings=settings, folds=2, seed=1)
    found.adapters = [folder / f"adapters/fold-{fold}" / WEIGHTS for fold in range(2)]
    asked = {**found.tables, **words, "base": small_study.base / "model.json", "by": BY, "seed": 24}
    train_group_adapters(
        **asked,
        adapters=found.adapters,
        chat=False,
        training=TRAINING,
        pace=Pace(cohort="sequential"),
        store=folder / "store",
        threads=1,
    )
    found.predictions = {name: folder / f"{name}.parquet" for name in ("tuned", "zero-shot", "baselines")}

    def score(arm, adapters, predictions):
        score_groups(
            **asked,
            adapters=adapters,
            predictions=predictions,
            method=f"small/{arm}",
            chat=False,
            scoring=Scoring.model_validate({}),
            tokens_per_batch=4096,
            threads=1,
        )

    score("tuned", found.adapters, found.predictions["tuned"])
    score("zero-shot", [], found.predictions["zero-shot"])
    found.score = score
    baselines = found.predictions["baselines"]
    predict_group_baselines(**found.tables, predictions=baselines, by=BY, seed=24)
    found.files = {
        "results": [folder / "distributions.parquet"],
        "tables": [folder / "distributions.csv", folder / "distributions.tex"],
        "figures": [folder / "distributions.svg"],
    }
    compare_groups(
        predictions=list(found.predictions.values()),
        shares=found.tables["shares"],
        **found.files,
        option_values={"party": [0, 1, 2]},
        seed=24,
        simulated=True,
    )
    return found


def test_one_adapter_a_fold_learns_all_items_of_the_groups_of_the_other_folds(made):
    groups, shares = (
        read_table(made.tables["groups"], GROUPS),
        read_table(made.tables["shares"], GROUP_SHARES),
    )
    assert len(groups) == 6 and set(shares["item"]) == set(TARGETS)
    for fold, weights in enumerate(made.adapters):
        learned = shares["group"].isin(groups["group"][groups["fold"] != fold]) & (shares["share"] > 0)
        record = json.loads((weights.parent / "training.json").read_text())
        assert record["n_rows"] == learned.sum()


def test_every_group_is_predicted_by_the_adapter_that_did_not_learn_it(made):
    shares = read_table(made.tables["shares"], GROUP_SHARES)
    fold_of = read_table(made.tables["groups"], GROUPS).set_index("group")["fold"]
    tuned, untuned = (read_table(made.predictions[arm], GROUP_PREDICTIONS) for arm in ("tuned", "zero-shot"))
    keys = ["group", "item", "option"]
    for table in (tuned, untuned):
        assert table[keys].sort_values(keys).to_numpy().tolist() == (
            shares[keys].sort_values(keys).to_numpy().tolist()
        )
        assert (fold_of[table["group"]].to_numpy() == table["fold"]).all()
        assert table.groupby(["group", "item"])["predicted"].sum().to_numpy() == pytest.approx(1)
    assert not np.allclose(tuned["predicted"], untuned["predicted"], atol=1e-4)


def test_each_fold_has_its_own_adapter(made, tmp_path):
    made.score("tuned", made.adapters[1:] * 2, tmp_path / "second.parquet")
    as_is, second = (
        read_table(path, GROUP_PREDICTIONS)
        for path in (made.predictions["tuned"], tmp_path / "second.parquet")
    )
    same = np.isclose(as_is["predicted"], second["predicted"], atol=1e-6)
    assert (same == (as_is["fold"] == 1)).all()


def test_the_table_has_each_method_and_item_and_says_that_nobody_was_asked(made):
    stored = read_table(made.files["results"][0], DISTRIBUTIONS)
    assert set(stored["method"]) == {
        *("small/tuned", "small/zero-shot"),
        *("baselines/uniform", "baselines/mean-of-other-groups", "baselines/multilevel"),
    }
    assert list(stored["item"].unique()) == ["(all)", *TARGETS]
    assert set(stored["item"][stored["metric"] == "wasserstein"]) == {"(all)", "party"}, (
        "of ordered items only"
    )
    csv, latex = (path.read_text() for path in made.files["tables"])
    assert len(pd.read_csv(made.files["tables"][0])) == len(stored) and "simulated" in csv
    assert "Simulated data." in latex and "sampling noise" in latex
    assert "simulated data" in made.files["figures"][0].read_text()


def test_the_chapter_says_what_a_group_is_and_that_none_was_learned_by_who_is_tested_on_it(made):
    frames = {"distributions": read_table(made.files["results"][0], DISTRIBUTIONS)}
    survey = {"groups": {"by": BY, "min_n": 2, "shares": None}, "arms": ["small/tuned"], "training": None}
    run = {"config": {"surveys": {"g": survey}, "folds": 2}, "surveys": {"g": {"title": "Voters"}}}
    tables = GroupTables(frames=frames, mark="simulated")
    section = groups_section("g", run, tables, {"distributions": made.files["figures"][0]}, {})
    assert [part.title for part in section.parts] == ["Design", "Predicted and observed shares"]
    assert "6 groups, made by region, sex" in section.parts[0].blocks[0].text
