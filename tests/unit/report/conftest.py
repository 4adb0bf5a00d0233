from dataclasses import replace
from functools import cache

import pandas as pd
import pytest

from stimmung.evaluation.series.affect import aggregate_answers, wording_series
from stimmung.evaluation.series.weekly_series import affect_series, signal_series
from stimmung.evaluation.votes.scaling import scaled_predictions
from stimmung.evaluation.votes.tested_rows import answered
from stimmung.report.panel_results import PanelData, PanelTables, moods_results
from stimmung.report.survey_results import SurveyData, SurveyTables, votes_results
from tests.synthetic_moods import OPTIONS, make_moods
from tests.synthetic_votes import (
    CONDITIONS,
    SUBGROUPS,
    make_draws,
    make_rectified,
    make_respondents,
    make_votes,
)


def computed(results, data):
    return {result.files.data: result.compute(data) for result in results if result.compute}


def changed(tables, **frames):
    """Return tables of which some are others."""
    return replace(tables, frames={**tables.frames, **frames})


@pytest.fixture(
    scope="package", params=[2, pytest.param(8, marks=pytest.mark.slow)], ids=["two-options", "eight-options"]
)
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
    data = SurveyData(
        predictions=predictions,
        scaled=scaled_predictions(predictions, splits, "temperature"),
        splits=splits,
        draws=make_draws(predictions, splits),
        respondents=make_respondents(predictions),
        conditions=CONDITIONS,
        subgroups=SUBGROUPS,
        weighted=False,
        target="vote",
        rectified=make_rectified(predictions, splits),
    )
    return SurveyTables(frames=computed(votes_results(), data), conditions=CONDITIONS)


@pytest.fixture(scope="package")
def gap_survey():
    """A made-up survey whose one condition leaves out those of no party, who alone are tested: its data and its tables."""
    predictions, splits = make_votes(n=160, conditions=("full",))
    people = make_respondents(predictions)
    left_out = (people["party_id"] == "none").to_numpy()
    splits = splits.assign(condition="gap", in_training=~left_out, tested=left_out)
    predictions = predictions.assign(condition="gap")
    conditions = {"gap": {"left_out": {"party_id": ["none"]}}}
    data = SurveyData(
        predictions=answered(predictions, splits),
        scaled=answered(scaled_predictions(predictions, splits, "temperature"), splits),
        splits=splits,
        draws=make_draws(predictions, splits, "gap"),
        respondents=people,
        conditions=conditions,
        subgroups={"no-party": SUBGROUPS["no-party"]},
        weighted=False,
        target="vote",
    )
    return data, SurveyTables(frames=computed(votes_results(), data), conditions=conditions)


@pytest.fixture(scope="package")
def panel():
    """The tables of a made-up panel of which one week has no estimate."""
    made = make_moods(missing=("2020-01-02",))
    affect, wordings = aggregate_answers(made["answers"]), wording_series(made["answers"])
    questions = {"mood": list(OPTIONS)}
    words = signal_series(made["words"], questions, made["weeks"], "baselines/")
    data = PanelData(
        affect=affect,
        wordings=wordings,
        posts=pd.concat([affect_series(affect), words], ignore_index=True),
        survey=made["tracker"],
        known=signal_series(made["truth"], questions, made["weeks"], ""),
        mixed=False,
        questions=questions,
        max_lag_weeks=2,
        rolling_weeks=3,
        n_simulations=99,
        seed=0,
    )
    return PanelTables(
        frames={"affect": affect, "wordings": wordings, **computed(moods_results(), data)},
        rolling_weeks=3,
        scale="min-max",
        weeks=made["weeks"],
        questions=questions,
        tracker=made["tracker"],
    )
