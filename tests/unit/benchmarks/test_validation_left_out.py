import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("benchmarks")


@pytest.mark.slow
def test_the_truth_of_a_wave_that_is_left_out_is_that_of_its_people(monkeypatch):
    import validation_left_out as part

    monkeypatch.setattr(part, "CHECKED", 4000)
    rows = part.left_out(0.001, 1)
    truth = {
        (row["method"], row["setting"], row["quantity"]): row["truth"]
        for row in rows
        if row["way"] != "high education"
    }
    table = part.draw_waves(60_000, np.random.default_rng(5))
    of_waves = table.groupby("wave", observed=True)["vote"].value_counts(normalize=True)
    for option in part.OPTIONS:
        share = truth["observed", "without 2021", f"observed_share of {option}"]
        assert share == pytest.approx(of_waves["2021", option], abs=0.015)
        # A fixed model is wrong by what it says less what the wave's people do.
        said, error = (
            truth["model/zero-shot", "without 2021", f"{one} of {option}"]
            for one in ("predicted_share", "share_error")
        )
        assert said - error == pytest.approx(share, abs=0.03)
    swing = of_waves["2021", "red list"] - of_waves["2013", "red list"]
    assert swing < -0.08, "the wave differs from those that are learned from"
    assert {"without blue − baselines/logistic, full", "without 2021"} <= {row["setting"] for row in rows}
