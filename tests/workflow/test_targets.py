"""A survey of three targets, from its file to the table of all of them."""

import copy
import re

import numpy as np
import pandas as pd
import pytest

from tests.workflow.workspace import CODEBOOK, Workspace

TARGETS = ["party", "vote", "trust"]
YEARS = [2001, 2002, 2003]
# Each target is tested under one of two conditions: a wave of one is left out, and nobody was asked for the others.
CONDITIONS = {
    "gap": {"not_asked": ["trust"], "left_out": {"year": ["2002"]}},
    "never": {"not_asked": ["vote", "party"]},
}
TESTED = {"party": "never", "vote": "never", "trust": "gap"}
VIEW = "results/surveys/voters/targets"


def codebook():
    """The voters' codebook with another item, whose answers some did not give; the vote gives the party away."""
    content = copy.deepcopy(CODEBOOK)
    options = [{"code": code, "label": label} for code, label in enumerate(("low", "middle", "high"), 1)]
    content["items"]["trust"] = {
        "column": "TRUST",
        "wording": "Trust",
        "scale": "ordinal",
        "options": options,
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
    return pd.DataFrame(table).to_csv(index=False, float_format="%.0f")


@pytest.fixture
def several(tmp_path, base_model):
    workspace = Workspace.begin(tmp_path / "several", base_model)
    workspace.save_codebook(codebook())
    (workspace.folder / "voters.csv").write_text(voters())
    workspace.config["surveys"]["voters"] |= {"targets": TARGETS, "conditions": CONDITIONS}
    workspace.config["run"]["baselines"] = ["majority"]
    workspace.save()
    return workspace


def test_a_survey_of_three_targets_trains_once_and_is_evaluated_for_each(several):
    ended = several.run("--dry-run")
    assert ended.code == 0, ended.terminal
    counts = dict(re.findall(r"^(\w+) +(\d+)$", ended.terminal, re.M))
    assert counts["read_survey"] == counts["compare_targets"] == "1"
    # Adapters are of all targets; each is split for every condition that they learn under, and scored where it is tested.
    numbers = {"train_fold_adapters": 2, "split_respondents": 6, "score_respondents": 3, "evaluate_votes": 3}
    # Prompts of other targets are without what a condition hides.
    numbers |= {"build_prompts": 6, "predict_baselines": 1, "predict_left_out": 2, "impute_answers": 3}
    assert {rule: int(counts[rule]) for rule in numbers} == numbers
    trained = re.findall(r"^rule train_fold_adapters:\n    input: (.*)", ended.terminal, re.M)
    for one, condition in zip(sorted(trained), CONDITIONS, strict=True):
        assert all(f"{VIEW}/{item}/prompts/{condition}.parquet" in one for item in TARGETS)


@pytest.mark.slow
def test_three_targets_are_predicted_in_the_same_folds_by_the_same_adapters(several):
    table = "results/surveys/voters/tables/targets.csv"
    ended = several.run(table)
    assert ended.code == 0, ended.terminal
    folds = {}
    for item in TARGETS:
        (path,) = (several.folder / VIEW / item / "predictions/small").rglob("*.parquet")
        predictions = pd.read_parquet(path).set_index("respondent_id")
        assert predictions.filter(like="p_").shape[1] == (2 if item == "vote" else 3)
        folds[item] = predictions.fold[predictions.fold >= 0]
    shared = folds["vote"].index.intersection(folds["trust"].index)
    assert folds["vote"][shared].equals(folds["trust"][shared]) and len(folds["vote"]) < len(folds["party"])
    prompt = pd.read_parquet(several.folder / VIEW / "party/prompts/never.parquet").text[1]
    assert "Vote:" not in prompt and "Trust:" in prompt and prompt.endswith("Party (red, none, blue):")
    assert list(pd.read_csv(several.folder / table).target.unique()) == TARGETS
    # An ordered target is scored as one.
    metrics = {
        item: set(pd.read_parquet(several.folder / VIEW / item / "metrics.parquet").metric)
        for item in TARGETS
    }
    assert metrics["trust"] - metrics["vote"] >= {"ranked_probability_score", "weighted_kappa"}

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
