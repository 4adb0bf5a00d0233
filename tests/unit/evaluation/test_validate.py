"""benchmarks/validate.py, on a budget of seconds."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture(scope="module")
def benchmarks():
    sys.path.insert(0, str(BENCHMARKS))
    import known_truth
    import validate
    import validation_imputation

    yield known_truth, validate, validation_imputation
    sys.path.remove(str(BENCHMARKS))


def test_the_truth_is_that_of_the_surveys_that_are_drawn(benchmarks):
    known_truth, _, validation = benchmarks
    table, answered = known_truth.draw_survey(60_000, "MAR", np.random.default_rng(1))
    rows = validation.complete_cases(table, known_truth.TARGET, "education")
    truth = known_truth.true_values()
    assert {row["quantity"] for row in rows} == set(truth)
    for row in rows:
        assert abs(row["estimate"] - truth[row["quantity"]]) < (row["high"] - row["low"])
    # Those who answer are others, and their shares are not the truth.
    of_those = validation.complete_cases(table[answered], known_truth.TARGET, "education")[0]
    assert not of_those["low"] <= truth[of_those["quantity"]] <= of_those["high"]


def test_missing_not_at_random_depends_on_the_vote_and_at_random_does_not_beyond_the_items(benchmarks):
    known_truth, *_ = benchmarks
    for mechanism, differs in (("MCAR", False), ("MAR", False), ("MNAR", True)):
        table, answered = known_truth.draw_survey(60_000, mechanism, np.random.default_rng(2))
        cell = (table.party == "blue") & (table.education == "middle")
        rates = (
            answered[cell & (table.vote == "blue list")].mean(),
            answered[cell & (table.vote != "blue list")].mean(),
        )
        assert (abs(rates[0] - rates[1]) > 0.2) == differs


def test_the_page_is_made_of_the_parts_with_their_commands_and_versions(benchmarks, tmp_path, monkeypatch):
    _, validate, imputation = benchmarks
    monkeypatch.setattr(validate, "FOLDER", tmp_path / "validation")
    monkeypatch.setattr(imputation, "IMPUTATIONS", 2)
    for part in (validate, imputation):
        monkeypatch.setattr(part, "REPETITIONS", dict.fromkeys(part.REPETITIONS, 2))
    for part in ("imputation", "calibration", "rectification"):
        validate.run_part(part, 1.0, 1)
    validate.write_page(tmp_path / "validation", tmp_path / "VALIDATION.md")
    page = (tmp_path / "VALIDATION.md").read_text(encoding="utf-8")
    for mechanism in ("MCAR", "MAR", "MNAR"):
        assert f"| {mechanism} | ours, bootstrap (well specified) | share |" in page
    assert "--parts imputation --effort 1 --seed 1" in page and "numpy" in page and "at .95" in page
    kept = json.loads((tmp_path / "validation" / "rectification.json").read_text(encoding="utf-8"))["rows"]
    assert kept == json.loads(json.dumps(validate.rectification(1.0, 1)))


def test_the_committed_page_has_every_part(benchmarks):
    _, validate, _ = benchmarks
    page = (BENCHMARKS.parent / "VALIDATION.md").read_text(encoding="utf-8")
    assert [part for part in validate.PARTS if f"--parts {part} " not in page] == []
