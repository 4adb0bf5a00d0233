import numpy as np
import pandas as pd
import pytest
from scipy.stats import entropy
from sklearn import metrics

from stimmung.evaluation.votes.fold_metrics import (
    answer_errors,
    hidden_share,
    measure_folds,
    training_rows,
    vote_metrics,
)
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.votes_schemas import NO_FOLD, option_columns, options_of
from tests.synthetic_votes import make_votes


@pytest.fixture(params=[2, 8])
def one_fold(request):
    predictions, _ = make_votes(n=200, n_options=request.param, conditions=("without-party",))
    chosen = (predictions["method"] == "tiny/tuned") & (predictions["fold"] == 0)
    return predictions[chosen].reset_index(drop=True)


def table(targets, probabilities, options=("a", "b", "c"), weights=None, option_mass=1.0):
    n = len(targets)
    return pd.DataFrame(
        {
            "respondent_id": [str(number) for number in range(n)],
            "target": targets,
            "weight": np.ones(n) if weights is None else weights,
            **{f"p_{option}": np.array(probabilities, dtype=float)[:, k] for k, option in enumerate(options)},
            "option_mass": option_mass,
        }
    )


def test_agrees_with_scikit_learn_on_strings(one_fold):
    found = vote_metrics(one_fold)
    options = options_of(one_fold)
    probabilities = one_fold[option_columns(one_fold)].to_numpy()
    target, chosen = one_fold["target"], np.array(options)[probabilities.argmax(axis=1)]
    assert found["accuracy", None] == metrics.accuracy_score(target, chosen)
    recalls = metrics.recall_score(target, chosen, labels=sorted(set(target)), average="macro")
    assert found["balanced_accuracy", None] == pytest.approx(recalls)
    assert found["macro_f1", None] == pytest.approx(metrics.f1_score(target, chosen, average="macro"))
    one_hot = (target.to_numpy()[:, None] == np.array(options)).astype(float)
    true_probability = (probabilities * one_hot).sum(axis=1)
    assert found["log_loss", None] == pytest.approx(-np.log(true_probability).mean())
    assert found["brier", None] == pytest.approx(((probabilities - one_hot) ** 2).sum(axis=1).mean())
    for option in options:
        assert found["f1", option] == pytest.approx(metrics.f1_score(target == option, chosen == option))


def test_distances_by_their_definitions(one_fold):
    found = vote_metrics(one_fold)
    weights = one_fold["weight"] / one_fold["weight"].sum()
    predicted = (one_fold[option_columns(one_fold)].to_numpy() * weights.to_numpy()[:, None]).sum(axis=0)
    observed = (
        weights.groupby(one_fold["target"]).sum().reindex(options_of(one_fold), fill_value=0).to_numpy()
    )
    assert found["total_variation", None] == pytest.approx(np.abs(predicted - observed).sum() / 2)
    middle = (predicted + observed) / 2
    divergence = (entropy(predicted, middle, base=2) + entropy(observed, middle, base=2)) / 2
    assert found["jensen_shannon", None] == pytest.approx(np.sqrt(divergence))
    errors = [found["share_error", option] for option in options_of(one_fold)]
    assert errors == pytest.approx(list(predicted - observed))
    assert found["total_variation", None] == pytest.approx(np.abs(errors).sum() / 2)


def test_perfect_predictions_get_the_best_values():
    found = vote_metrics(table(["a", "b", "c"], np.eye(3)))
    best = {
        "accuracy": 1,
        "balanced_accuracy": 1,
        "macro_f1": 1,
        "brier": 0,
        "total_variation": 0,
        "jensen_shannon": 0,
    }
    assert {name: found[name, None] for name in best} == pytest.approx(best, abs=1e-12)
    assert found["log_loss", None] == pytest.approx(0, abs=1e-12)
    assert found["expected_calibration_error", None] == 0


def test_certain_and_wrong_costs_36_nats_and_a_brier_of_2():
    found = vote_metrics(table(["a", "b"], [[0, 1, 0], [1, 0, 0]]))
    assert found["log_loss", None] == pytest.approx(-np.log(np.finfo(float).eps))
    assert found["brier", None] == 2


def test_options_are_taken_in_the_order_of_the_columns_not_of_the_alphabet():
    found = vote_metrics(table(["z", "a"], [[0.9, 0.1], [0.2, 0.8]], options=("z", "a")))
    assert found["accuracy", None] == 1
    assert found["log_loss", None] == pytest.approx(-(np.log(0.9) + np.log(0.8)) / 2)


def test_of_equal_probabilities_the_first_option_is_chosen():
    found = vote_metrics(table(["b", "a"], [[0.4, 0.4, 0.2]] * 2))
    assert found["accuracy", None] == 0.5 and found["f1", "b"] == 0


