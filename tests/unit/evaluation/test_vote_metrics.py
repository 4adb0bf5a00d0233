import math
import subprocess
import sys

import pytest

from stimmung.evaluation.votes.fold_metrics import measure_folds
from stimmung.evaluation.votes.fold_summary import summarize_folds
from stimmung.evaluation.votes.vote_metrics import UNIT, VOTE_METRICS, Metric, metric
from tests.synthetic_votes import make_votes


def test_a_metric_without_a_label_or_a_range_is_an_error_where_it_is_registered():
    before = dict(VOTE_METRICS)
    with pytest.raises(TypeError, match="range"):
        metric("Surprise", higher_is_better=True)
    with pytest.raises(TypeError, match="label"):
        metric(range=UNIT, higher_is_better=True)
    with pytest.raises(ValueError, match="'surprise' has no label"):
        Metric("surprise", " ", UNIT, True, len)
    with pytest.raises(ValueError, match=r"'surprise': no value lies in its range \(1, 0\)"):
        Metric("surprise", "Surprise", (1, 0), True, len)
    with pytest.raises(ValueError, match="two metrics are named 'accuracy'"):
        metric("Accuracy", UNIT, higher_is_better=True)(before["accuracy"].compute)
    assert before == VOTE_METRICS


def test_one_function_is_enough_for_a_metric_to_be_measured_and_summarised_within_its_range(monkeypatch):
    accuracy = VOTE_METRICS["accuracy"].compute
    monkeypatch.setitem(
        VOTE_METRICS, "tens", Metric("tens", "Tens", (0, 10), True, lambda fold: 10 * accuracy(fold))
    )
    predictions, splits = make_votes(n=61)
    table = summarize_folds(measure_folds(predictions, splits))
    tens, ones = (
        table[table["metric"] == name].reset_index(drop=True)[["value", "ci_high"]]
        for name in ("tens", "accuracy")
    )
    assert tens["value"].to_numpy() == pytest.approx(10 * ones["value"].to_numpy())
    assert tens["ci_high"].to_numpy() == pytest.approx(10 * ones["ci_high"].to_numpy())  # not cut at 1


def test_every_metric_of_a_fold_lies_within_its_range_and_has_a_heading():
    predictions, splits = make_votes(n=80)
    table = measure_folds(predictions, splits)
    assert set(table["metric"]) == set(VOTE_METRICS)
    for name, one in VOTE_METRICS.items():
        values = table.loc[table["metric"] == name, "value"].dropna()
        assert values.between(*one.range).all(), name
        assert one.heading.endswith(
            {True: "\u00a0↑", False: "\u00a0↓", None: one.label}[one.higher_is_better]
        )
    assert not math.isfinite(VOTE_METRICS["log_loss"].range[1])


def test_labels_and_ranges_can_be_had_without_the_libraries_that_compute_metrics():
    code = "import sys, stimmung.evaluation.votes.vote_metrics; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"sklearn", "scipy", "statsmodels", "pandas"} & set(loaded.stdout.split()) == set()
