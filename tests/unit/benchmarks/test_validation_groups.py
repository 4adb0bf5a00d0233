import pytest

pytestmark = pytest.mark.usefixtures("benchmarks")


@pytest.mark.slow
def test_every_distance_is_tried_with_what_learns_and_what_does_not(monkeypatch):
    import validation_groups as part

    from stimmung.evaluation.votes import group_distances

    monkeypatch.setattr(part, "N_GROUPS", (10,))
    monkeypatch.setattr(group_distances, "N_DRAWS", 2)  # the noise has no interval
    rows = part.groups(0.05, 1)
    found = {(row["method"], row["kind"], row["metric"]) for row in rows}
    assert {metric for *_, metric in found} == set(group_distances.DISTANCES)
    for method in ("steady/tuned", "unsteady/tuned", "model/zero-shot"):
        assert {kind for name, kind, _ in found if name == method} == {"value", "difference"}
    assert all(row["coverage"] >= 0.7 and row["n"] == 10 for row in rows)


def test_a_model_does_not_learn_from_the_groups_that_it_is_tested_on():
    import numpy as np
    import validation_groups as part

    _, shares, traits = part.draw_groups(10, np.random.default_rng(1))
    folds = (np.arange(10) % 5).astype("int8")
    said = []
    for moved in (0.0, 0.3):
        first = (shares["group"] == "g000") & shares["option"].isin(
            [options[0] for options in part.OPTIONS.values()]
        )
        changed = shares.assign(share=shares["share"] + moved * first)
        table = part.predict_models(changed, traits, folds, np.random.default_rng(2))
        said.append(
            table[table["method"] == "steady/tuned"].set_index(["group", "item", "option"])["predicted"]
        )
    differs = (said[0] != said[1]).groupby("group").any()
    assert differs.index[~differs].tolist() == [
        f"g{place:03d}" for place in np.flatnonzero(folds == folds[0])
    ]
