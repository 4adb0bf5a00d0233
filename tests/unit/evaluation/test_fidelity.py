import numpy as np
import pandas as pd
import pytest

from stimmung.evaluation.votes.fidelity import compare_fidelity
from stimmung.vocabulary.votes_schemas import FIDELITY, FIDELITY_PARTS
from tests.unit.evaluation.test_item_relations import respondents

OPTIONS = ["x", "y", "z"]


def survey(n=1000, seed=1):
    """Return respondents, and predictions of them by methods that are good or bad in a known way."""
    table, answers, true = respondents(n, seed)
    share = np.tile(true.mean(axis=0), (n, 1))
    said = {
        "model/true": true,
        "model/blind": share,
        "model/stereotype": np.eye(3)[true.argmax(axis=1)],
        "model/half": (true + share) / 2,
        "model/answers": answers,
        "model/turned": true[:, [1, 2, 0]],
    }
    runs = [
        pd.DataFrame(
            {
                **{
                    "respondent_id": table["respondent_id"],
                    "method": method,
                    "condition": "full",
                    "seed": 24,
                },
                "fold": (np.arange(n) % 5).astype("int8"),
                **{"target": table["vote"].astype(str), "weight": 1.0},
                **{f"p_{option}": probabilities[:, place] for place, option in enumerate(OPTIONS)},
                **{"option_mass": 1.0, "normalization": "none"},
            }
        )
        for method, probabilities in said.items()
    ]
    return pd.concat(runs, ignore_index=True), table


@pytest.fixture(scope="module")
def compared():
    predictions, table = survey()
    north = list(table["respondent_id"][table["region"] == "north"])
    found = compare_fidelity(predictions, table, "vote", {"north": north})
    FIDELITY.validate(found.measures)
    FIDELITY_PARTS.validate(found.parts)
    return found


def values(found, measure, column="value"):
    return found.measures[found.measures["measure"] == measure].set_index("method")[column]


def test_the_answers_themselves_are_ideal(compared):
    own = compared.measures[compared.measures["method"] == "model/answers"].set_index("measure")["value"]
    ones = ("variance_ratio", "entropy_ratio", "overlap", "association_ratio", "correlation_of_correlations")
    assert own[list(ones)].to_numpy() == pytest.approx(1)
    assert own["total_variation"] == pytest.approx(0) and own["group_error"] == 0
    assert own["slope_ratio"] == pytest.approx(
        1, abs=0.1
    )  # more than 1 by the answers' noise, which is theirs too


def test_what_the_answers_were_drawn_from_is_ideal_within_its_interval(compared):
    own = compared.measures[compared.measures["method"] == "model/true"].set_index("measure")
    for measure, ideal in (
        *(("variance_ratio", 1), ("entropy_ratio", 1), ("total_variation", 0), ("group_error", 0)),
        *(("association_ratio", 1), ("slope_ratio", 1), ("correlation_of_correlations", 1)),
    ):
        low, high = own.loc[measure, ["ci_low", "ci_high"]]
        assert low - 0.02 <= ideal <= high + 0.02, (measure, low, high)


def test_who_knows_only_the_shares_has_them_and_no_relations(compared):
    assert values(compared, "total_variation")["model/blind"] < 0.05
    assert values(compared, "association_ratio")["model/blind"] == pytest.approx(0, abs=1e-6)
    assert values(compared, "slope_ratio")["model/blind"] == pytest.approx(0, abs=1e-9)
    assert np.isnan(values(compared, "correlation_of_correlations")["model/blind"])
    assert (
        values(compared, "group_error", "ci_low")["model/blind"]
        > values(compared, "group_error")["model/true"]
    )


