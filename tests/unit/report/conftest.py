from functools import cache
from types import SimpleNamespace

import pytest

from stimmung.evaluation.calibration import bin_reliability
from stimmung.evaluation.comparisons import compare_conditions, compare_with_best_baseline
from stimmung.evaluation.folds import summarize_folds
from stimmung.evaluation.shares import compare_shares
from stimmung.evaluation.votes import measure_folds
from stimmung.report.conditions import left_out
from tests.synthetic_votes import CONDITIONS, make_votes


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
    )