def test_an_option_absent_from_the_fold_has_no_f1_and_no_part_in_the_macro_f1():
    found = vote_metrics(table(["a", "a", "b"], [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.8, 0.1]]))
    assert np.isnan(found["f1", "c"])
    assert found["macro_f1", None] == pytest.approx((found["f1", "a"] + found["f1", "b"]) / 2)
    assert found["balanced_accuracy", None] == pytest.approx((0.5 + 1) / 2)


def test_an_option_absent_from_the_fold_but_predicted_has_an_f1_of_0():
    found = vote_metrics(table(["a", "a", "b"], [[0.8, 0.1, 0.1], [0.1, 0.1, 0.8], [0.1, 0.8, 0.1]]))
    assert found["f1", "c"] == 0
    assert found["macro_f1", None] == pytest.approx((found["f1", "a"] + 1 + 0) / 3)
    assert found["balanced_accuracy", None] == pytest.approx((0.5 + 1) / 2)


def test_weights_count_in_shares_always_and_elsewhere_on_request():
    votes = table(["a", "b"], [[0.9, 0.1, 0.0], [0.9, 0.1, 0.0]], weights=[1.0, 3.0])
    plain, weighted = vote_metrics(votes), vote_metrics(votes, weighted=True)
    assert plain["share_error", "b"] == weighted["share_error", "b"] == pytest.approx(0.1 - 0.75)
    assert plain["accuracy", None] == 0.5 and weighted["accuracy", None] == 0.25
    repeated = vote_metrics(table(["a", "b", "b", "b"], [[0.9, 0.1, 0.0]] * 4))
    for key, value in weighted.items():
        assert value == pytest.approx(repeated[key], nan_ok=True), key


def test_target_that_is_no_option_is_refused_without_naming_it():
    with pytest.raises(InputError) as error:
        vote_metrics(table(["a", "secret-answer"], [[0.9, 0.1, 0.0]] * 2))
    assert "secret-answer" not in str(error.value)


def test_folds_average_over_seeds():
    predictions, splits = make_votes(n=120, seeds=(1, 2), conditions=("full",))
    both = measure_folds(predictions, splits).set_index(["method", "metric", "option", "fold"])["value"]
    single = [
        measure_folds(predictions[predictions["seed"] == seed], splits).set_index(
            ["method", "metric", "option", "fold"]
        )
        for seed in (1, 2)
    ]
    assert np.allclose(both, (single[0]["value"] + single[1]["value"]) / 2)


def test_training_rows_come_from_the_splits():
    splits = pd.DataFrame(
        {
            "respondent_id": list("abcdefg"),
            "condition": "share-30",
            "fold": pd.Series([0, 0, 1, 1, 2, 2, NO_FOLD], dtype="int8"),
            "in_training": [True, False, True, True, False, False, True],
        }
    )
    assert training_rows(splits) == {("share-30", 0): 2, ("share-30", 1): 1, ("share-30", 2): 3}


def test_zero_shot_trains_on_nothing():
    predictions, splits = make_votes(n=120, conditions=("full",))
    n_training = measure_folds(predictions, splits).groupby("method")["n_training"].first()
    assert n_training["tiny/zero-shot"] == 0
    assert n_training["tiny/tuned"] == n_training["baselines/logistic"] == 96


@pytest.mark.parametrize("change", ["fold", "fewer", "condition"])
def test_predictions_of_other_splits_are_refused(change):
    predictions, splits = make_votes(n=120, conditions=("full",))
    if change == "fold":
        predictions.loc[3, "fold"] = (predictions.loc[3, "fold"] + 1) % 5
    if change == "fewer":
        predictions = predictions.iloc[1:]
    if change == "condition":
        splits["condition"] = "other"
    with pytest.raises(InputError, match="tiny/tuned, condition full, seed 24"):
        measure_folds(predictions, splits)


def test_with_weights_every_metric_counts_a_weight_of_two_as_two_respondents():
    predictions, _ = make_votes(n=90, n_options=8, conditions=("full",))
    run = predictions[predictions["method"] == "tiny/tuned"].reset_index(drop=True)
    doubled = run.index % 3 == 0
    run["weight"], run["n_unseen"] = np.where(doubled, 2.0, 1.0), (run.index % 3 == 1).astype(int)
    repeated = pd.concat([run, run[doubled]], ignore_index=True).assign(weight=1.0)
    weighted, by_hand = vote_metrics(run, weighted=True), vote_metrics(repeated)
    assert weighted.keys() == by_hand.keys()
    for key, value in by_hand.items():
        assert weighted[key] == pytest.approx(value, nan_ok=True), key
    # And all that can differ without them does, but for the shares, which are always weighted.
    plain = vote_metrics(run)
    assert plain["predicted_share", "CDU"] == pytest.approx(by_hand["predicted_share", "CDU"])
    for metric in ("accuracy", "macro_f1", "log_loss", "brier", "option_mass", "unseen"):
        assert plain[metric, None] != pytest.approx(by_hand[metric, None]), metric


