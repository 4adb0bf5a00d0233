"""A survey of three targets, from its file to the table of all of them."""

import copy
import re

import numpy as np
import pandas as pd
import pytest
import yaml

from stimmung.vocabulary.predictions_by_target import read_predictions
from tests.workflow.workspace import CODEBOOK, Workspace

TARGETS = ["party", "vote", "trust"]
YEARS = [2001, 2002, 2003]
# Each target is tested under one of two conditions: a wave of one is left out, and nobody was asked for the others.
CONDITIONS = {
    "gap": {"not_asked": ["trust"], "left_out": {"year": ["2002"]}},
    "never": {"not_asked": ["vote", "party"]},
}
TESTED = {"party": "never", "vote": "never", "trust": "gap"}
SURVEY = "results/surveys/voters"
VIEW = f"{SURVEY}/targets"


def codebook():
    """The voters' codebook with another item, whose answers some did not give; the vote gives the party away."""
    content = copy.deepcopy(CODEBOOK)
    content["items"]["trust"] = {"column": "TRUST", "wording": "Trust", "scale": "numeric", "range": [1, 3]}
    content["items"]["media"] = {
        "wording": "News from",
        "select_all": [{"column": "TV", "label": "tv"}, {"column": "WEB", "label": "web"}],
        "none": {"column": "NO_NEWS"},
    }
    waves = [{"code": year, "label": f"{year}"} for year in YEARS]
    content["items"]["year"] = {"column": "YEAR", "wording": "Year", "scale": "ordinal", "options": waves}
    content |= {"instruction": "Answer as this voter would.", "question": "{wording} ({options}):"}
    return content | {"gives_away": {"party": ["vote"]}}


def voters(n=60):
    rng = np.random.default_rng(5)
    party = rng.integers(1, 4, n)
    table = {"id": [f"v{row}" for row in range(n)], "PARTY": party, "AGE": rng.integers(18, 90, n)}
    vote = 1.0 + (party + rng.normal(scale=0.8, size=n) > 2)
    table["VOTE"] = np.where(np.arange(n) % 7, vote, np.nan)
    table["YEAR"] = np.array(YEARS)[np.arange(n) % 3]
    table["TRUST"] = np.where(np.arange(n) % 5, np.clip(party + rng.integers(-1, 2, n), 1, 3), np.nan)
    table["TV"], table["WEB"] = (rng.integers(0, 2, n) for _ in range(2))
    table["NO_NEWS"] = 1 - np.maximum(table["TV"], table["WEB"])
    return pd.DataFrame(table).to_csv(index=False, float_format="%.0f")


@pytest.fixture
def several(tmp_path, base_model):
    workspace = Workspace.begin(tmp_path / "several", base_model)
    workspace.save_codebook(codebook())
    (workspace.folder / "voters.csv").write_text(voters())
    deck = {"arms": ["baselines/hot-deck"], "cells": ["age"], "m": 2}
    workspace.config["surveys"]["voters"] |= {"targets": TARGETS, "conditions": CONDITIONS, "impute": deck}
    workspace.config["run"]["baselines"] = ["majority"]
    workspace.save()
    return workspace


@pytest.fixture
def grouped(several):
    """The same voters as groups, and shares of groups that were given in a file."""
    book = codebook()
    book["items"]["place"] = {
        "column": "PLACE",
        "wording": "Place",
        "options": [{"code": code, "label": label} for code, label in enumerate("abcd")],
    }
    (several.folder / "groups.yaml").write_text(yaml.safe_dump(book, sort_keys=False))
    rows = [row.split(",") for row in voters().splitlines()]
    places = [[*row, "PLACE" if n == 0 else str(n % 4)] for n, row in enumerate(rows)]
    (several.folder / "places.csv").write_text("\n".join(map(",".join, places)) + "\n")
    given = ["group,PLACE,item,option,share,n"]
    given += [f"g{n},{n},vote,{option},0.5,50" for n in range(4) for option in (1, 2)]
    (several.folder / "given.csv").write_text("\n".join(given) + "\n")
    common = {"codebook": "groups.yaml", "arms": ["small/tuned"], "training": "quick", "seeds": [24]}
    several.config["surveys"] = {
        "places": {
            **common,
            "file": "places.csv",
            "targets": ["vote", "trust"],
            "groups": {"by": ["place"], "min_n": 2},
        },
        "given": {**common, "targets": ["vote"], "groups": {"by": ["place"], "shares": "given.csv"}},
    }
    several.config["run"]["surveys"] = ["places", "given"]
    several.save()
    return several


