import pytest

pytestmark = pytest.mark.usefixtures("benchmarks")


@pytest.mark.slow
def test_every_metric_and_measure_of_ordered_answers_is_tried(monkeypatch):
    import validation_ordered as part

    from stimmung.evaluation.votes.vote_metrics import VOTE_METRICS

    monkeypatch.setattr(part, "CHECKED", 500)
    monkeypatch.setattr(part, "LARGE", 2000)
    rows = part.ordered(0.001, 1)
    of_folds = {(row["way"], row["quantity"]) for row in rows if "quantity" in row}
    ordered = {name for name, one in VOTE_METRICS.items() if one.ordered}
    assert of_folds == {(way, name) for way in part.WAYS for name in ordered}
    of_fidelity = {row["fidelity"] for row in rows if "fidelity" in row}
    assert {"wasserstein", "kolmogorov_smirnov", "variance_ratio", "slope_ratio"} <= of_fidelity