def test_folds_hide_the_numbers_of_answers_as_far_as_they_are_stratified_by_them():
    chosen, rows, ones = np.arange(300) % 3, np.arange(300), np.ones(300)
    stratified, effects = hidden_share(rows // 3 % 5, rows, chosen, np.eye(3)[chosen], ones)
    assert stratified == pytest.approx(1) and effects == pytest.approx(1)
    rng = np.random.default_rng(0)
    at_random = [
        hidden_share(rng.permutation(300) % 5, rows, chosen, np.eye(3)[chosen], ones)[0] for _ in range(200)
    ]
    assert np.mean(at_random) < 0.25
    # Groups of three that answer alike count as one respondent, of whom the sample has a third.
    chosen = rows // 3 % 3
    alike, effects = hidden_share(rows // 9 % 5, rows // 3, chosen[::3], np.eye(3)[chosen], ones)
    assert 0.95 < alike <= 1 and effects == pytest.approx(3)
    # Where a third of their rows answer otherwise, their classes do not tell all that stratified folds hide.
    mixed = np.where(rows % 3 == 2, (chosen + 1 + rows // 90) % 3, chosen)
    assert hidden_share(rows // 9 % 5, rows // 3, chosen[::3], np.eye(3)[mixed], ones)[0] > alike


def test_an_option_that_is_as_probable_as_another_has_an_f1_that_chance_decides():
    """The majority names 'a' in all folds, and with a few other training rows would name 'b'."""
    n = 200
    run = table(np.where(np.arange(n) % 100 < 51, "a", "b"), [[0.512, 0.488]] * n, "ab")
    run = run.assign(seed=0, fold=np.arange(n) // 2 % 5, method="baselines/majority", condition="full")
    errors = answer_errors(run, 160)
    assert np.hypot(*errors["f1", "a"][2:]) * 1.96 > 0.6 and np.hypot(*errors["f1", "b"][2:]) * 1.96 > 0.6
    sure = run.assign(p_a=0.9, p_b=0.1)
    assert answer_errors(sure, 160)["f1", "a"][2:] == [0, 0]
    assert answer_errors(run, 0)["f1", "a"][2:] == [0, 0], "a method that does not learn"
    # Beyond the interval of the odds, and near enough that some samples would name the other.
    near = run.assign(p_a=0.59, p_b=0.41)
    assert np.hypot(*answer_errors(near, 160)["f1", "a"][2:]) * 1.96 > 0.6


def test_the_training_rows_of_others_move_every_metric_of_who_is_tested():
    """Of a wave that is left out: the log-loss of a constant prediction, by the shares in 400 rows of other waves."""
    n, drawn = 300, 400
    run = table(np.where(np.arange(n) % 10 < 2, "a", "b"), [[0.5, 0.5]] * n, "ab")
    run = run.assign(seed=0, fold=np.arange(n) // 10 % 5, method="baselines/majority", condition="without")
    tested = run[["respondent_id", "fold", "condition"]].assign(in_training=False, tested=True)
    others = pd.DataFrame(
        {"respondent_id": [f"other {one}" for one in range(drawn)], "fold": np.arange(drawn) % 5}
    )
    others = others.assign(condition="without", in_training=True, tested=False)
    measured = measure_folds(run, pd.concat([tested, others]))
    errors = measured[measured["metric"] == "log_loss"]["answer_errors"].iloc[0]
    # -(.2 log p + .8 log (1 - p)) at p of .5 has the derivative 1.2; the share p has the standard error sqrt(.25 / 400).
    assert np.hypot(*errors[2:]) == pytest.approx(1.2 * np.sqrt(0.25 / drawn), rel=0.1)
    error = measured[(measured["metric"] == "share_error") & (measured["option"] == "a")][
        "answer_errors"
    ].iloc[0]
    assert np.hypot(*error[2:]) == pytest.approx(np.sqrt(0.25 / drawn), rel=0.05)
    same = answer_errors(run, drawn)
    assert same["log_loss", None][2:] == [0, 0], (
        "where all are of one sample, the tested have the same shares"
    )


@pytest.mark.filterwarnings("error")
def test_a_group_that_is_left_out_as_a_whole_is_measured_without_an_interval():
    """As where each group is a fold, and a condition leaves one group out."""
    answers = ["a", "b", "a", "b"]
    predictions = table(answers, [[0.6, 0.4, 0.0]] * 4)
    groups = pd.Series("south", predictions["respondent_id"])
    values = vote_metrics(predictions)
    errors = answer_errors(predictions.assign(seed=1, fold=0), 20, groups=groups)
    assert errors.keys() == values.keys() and values["accuracy", None] == 0.5
    assert np.isfinite([number for of_metric in errors.values() for number in of_metric]).all()
