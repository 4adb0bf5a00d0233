import numpy as np
import pandas as pd
import pytest

from stimmung.evaluation.series.affect import aggregate_answers, on_scale
from stimmung.evaluation.series.series_steps import rolling_mean
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.moods_schemas import AFFECT
from tests.synthetic_moods import OPTIONS, SEEDS, make_moods

WEEK = ["option", "week"]


@pytest.fixture(scope="module")
def answers():
    return make_moods(n_weeks=8)["answers"]


@pytest.fixture(scope="module")
def affect(answers):
    return aggregate_answers(answers)


def tuned(answers):
    return answers[answers["week"] != ""]


def test_a_row_for_each_week_option_and_seed_and_none_for_the_untuned_model(affect):
    AFFECT.validate(affect)
    assert len(affect) == 8 * len(OPTIONS) * len(SEEDS)
    assert set(affect["model"]) == {"tiny/weekly"}


def test_values_are_means_over_variants_and_still_sum_to_one(affect, answers):
    assert affect.groupby(["week", "seed"])["value"].sum().to_numpy() == pytest.approx(1)
    one = tuned(answers).query("option == 'Sad' and seed == 42 and week == @affect.week.max()")
    found = affect.query("option == 'Sad' and seed == 42 and week == @affect.week.max()")
    assert len(one) == 2
    assert found["value"].item() == pytest.approx(one["probability"].mean())


def test_ranges_are_over_seeds_and_over_variants_apart(affect, answers):
    rows = affect.drop_duplicates(WEEK).set_index(WEEK).sort_index()
    seeds = tuned(answers).groupby([*WEEK, "seed"])["probability"].mean().groupby(WEEK)
    variants = tuned(answers).groupby([*WEEK, "variant"])["probability"].mean().groupby(WEEK)
    for name, expected in (
        ("value_mean", seeds.mean()),
        ("value_min", seeds.min()),
        ("value_max", seeds.max()),
        ("variant_min", variants.min()),
        ("variant_max", variants.max()),
    ):
        assert rows[name].to_numpy() == pytest.approx(expected.sort_index().to_numpy()), name


def test_log_ratio_is_zero_where_tuning_changed_nothing_and_counts_in_nats(answers):
    frozen = answers.copy()
    prior = frozen[frozen["week"] == ""].set_index(["variant", "option"])["probability"]
    same = [
        prior[variant, option] for variant, option in zip(frozen["variant"], frozen["option"], strict=True)
    ]
    frozen["probability"] = same
    unchanged = aggregate_answers(frozen)
    assert unchanged["log_ratio"].to_numpy() == pytest.approx(0)
    assert unchanged["base"].to_numpy() == pytest.approx(unchanged["value"].to_numpy())
    assert aggregate_answers(answers)["log_ratio"].abs().max() > 0.1


def test_without_an_untuned_model_nothing_is_relative_to_it(answers):
    alone = aggregate_answers(tuned(answers))
    assert alone["base"].isna().all() and alone["log_ratio"].isna().all()


def test_scaled_is_the_published_scaling_and_smoothing_of_the_mean_over_seeds(affect):
    part = affect.query("option == 'Happy'").drop_duplicates("week").sort_values("week")
    mean = part["value_mean"].to_numpy()
    expected = rolling_mean((mean - mean.min()) / (mean.max() - mean.min()), 3)
    assert part["scaled_mean"].to_numpy() == pytest.approx(expected, nan_ok=True)
    assert np.isnan(expected[:2]).all() and not np.isnan(expected[2:]).any()
    assert (part["scaled_min"] <= part["scaled_max"])[2:].all()


def test_min_max_scaling_runs_from_0_to_1_and_keeps_gaps():
    for series, scaled in (([2.0, np.nan, 4.0, 3.0], [0, np.nan, 1, 0.5]), ([5.0, 5.0], [np.nan, np.nan])):
        np.testing.assert_allclose(on_scale(np.array(series), np.array(series)), scaled)


def test_without_scaling_and_smoothing_scaled_is_the_value(answers):
    plain = aggregate_answers(answers, scale="none", rolling_weeks=1)
    assert plain["scaled"].to_numpy() == pytest.approx(plain["value"].to_numpy())


def test_a_missing_week_has_no_rows_and_breaks_the_smoothed_series_around_it():
    full = make_moods(n_weeks=10)
    hole = full["weeks"][4]
    affect = aggregate_answers(make_moods(n_weeks=10, missing=(hole,))["answers"])
    assert hole not in set(affect["week"])
    empty = affect[affect["scaled"].isna()]["week"].unique()
    assert sorted(empty) == [*full["weeks"][:2], *full["weeks"][5:7]]


def test_a_constant_series_is_kept_raw_and_not_scaled(answers):
    flat = answers.copy()
    flat["probability"] = 1 / len(OPTIONS)
    affect = aggregate_answers(flat)
    assert affect["value"].to_numpy() == pytest.approx(1 / len(OPTIONS))
    assert affect["scaled"].isna().all()


def test_the_order_of_the_answers_does_not_matter(affect, answers):
    shuffled = answers.sample(frac=1, random_state=3, ignore_index=True)
    pd.testing.assert_frame_equal(aggregate_answers(shuffled), affect)


def test_the_options_of_a_select_all_question_need_not_sum_to_one(answers):
    apart = answers.assign(probability=answers["probability"] * 0.7)
    with pytest.raises(InputError, match="sum to"):
        aggregate_answers(apart)
    affect = aggregate_answers(apart, select_all=sorted(set(apart["question"])))
    assert affect["value"].to_numpy() == pytest.approx(0.7 * aggregate_answers(answers)["value"].to_numpy())


@pytest.mark.parametrize(
    "damage, message",
    [
        (lambda table: table[table["option"] != "Sad"], "sum to .*, not 1"),
        (lambda table: table[(table["seed"] != 99) | (table["week"] != table["week"].max())], "where all"),
        (
            lambda table: table[(table["variant"] != "upper") | (table["week"] != table["week"].max())],
            "where all",
        ),
        (lambda table: table[table["week"] == ""], "no week has an answer"),
    ],
    ids=["option", "seed", "variant", "all"],
)
def test_answers_that_are_not_whole_are_refused(answers, damage, message):
    with pytest.raises(InputError, match=message):
        aggregate_answers(damage(answers))
