import numpy as np
import pandas as pd
import pytest

from stimmung.evaluation.estimates.multiple_imputation import (
    impute_draws,
    sampled_donors,
    seed_of_draw,
    stacked_data,
)
from stimmung.evaluation.estimates.pooled_estimates import pooled_regression, pooled_shares
from stimmung.vocabulary.errors import InputError
from tests.stacked_votes import OPTIONS, make_respondents, predict

RESPONDENTS = make_respondents(120, seed=5)
DONORS = np.arange(120) % 3 > 0
HOW = {"target": "vote", "options": OPTIONS, "m": 3, "seed": 1}


def impute(respondents=RESPONDENTS, donors=DONORS, predict=predict, **changes):
    return impute_draws(respondents, donors, predict, **{**HOW, **changes})


def test_each_recipient_has_one_answer_in_each_draw_and_donors_have_none():
    draws = impute()
    assert len(draws) == 3 * 40 and set(draws.respondent_id) == set(RESPONDENTS.respondent_id[~DONORS])
    assert draws.groupby("draw").respondent_id.nunique().tolist() == [40, 40, 40]
    pd.testing.assert_frame_equal(draws, impute())
    assert not draws.equals(impute(seed=2))


def test_each_model_learns_from_a_bootstrap_sample_with_a_seed_of_its_own():
    seen = []

    def spy(donors, recipients, seed):
        seen.append((sorted(donors.respondent_id), seed))
        return np.full((len(recipients), 3), 1 / 3)

    impute(predict=spy)
    assert len({tuple(ids) for ids, _ in seen}) == 3 == len({seed for _, seed in seen})
    assert all(len(ids) == 80 and len(set(ids)) < 65 for ids, _ in seen)
    assert all(set(ids) <= set(RESPONDENTS.respondent_id[DONORS]) for ids, _ in seen)
    seen.clear()
    impute(predict=spy, uncertainty="seeds")
    assert {tuple(ids) for ids, _ in seen} == {tuple(sorted(RESPONDENTS.respondent_id[DONORS]))}
    assert len({seed for _, seed in seen}) == 3
    seen.clear()
    impute(predict=spy, uncertainty="none")
    assert len(seen) == 1


def test_copies_of_a_respondent_are_one_group_and_groups_are_drawn_whole():
    """A cross-validation that had copies on both sides would choose too flexible a model."""
    (sample,) = sampled_donors(RESPONDENTS[DONORS], 1, 1, "bootstrap")
    assert (sample.fold_group == sample.respondent_id).all()
    households = RESPONDENTS[DONORS].assign(fold_group=[str(place // 4) for place in range(80)])
    (sample,) = sampled_donors(households, 1, 1, "bootstrap")
    counts = sample.groupby("fold_group").respondent_id.value_counts().groupby("fold_group")
    assert (counts.nunique() == 1).all() and (counts.size() == 4).all()


def test_stacked_data_have_the_gaps_first_and_observed_answers_stay():
    stacked = stacked_data(RESPONDENTS, impute(), target="vote")
    assert list(stacked[".imp"]) == [number for number in range(4) for _ in range(120)]
    for number, copy in stacked.groupby(".imp"):
        assert list(copy.respondent_id) == list(RESPONDENTS.respondent_id)
        assert (copy.vote[DONORS].to_numpy() == RESPONDENTS.vote[DONORS].to_numpy()).all()
        assert copy.vote[~DONORS].isna().all() == (number == 0) and copy.vote[DONORS].notna().all()
    assert list(stacked.vote.cat.categories) == OPTIONS


def test_answers_are_drawn_with_the_scaled_probabilities():
    draws = impute(m=200, uncertainty="none", scale=lambda p: np.tile([0.7, 0.3, 0.0], (len(p), 1)))
    shares = draws.answer.value_counts(normalize=True)
    assert shares["CDU"] == pytest.approx(0.7, abs=0.02) and "SPD" not in shares


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"m": 1}, "m is 1"),
        ({"donors": np.zeros(120, dtype=bool)}, "no answer to 'vote' is observed among 120 respondents"),
        (
            {"respondents": RESPONDENTS.assign(vote=pd.Categorical(["SPD"] * 120, OPTIONS))},
            "all 80 donors answered 'SPD'",
        ),
        (
            {"respondents": RESPONDENTS.assign(vote=RESPONDENTS.vote.where(RESPONDENTS.index > 1))},
            "1 of 80 donors",
        ),
    ],
)
def test_what_cannot_be_imputed_is_said_in_one_line(changes, said):
    with pytest.raises(InputError, match=said):
        impute(**changes)


def test_a_respondent_without_any_answer_is_imputed_and_told(capsys):
    silent = RESPONDENTS.assign(
        age=RESPONDENTS.age.where(RESPONDENTS.index != 0), sex=RESPONDENTS.sex.where(RESPONDENTS.index != 0)
    )
    draws = impute(silent)
    assert (draws.respondent_id == RESPONDENTS.respondent_id[0]).sum() == 3
    assert "1 of 40 respondents whose 'vote' is imputed answered no item at all" in capsys.readouterr().err


def test_a_draw_of_somebody_else_or_of_no_option_is_refused():
    draws = impute()
    with pytest.raises(InputError, match="1 respondents of the draws are not in the survey"):
        stacked_data(RESPONDENTS, draws.replace({"respondent_id": {"000000": "x"}}), target="vote")
    with pytest.raises(InputError, match="'FDP' is no answer"):
        stacked_data(RESPONDENTS, draws.assign(answer="FDP"), target="vote")


def test_seeds_of_draws_are_small_enough_for_every_estimator():
    assert all(0 <= seed_of_draw(24, draw) < 2**31 for draw in range(1, 200))


@pytest.mark.slow
def test_intervals_cover_where_answers_are_missing_completely_at_random():
    """Of 3 shares and 2 coefficients in 30 surveys; 5 to 95 % of such means lie within the bounds."""
    population = make_respondents(200_000, seed=99)
    shares = population.vote.value_counts(normalize=True)[OPTIONS].to_numpy()
    slopes = np.array([-0.05, 0.0])  # of age, for Grüne and SPD
    hits = []
    for repetition in range(30):
        sample = make_respondents(250, seed=1000 + repetition)
        donors = np.random.default_rng(repetition).random(250) < 0.6
        draws = impute(sample, donors, m=6, seed=repetition)
        stacked = stacked_data(sample, draws, target="vote")
        found = pooled_shares(stacked, "vote", weight=None)
        hits.append((found.ci_low <= shares) & (shares <= found.ci_high))
        table = pooled_regression(stacked, "vote", ["age", "sex"], family="multinomial")
        age = table[table.term == "age"]
        hits.append((age.ci_low <= slopes) & (slopes <= age.ci_high))
    coverage = np.concatenate(hits).mean()
    assert 0.90 < coverage < 0.995
