import logging

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from stimmung.baselines.tabular import check_grid, predict_baseline
from stimmung.vocabulary.answer_options import MissingReason
from stimmung.vocabulary.errors import InputError

OPTIONS = ["no", "yes", "abstain", "other"]
PREDICTORS = ["interest", "region", "age"]
SMALL = {
    "majority": {},
    "logistic": {"C": [0.1, 1.0]},
    "random-forest": {"n_estimators": [20], "min_samples_leaf": [2, 8]},
    "xgboost": {"n_estimators": [20], "max_depth": [2, 3]},
    "catboost": {"iterations": [20], "depth": [2, 3]},
}
EVERY = pytest.mark.parametrize("name", list(SMALL))


def respondents(n=160, seed=0, missing=0.1):
    """Return made-up respondents whose vote follows interest and region; nobody votes 'other'."""
    rng = np.random.default_rng(seed)
    interest, region = rng.integers(0, 4, n), rng.integers(0, 3, n)
    vote = np.select([interest + rng.normal(0, 0.5, n) > 2, region == 1], [1, 2], 0)
    levels, places = ["<low>", "[some]", "more, much", "most"], ["north", "south", "west [rural]"]
    table = pd.DataFrame(
        {
            "interest": pd.Categorical.from_codes(interest, levels, ordered=True),
            "region": pd.Categorical.from_codes(region, places),
            "age": rng.integers(18, 90, n).astype(float),
            "vote": pd.Categorical.from_codes(vote, OPTIONS),
        }
    )
    absent = rng.random(n) < missing
    table.loc[absent, "age"] = np.nan
    reasons = np.where(absent, rng.choice(["refused", "dont-know"], n), None)
    table["age.missing"] = pd.Categorical(reasons, [reason.value for reason in MissingReason])
    table.loc[rng.random(n) < missing, ["interest", "region"]] = None
    return table


def predict(name, train, test, predictors=PREDICTORS, grid=None, seed=24):
    grid = SMALL[name] if grid is None else grid
    return predict_baseline(name, train, test, predictors, "vote", OPTIONS, grid, 3, seed)


@EVERY
def test_probabilities_sum_to_one_and_an_option_absent_from_training_has_none(name):
    predicted = predict(name, respondents(), respondents(seed=1))
    assert predicted.shape == (160, 4)
    assert (predicted >= 0).all()
    np.testing.assert_allclose(predicted.sum(axis=1), 1, atol=1e-12)
    assert (predicted[:, 3] == 0).all()
    assert (predicted[:, :3].mean(axis=0) > 0.1).all()


@EVERY
def test_a_second_run_gives_the_same_bits(name):
    train, test = respondents(), respondents(seed=1)
    assert predict(name, train, test).tobytes() == predict(name, train, test).tobytes()


@pytest.mark.parametrize("name", [name for name in SMALL if name != "majority"])
def test_what_follows_from_the_items_is_learned(name):
    train, test = respondents(300), respondents(300, seed=1)
    truth = test.vote.cat.codes
    accuracy = (predict(name, train, test).argmax(axis=1) == truth).mean()
    majority = (predict("majority", train, test).argmax(axis=1) == truth).mean()
    assert accuracy > majority + 0.25


@EVERY
def test_test_rows_do_not_change_the_model(name):
    train, test = respondents(), respondents(seed=1)
    alone = predict(name, train, test.iloc[:40])
    np.testing.assert_array_equal(predict(name, train, test)[:40], alone)
    np.testing.assert_array_equal(predict(name, train, test.assign(vote=None))[:40], alone)


def test_majority_predicts_the_shares_of_the_training_rows():
    train = respondents()
    expected = train.vote.value_counts(normalize=True).reindex(OPTIONS)
    np.testing.assert_allclose(predict("majority", train, train.iloc[:1])[0], expected, atol=1e-12)


def test_logistic_is_scikit_learns_on_standardised_ranks_or_indicators():
    train, test = respondents(missing=0), respondents(seed=1, missing=0)

    def expected(ordered):
        matrices = [
            np.column_stack([ordered(rows.interest), pd.get_dummies(rows.region).to_numpy(float), rows.age])
            for rows in (train, test)
        ]
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.5, max_iter=1000))
        return model.fit(matrices[0], train.vote.cat.codes).predict_proba(matrices[1])

    found = predict("logistic", train, test, grid={"C": [0.5]})[:, :3]
    codings = [
        expected(lambda item: item.cat.codes),
        expected(lambda item: pd.get_dummies(item).to_numpy(float)),
    ]
    assert [np.allclose(found, one, atol=1e-6) for one in codings].count(True) == 1


def test_fault_aq_an_answer_in_the_middle_that_differs_from_both_ends_is_learned():
    rng = np.random.default_rng(0)
    rank = rng.integers(0, 5, 600)
    middle = (rank == 2) ^ (rng.random(600) < 0.1)
    levels = ["never", "seldom", "sometimes", "often", "always"]
    table = pd.DataFrame(
        {
            "interest": pd.Categorical.from_codes(rank, levels, ordered=True),
            "rating": rank + 1.0,
            "vote": pd.Categorical(np.where(middle, "yes", "no"), OPTIONS),
        }
    )
    for item in ("interest", "rating"):
        predicted = predict("logistic", table[:400], table[400:], [item])
        assert (predicted.argmax(axis=1) == table.vote[400:].cat.codes).mean() > 0.85