def test_groups_are_planned_to_the_report_and_given_shares_need_no_respondents(grouped):
    ended = grouped.run("--dry-run")
    assert ended.code == 0, ended.terminal
    counts = dict(re.findall(r"^(\w+) +(\d+)$", ended.terminal, re.M))
    assert counts["read_survey"] == counts["form_groups"] == counts["read_shares"] == "1"
    for rule in ("train_group_adapters", "score_groups", "predict_group_baselines", "compare_groups"):
        assert counts[rule] == "2", rule
    assert not counts.keys() & {"split_respondents", "train_fold_adapters", "evaluate_votes"}


def test_shares_that_do_not_sum_to_1_are_one_line_and_mended_ones_run_to_the_report(grouped):
    path = grouped.folder / "given.csv"
    right = path.read_text()
    path.write_text(right.replace("g2,2,vote,2,0.5", "g2,2,vote,2,0.4"))
    grouped.config["run"]["surveys"] = ["given"]
    grouped.save()
    ended = grouped.run()
    assert ended.code != 0 and not (grouped.folder / "results/surveys/given/groups.parquet").exists()
    assert len(ended.errors) == 1
    assert "the shares of item 'vote' in group 'g2' sum to 0.9 instead of 1" in ended.errors[0]
    path.write_text(right)
    ended = grouped.run()
    assert ended.code == 0, ended.terminal
    page = (grouped.folder / "results/report.html").read_text(encoding="utf-8")
    assert "4 groups, made by place" in page and "mean-of-other-groups" in page and "small/tuned" in page
    assert not (grouped.folder / "results/surveys/given/respondents.parquet").exists()


def test_a_survey_of_three_targets_trains_once_and_is_evaluated_for_each(several):
    ended = several.run("--dry-run")
    assert ended.code == 0, ended.terminal
    counts = dict(re.findall(r"^(\w+) +(\d+)$", ended.terminal, re.M))
    assert counts["read_survey"] == counts["compare_targets"] == "1"
    # Adapters are of all targets; each is split for every condition that they learn under, and scored where it is tested.
    numbers = {"train_fold_adapters": 2, "split_respondents": 6, "score_respondents": 2, "evaluate_votes": 3}
    # Prompts of other targets are without what a condition hides.
    numbers |= {
        "build_prompts": 6,
        "predict_baselines": 1,
        "predict_left_out": 2,
        "impute_answers": 3,
        "stack_answers": 1,
    }
    assert {rule: int(counts[rule]) for rule in numbers} == numbers
    (evaluated,) = re.findall(
        rf"input: (.*{VIEW}/trust/splits/gap.parquet.*respondents.parquet)", ended.terminal
    )
    assert f"{SURVEY}/predictions/small/tuned/gap/seed-24.parquet" in evaluated
    assert f"{VIEW}/trust/predictions/baselines/trend/gap/seed-24.parquet" in evaluated
    trained = re.findall(r"^rule train_fold_adapters:\n    input: (.*)", ended.terminal, re.M)
    for one, condition in zip(sorted(trained), CONDITIONS, strict=True):
        assert all(f"{VIEW}/{item}/prompts/{condition}.parquet" in one for item in TARGETS)


