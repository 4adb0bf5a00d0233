import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("benchmarks")


def test_all_designs_draw_from_the_same_people():
    import validation_shares as part

    shares = []
    for design in (
        part.Design("", 1, 40_000, 1, False),
        part.Design("", 8, 2000, 3),
        part.Design("", 1, 8000, 5),
    ):
        _, predictions = part.draw_sample(design, np.random.default_rng(1))
        shares.append(predictions.groupby("target")["weight"].sum() / predictions["weight"].sum())
    for one in shares[1:]:
        assert one.to_numpy() == pytest.approx(shares[0].to_numpy(), abs=0.015)
    assert predictions.groupby("target")["weight"].mean().std() > 0.05, "weights matter"


def test_clusters_make_intervals_longer_and_bins_are_left_to_samples_without():
    import validation_shares as part

    width, kinds = {}, {}
    for name in ("weights", "few clusters"):
        rows = part.intervals(*part.draw_sample(part.DESIGNS[name], np.random.default_rng(2)))
        kinds[name] = {row["quantity"].split(":")[0] for row in rows}
        width[name] = {row["quantity"]: row["high"] - row["low"] for row in rows}
    assert kinds["weights"] - kinds["few clusters"] == {"accuracy of a bin", "share of a bin"}
    for option in part.OPTIONS:
        for kind in ("sampling design", "beside the predicted"):
            quantity = f"share, {kind}: {option}"
            assert width["few clusters"][quantity] > 1.3 * width["weights"][quantity]
