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
SURVEY = "results/surveys/voters"
VIEW = f"{SURVEY}/targets"


def codebook():
    """The voters' codebook with another item, whose answers some did not give; the vote gives the party away."""
    content = copy.deepcopy(CODEBOOK)
    content["items"]["trust"] = {"column": "TRUST", "wording": "Trust", "scale": "numeric", "range": [1, 3]}
    content |= {"instruction": "Answer as this voter would.", "question": "{wording} ({options}):"}
    return content | {"gives_away": {"party": ["vote"]}}


def voters(n=60):
    rng = np.random.default_rng(5)
    party = rng.integers(1, 4, n)
    table = {"id": [f"v{row}" for row in range(n)], "PARTY": party, "AGE": rng.integers(18, 90, n)}
    vote = 1.0 + (party + rng.normal(scale=0.8, size=n) > 2)
    table["VOTE"] = np.where(np.arange(n) % 7, vote, np.nan)
    table["TRUST"] = np.where(np.arange(n) % 5, np.clip(party + rng.integers(-1, 2, n), 1, 3), np.nan)
    return pd.DataFrame(table).to_csv(index=False, float_format="%.0f")


@pytest.fixture
def several(tmp_path, base_model):
    workspace = Workspace.begin(tmp_path / "several", base_model)
    workspace.save_codebook(codebook())
    (workspace.folder / "voters.csv").write_text(voters())
    workspace.config["surveys"]["voters"] |= {"targets": TARGETS, "conditions": {"full": {}}}
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


def test_shares_that_do_not_sum_to_1_are_one_line_with_group_and_item(grouped):
    path = grouped.folder / "given.csv"
    path.write_text(path.read_text().replace("g2,2,vote,2,0.5", "g2,2,vote,2,0.4"))
    ended = grouped.run("results/surveys/given/distributions.parquet")
    assert ended.code != 0 and not (grouped.folder / "results/surveys/given/groups.parquet").exists()
    assert len(ended.errors) == 1
    assert "the shares of item 'vote' in group 'g2' sum to 0.9 instead of 1" in ended.errors[0]


def test_a_survey_of_three_targets_trains_once_and_is_evaluated_for_each(several):
    ended = several.run("--dry-run")
    assert ended.code == 0, ended.terminal
    counts = dict(re.findall(r"^(\w+) +(\d+)$", ended.terminal, re.M))
    for rule in ("read_survey", "train_fold_adapters", "score_respondents", "compare_targets"):
        assert counts[rule] == "1", rule
    for rule in ("split_respondents", "build_prompts", "evaluate_votes", "impute_answers"):
        assert counts[rule] == "3", rule
    (evaluated,) = re.findall(
        rf"input: (.*{VIEW}/vote/splits/full.parquet.*respondents.parquet)", ended.terminal
    )
    assert f"{SURVEY}/predictions/small/tuned/full/seed-24.parquet" in evaluated
    assert f"{VIEW}/vote/predictions/baselines/majority/full/seed-24.parquet" in evaluated
    (trained,) = re.findall(r"^rule train_fold_adapters:\n    input: (.*)", ended.terminal, re.M)
    assert all(f"{VIEW}/{item}/prompts/full.parquet" in trained for item in TARGETS)


@pytest.mark.slow
def test_three_targets_are_predicted_in_the_same_folds_by_the_same_adapters(several):
    table = "results/surveys/voters/tables/targets.csv"
    ended = several.run(table)
    assert ended.code == 0, ended.terminal
    folds = {}
    for item in TARGETS:
        (path,) = (several.folder / SURVEY / "predictions/small").rglob("*.parquet")
        predictions = read_predictions(path, item).set_index("respondent_id")
        assert predictions.filter(like="p_").shape[1] == (2 if item == "vote" else 3)
        folds[item] = predictions.fold[predictions.fold >= 0]
    shared = folds["vote"].index.intersection(folds["trust"].index)
    assert folds["vote"][shared].equals(folds["trust"][shared]) and len(folds["vote"]) < len(folds["party"])
    prompt = pd.read_parquet(several.folder / VIEW / "party/prompts/full.parquet").text[1]
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
