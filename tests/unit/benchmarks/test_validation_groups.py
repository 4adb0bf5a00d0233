import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("benchmarks")


@pytest.mark.slow
def test_intervals_of_distances_hold_where_models_learn_from_few_groups(monkeypatch):
    import validation_groups as part

    from stimmung.evaluation.votes import group_distances

    monkeypatch.setattr(part, "N_GROUPS", (10,))
    monkeypatch.setattr(group_distances, "N_DRAWS", 2)  # the noise has no interval
    rows = part.groups(0.4, 1)
    learned = [row["coverage"] for row in rows if "tuned" in row["method"]]
    assert len(learned) == 2 * 2 * 8, (
        "two models, value and difference, of three distances and of items that have them"
    )
    assert np.min(learned) > 0.9
