from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stimmung.evaluation.votes.wide_fidelity import compare_correlations, compare_items
from stimmung.vocabulary.errors import InputError

ESS = Path(__file__).parents[4] / "shared" / "data" / "ess11-de"
# Lowest and highest valid code; higher ones are refusals and the like.
ZERO_TO_TEN = [
    *("rlgdgr", "lrscale", "trstprl", "trstlgl", "trstplt", "trstprt", "trstplc", "trstep", "stfdem"),
    *("stfgov", "ppltrst", "pplfair", "pplhlp", "imbgeco", "imueclt", "imwbcnt", "happy", "stflife"),
]
SCALES = {
    **dict.fromkeys(ZERO_TO_TEN, (0, 10)),
    **{"health": (1, 5), "sclmeet": (1, 7), "polintr": (1, 4)},
    **{"imdfetn": (1, 4), "impcntr": (1, 4), "gincdif": (1, 5)},
}


def ess():
    if not ESS.is_dir():
        pytest.skip(f"{ESS} is not there")
    observed = pd.read_csv(ESS / "ess11_de.csv", index_col="unique_id")[list(SCALES)]
    predicted = pd.read_csv(ESS / "gpt-5-nano_predictions.csv", index_col="unique_id")
    lowest, highest = (pd.Series(ends, index=list(SCALES)) for ends in zip(*SCALES.values(), strict=True))
    valid = observed.ge(lowest, axis=1) & observed.le(highest, axis=1)
    return observed.where(valid), predicted[[f"pred_{item}" for item in SCALES]].set_axis(
        list(SCALES), axis=1
    )


def test_figures_of_a_language_model_on_the_european_social_survey_are_reproduced():
    observed, predicted = ess()
    items = compare_items(observed, predicted, n_resamples=20)
    ratios = items[items["measure"] == "variance_ratio"]["value"]
    assert len(ratios) == 24
    assert (ratios.min(), ratios.max(), ratios.mean()) == pytest.approx((0.22, 1.33, 0.885), abs=0.005)
    together = compare_correlations(observed, predicted, n_resamples=20).set_index("measure")["value"]
    assert together["mean_correlation_observed"] == pytest.approx(0.249, abs=0.001)
    assert together["mean_correlation_predicted"] == pytest.approx(0.322, abs=0.001)
    assert together["correlation_of_correlations"] == pytest.approx(0.94, abs=0.005)


def correlated(n, rng):
    """Return four items of which the first two hang together, and the third against them."""
    trait = rng.normal(size=n)
    loadings = np.array([1.0, 0.8, -0.8, 0.0])
    answers = np.clip(np.round(trait[:, None] * loadings + rng.normal(size=(n, 4)) + 3), 1, 5)
    return pd.DataFrame(answers, columns=list("abcd"))


def test_answers_of_other_people_of_the_same_kind_are_ideal_and_turned_items_are_not():
    rng = np.random.default_rng(2)
    observed, predicted = correlated(800, rng), correlated(800, rng)
    together = compare_correlations(observed, predicted).set_index("measure")
    assert together.loc["correlation_of_correlations", "ci_high"] > 0.99
    turned = compare_correlations(observed, predicted.assign(c=6 - predicted["c"])).set_index("measure")
    assert turned.loc["correlation_of_correlations", "ci_high"] < 0.8
    items = compare_items(observed, predicted).set_index(["item", "measure"])
    for item in "abcd":
        assert (
            items["ci_low"][item, "variance_ratio"] < 1.05 and items["ci_high"][item, "variance_ratio"] > 0.95
        )
    squeezed = compare_items(observed, 3 + (predicted - 3) / 2).set_index(["item", "measure"])
    assert squeezed["value"]["a", "variance_ratio"] == pytest.approx(
        items["value"]["a", "variance_ratio"] / 4
    )
    assert squeezed["ci_high"]["a", "variance_ratio"] < 0.4


def test_only_who_has_answer_and_prediction_counts_and_other_tables_are_refused():
    rng = np.random.default_rng(3)
    observed, predicted = correlated(50, rng), correlated(50, rng)
    observed.loc[:9, "a"] = np.nan
    predicted.loc[40:, "b"] = np.nan
    n = compare_items(observed, predicted, n_resamples=10).groupby("item")["n_respondents"].first()
    assert n.to_dict() == {"a": 40, "b": 40, "c": 50, "d": 50}
    assert set(compare_correlations(observed, predicted, n_resamples=10)["n_respondents"]) == {30}
    with pytest.raises(InputError, match="do not have the same items and respondents"):
        compare_items(observed, predicted[::-1])
    with pytest.raises(InputError, match="need three items"):
        compare_correlations(observed[["a", "b"]], predicted[["a", "b"]])