def test_fault_aq_the_inner_cross_validation_says_in_the_log_which_coding_it_chose(caplog):
    with caplog.at_level(logging.INFO):
        predict("logistic", respondents(300), respondents(seed=1))
        predict("logistic", respondents(300), respondents(seed=1), ["region", "age"])
    ordered, without = [one.message for one in caplog.records if one.message.startswith("logistic")]
    assert "ordered items as one column" in ordered and "ordered items" not in without


def test_the_order_of_options_is_that_of_the_codebook_not_the_alphabet():
    train, test = respondents(), respondents(seed=1)
    shuffled = ["yes", "other", "abstain", "no"]
    other = predict_baseline("logistic", train, test, PREDICTORS, "vote", shuffled, {"C": [1.0]}, 3, 24)
    order = [shuffled.index(option) for option in OPTIONS]
    np.testing.assert_allclose(
        other[:, order], predict("logistic", train, test, grid={"C": [1.0]}), atol=1e-4
    )


def test_why_an_answer_is_absent_is_information():
    rng = np.random.default_rng(0)
    refused = rng.random(300) < 0.5
    table = pd.DataFrame(
        {
            "age": np.nan,
            "age.missing": pd.Categorical(np.where(refused, "refused", "filter"), ["refused", "filter"]),
            "vote": pd.Categorical(np.where(refused, "yes", "no"), OPTIONS),
        }
    )
    predicted = predict("logistic", table[:200], table[200:], ["age"])
    assert (predicted.argmax(axis=1) == table.vote[200:].cat.codes).all()


@EVERY
@pytest.mark.parametrize(
    "case", ["one class", "nothing to predict from", "a class with one row", "three rows"]
)
def test_poor_training_rows_still_give_predictions(name, case):
    train, test = respondents(), respondents(seed=1)
    if case == "one class":
        train = train[train.vote == "yes"]
    elif case == "nothing to predict from":
        first = train.iloc[[0] * len(train)][[*PREDICTORS, "age.missing"]].set_index(train.index)
        train = first.assign(vote=train.vote)
    elif case == "a class with one row":
        abstain = train.index[train.vote == "abstain"]
        train = train.drop(index=abstain[1:])
    else:
        train = train.groupby("vote", observed=True).head(1)
    predicted = predict(name, train, test)
    np.testing.assert_allclose(predicted.sum(axis=1), 1, atol=1e-12)
    present = [OPTIONS.index(answer) for answer in train.vote.unique()]
    assert (np.delete(predicted, present, axis=1) == 0).all()
    if case == "one class":
        assert (predicted[:, 1] == 1).all()
    if case == "nothing to predict from":
        np.testing.assert_array_equal(predicted, predict("majority", train, test))


def test_no_predictors_at_all_give_the_majority():
    train = respondents()
    np.testing.assert_array_equal(predict("xgboost", train, train, []), predict("majority", train, train))


def test_the_chosen_parameters_are_logged(caplog):
    with caplog.at_level(logging.INFO):
        predict("logistic", respondents(), respondents(seed=1))
    assert "logistic on 160 rows: {'C': " in caplog.text


@pytest.mark.parametrize(
    ("name", "grid", "said"),
    [
        ("logistic", {"c": [1]}, r"baselines.logistic.c: LogisticRegression has no such parameter"),
        ("xgboost", {"max_dept": [2]}, r"XGBClassifier has no such parameter \(did you mean 'max_depth'\?\)"),
        (
            "catboost",
            {"iteration": [2]},
            r"CatBoostClassifier has no such parameter \(did you mean 'iterations'\?\)",
        ),
        ("random-forest", {"max_depth": []}, "baselines.random-forest.max_depth: no value to try"),
        ("forest", {}, r"no baseline 'forest'"),
    ],
)
def test_a_grid_that_the_estimator_does_not_know_is_refused(name, grid, said):
    with pytest.raises(InputError, match=said):
        check_grid(name, grid)


@pytest.mark.parametrize(
    ("name", "grid", "place"),
    [
        ("logistic", {"C": [1.0, -1.0]}, r"baselines\.logistic\.C: LogisticRegression refuses -1\.0"),
        (
            "random-forest",
            {"n_estimators": [5], "max_depth": ["deep"]},
            r"random-forest\.max_depth: .*'deep'",
        ),
        (
            "xgboost",
            {"n_estimators": [5], "max_depth": [-4]},
            r"xgboost\.max_depth: XGBClassifier refuses -4",
        ),
        ("catboost", {"iterations": [5], "depth": [99]}, r"catboost\.depth: CatBoostClassifier refuses 99"),
    ],
)
def test_a_value_that_an_estimator_refuses_is_told_in_one_line_with_its_place(name, grid, place):
    with pytest.raises(InputError, match=place) as error:
        predict(name, respondents(60), respondents(20, seed=1), grid=grid)
    assert "\n" not in error.value.what and error.value.hint


def test_a_failure_that_no_value_of_the_grid_explains_is_not_blamed_on_it(monkeypatch):
    monkeypatch.setattr(
        "stimmung.baselines.tabular.tune", lambda *_: (_ for _ in ()).throw(ValueError("something else"))
    )
    with pytest.raises(ValueError, match="something else"):
        predict("logistic", respondents(60), respondents(20, seed=1))