def test_each_option_of_a_select_all_target_is_one_and_a_job_puts_them_together(several):
    several.config["surveys"]["voters"] |= {
        "targets": ["media", "trust"],
        "conditions": {"full": {}},
        "impute": None,
    }
    several.save()
    ended = several.run("--dry-run")
    assert ended.code == 0, ended.terminal
    counts = dict(re.findall(r"^(\w+) +(\d+)$", ended.terminal, re.M))
    assert counts["combine_options"] == counts["train_fold_adapters"] == counts["score_respondents"] == "1"
    assert counts["split_respondents"] == counts["evaluate_votes"] == "3"
    (combined,) = re.findall(r"^rule combine_options:\n    input: (.*)", ended.terminal, re.M)
    for option in ("tv", "web"):
        assert f"{VIEW}/media.{option}/predictions/baselines/majority/full/seed-24.parquet" in combined
    assert f"{SURVEY}/predictions/small/tuned/full/seed-24.parquet" in combined


@pytest.mark.slow
def test_three_targets_are_predicted_in_the_same_folds_by_the_same_adapters(several):
    table, left_out = "results/surveys/voters/tables/targets.csv", f"{VIEW}/trust/tables/left_out_shares.csv"
    ended = several.run(table, left_out)
    assert ended.code == 0, ended.terminal
    assert set(pd.read_csv(several.folder / left_out).answer) == {2002}
    folds = {}
    for item in TARGETS:
        path = several.folder / SURVEY / f"predictions/small/tuned/{TESTED[item]}/seed-24.parquet"
        predictions = read_predictions(path, item).set_index("respondent_id")
        assert predictions.filter(like="p_").shape[1] == (2 if item == "vote" else 3)
        folds[item] = predictions.fold[predictions.fold >= 0]
    # Imputed are who did not answer and who was left out; there is nothing to draw from where nobody was asked.
    (path,) = (several.folder / VIEW).rglob("imputed/draws/**/*.parquet")
    assert path.is_relative_to(several.folder / VIEW / "trust") and path.stem == "gap"
    imputed = {f"v{row}" for row in range(60) if row % 5 == 0 or YEARS[row % 3] == 2002}
    assert set(pd.read_parquet(path).respondent_id) == imputed
    shared = folds["vote"].index.intersection(folds["trust"].index)
    assert folds["vote"][shared].equals(folds["trust"][shared]) and len(folds["vote"]) < len(folds["party"])
    prompt = pd.read_parquet(several.folder / VIEW / "party/prompts/never.parquet").text[1]
    assert prompt.count("News from") == 1
    assert "Vote:" not in prompt and "Trust:" in prompt and prompt.endswith("Party (red, none, blue):")
    assert list(pd.read_csv(several.folder / table).target.unique()) == TARGETS
    # Ordered and numeric targets are scored as such.
    metrics = {
        item: set(pd.read_parquet(several.folder / VIEW / item / "metrics.parquet").metric)
        for item in TARGETS
    }
    assert (
        metrics["trust"]
        == metrics["party"]
        >= metrics["vote"] | {"ranked_probability_score", "mean_absolute_error"}
    )

    # Neither the wave of one target nor the other two, which nobody was asked, are shown in a prompt of another target.
    prompts = {
        item: pd.read_parquet(several.folder / VIEW / f"{item}/prompts/{condition}.parquet").text
        for item, condition in (("party", "gap"), ("trust", "never"))
    }
    of_gap = prompts["party"].str.contains("Year: 2002")
    assert 0 < of_gap.sum() < 60 and not prompts["party"][of_gap].str.contains("Trust:").any()
    assert prompts["party"][~of_gap].str.contains("Trust:").any()
    assert not prompts["trust"].str.contains("Vote:|Party:").any()
    shares = pd.read_parquet(several.folder / VIEW / "trust/left_out_shares.parquet")
    waves = {f"baselines/{one}" for one in ("majority", "trend", "last-value")}
    assert set(shares.method) == {"small/tuned", *waves} and set(shares.answer) == {"2002"}
    tested = pd.read_csv(several.folder / table).groupby("target")[["condition", "n_respondents"]].agg(set)
    assert dict(tested.condition) == {item: {condition} for item, condition in TESTED.items()}
    assert dict(tested.n_respondents) == {"party": {60}, "vote": {51}, "trust": {16}}