def test_half_the_relations_and_a_stereotype_are_told_apart(compared):
    slopes = values(compared, "slope_ratio")
    assert slopes["model/half"] == pytest.approx(slopes["model/true"] / 2)
    assert values(compared, "slope_ratio", "ci_high")["model/half"] < 1
    assert values(compared, "slope_ratio", "ci_low")["model/stereotype"] > 1
    assert values(compared, "association_ratio", "ci_low")["model/stereotype"] > 1
    # A model that has the strength of relations and gets all of them wrong.
    assert values(compared, "association_ratio")["model/turned"] == pytest.approx(
        values(compared, "association_ratio")["model/true"], abs=0.2
    )
    assert values(compared, "correlation_of_correlations", "ci_high")["model/turned"] < 0


def test_parts_have_each_item_slope_and_subgroup(compared):
    parts = compared.parts[compared.parts["method"] == "model/true"].set_index(["part", "of", "option"])
    assert set(parts.loc["cramers_v"].index.get_level_values("of")) == {"region", "interest", "age"}
    share = parts.loc["share", "north", "x"]
    predictions, table = survey()
    north = (table["region"] == "north").to_numpy()
    assert share["observed"] == pytest.approx((table["vote"] == "x")[north].mean())
    own = predictions[predictions["method"] == "model/true"]
    assert share["predicted"] == pytest.approx(own["p_x"].to_numpy()[north].mean())
    assert share["ci_low"] < share["difference"] < share["ci_high"]


def test_ordered_answers_are_measured_in_steps_of_the_scale():
    predictions, table = survey()
    found = compare_fidelity(predictions, table, "vote", {}, option_values=[0, 1, 2])
    measures = set(found.measures["measure"])
    assert {"wasserstein", "kolmogorov_smirnov"} <= measures and "total_variation" not in measures
    moved = values(found, "wasserstein")
    assert moved["model/answers"] == pytest.approx(0) and moved["model/turned"] < 2
    slopes = found.parts[found.parts["part"] == "slope"]
    assert slopes["option"].isna().all() and len(slopes) == 6 * 4


def test_weights_count_and_a_survey_without_other_items_has_no_relations():
    predictions, table = survey(n=300)
    heavy = predictions.assign(weight=np.where(predictions["target"] == "x", 4.0, 1.0))
    plain, weighted = (compare_fidelity(one, table, "vote", {}) for one in (predictions, heavy))
    assert (
        values(weighted, "total_variation")["model/blind"]
        > values(plain, "total_variation")["model/blind"] + 0.1
    )
    alone = compare_fidelity(predictions, table[["respondent_id", "weight", "vote"]], "vote", {})
    assert alone.parts.empty
    assert values(alone, "association_ratio").isna().all()
    assert values(alone, "variance_ratio").notna().all()


def test_seeds_are_averaged_and_do_not_shorten_an_interval():
    predictions, table = survey(n=300)
    again = pd.concat([predictions, predictions.assign(seed=99)], ignore_index=True)
    one, two = (compare_fidelity(each, table, "vote", {}).measures for each in (predictions, again))
    np.testing.assert_allclose(one["ci_low"], two["ci_low"], atol=1e-9)


@pytest.mark.filterwarnings("error")
def test_odd_surveys_give_measures_or_none_and_no_warning():
    predictions, table = survey(n=300)
    rare = table.assign(region=table["region"].where(np.arange(300) > 297))
    names = pd.Categorical.from_codes(np.arange(300), [f"name {one}" for one in range(300)])
    never = predictions.assign(p_w=0.0)
    for one, about in (
        *((predictions, rare), (predictions, table.assign(age=np.nan)), (never, table)),
        *((predictions.assign(target="x"), table), survey(n=12), (predictions.assign(fold=0), table)),
    ):
        found = compare_fidelity(one, about, "vote", {"nobody": []})
        FIDELITY.validate(found.measures)
        FIDELITY_PARTS.validate(found.parts)
    # A regression with a column for each respondent would fit whatever it is given.
    saturated = compare_fidelity(predictions, table.assign(name=names), "vote", {})
    assert values(saturated, "slope_ratio").isna().all()
    assert "slope" not in set(saturated.parts["part"])
