from functools import cache
from types import SimpleNamespace

import pandas as pd
import pytest
from stimmung.report.conditions import learning_curves, left_out, without_answers

from stimmung.evaluation.series.affect import aggregate_answers
from stimmung.evaluation.series.confirmation import confirm_lags
from stimmung.evaluation.series.cross_correlation import cross_correlate_series
from stimmung.evaluation.series.recovery import measure_recovery
from stimmung.evaluation.series.weekly_series import affect_series, signal_series
from stimmung.evaluation.votes.absent_options import compare_absent
from stimmung.evaluation.votes.calibration import bin_reliability
from stimmung.evaluation.votes.comparisons import compare_conditions, compare_with_best_baseline
from stimmung.evaluation.votes.effective_sample import count_effective_respondents
from stimmung.evaluation.votes.fold_metrics import measure_folds
from stimmung.evaluation.votes.fold_summary import summarize_folds
from stimmung.evaluation.votes.predicted_shares import compare_shares
from stimmung.evaluation.votes.subgroup_metrics import measure_subgroups
from tests.synthetic_moods import OPTIONS, make_moods
from tests.synthetic_votes import CONDITIONS, SUBGROUPS, make_respondents, make_votes


@pytest.fixture(scope="package", params=[2, 8], ids=["two-options", "eight-options"])
def survey(request):
    """The tables of a made-up survey, once with two and once with eight answer options."""
    return tables_of(request.param)


@pytest.fixture(scope="package")
def small_survey():
    """The tables of a made-up survey with two answer options, for what does not depend on their number."""
    return tables_of(2)


@cache
def tables_of(n_options):
    predictions, splits = make_votes(n=160, n_options=n_options)
    folds = measure_folds(predictions, splits)
    return SimpleNamespace(
        conditions=CONDITIONS,
        predictions=predictions,
        fold_metrics=folds,
        metrics=summarize_folds(folds),
        comparisons=compare_with_best_baseline(folds),
        shares=compare_shares(predictions, folds),
        reliability=bin_reliability(predictions),
        changes=compare_conditions(folds, left_out(CONDITIONS)),
        absent=compare_absent(predictions, splits, folds, without_answers(CONDITIONS)),
        effective=count_effective_respondents(
            predictions, splits, learning_curves(CONDITIONS), n_resamples=100
        ),
        subgroups=measure_subgroups(predictions, splits, make_respondents(splits), SUBGROUPS),
    )


@pytest.fixture(scope="package")
def panel():
    """The tables of a made-up panel of which one week has no estimate."""
    missing = "2020-01-02"
    made = make_moods(missing=(missing,))
    affect = aggregate_answers(made["answers"])
    questions = {"mood": OPTIONS}
    words = signal_series(made["words"], questions, made["weeks"], "baselines/")
    posts = pd.concat([affect_series(affect), words], ignore_index=True)
    truth = signal_series(made["truth"], questions, made["weeks"], "")
    few = {"max_lag_weeks": 2}
    return SimpleNamespace(
        missing=missing,
        weeks=made["weeks"],
        tracker=made["tracker"],
        affect=affect,
        ccf=cross_correlate_series(posts, made["tracker"], **few, n_resamples=50, n_simulations=99, seed=0),
        confirmations=confirm_lags(posts, made["tracker"], **few),
        recovery=measure_recovery(posts, truth, seeds=affect, n_resamples=50, seed=0),
    )
