import pandas as pd
import pytest

from stimmung.evaluation.series.affect import aggregate_answers
from stimmung.evaluation.series.weekly_series import affect_series, in_order_asked, signal_series
from tests.synthetic_moods import OPTIONS, make_moods


def test_inference_gets_the_raw_mean_over_seeds_never_the_scaled_one():
    affect = aggregate_answers(make_moods(n_weeks=6)["answers"])
    series = affect_series(affect)
    assert len(series) == 6 * len(OPTIONS)
    expected = affect.groupby(["option", "week"])["value"].mean()
    found = series.set_index(["option", "week"])["value"].reindex(expected.index)
    assert found.to_numpy() == pytest.approx(expected.to_numpy())


def test_signals_are_cut_to_weeks_and_options_and_cannot_take_another_ones_name():
    signals = pd.DataFrame(
        [
            ("2020-01-02", "words", "Happy", 0.1, 1.0),
            ("2020-01-09", "words", "Happy", 0.2, 1.0),
            ("2020-01-02", "words", "Yes", 0.3, 1.0),
            ("2020-01-02", "words", "Unasked", 0.4, 1.0),
        ],
        columns=["week", "signal", "option", "value", "n"],
    )
    questions = {"mood": ["Happy", "Sad"], "nhs": ["Yes", "No"]}
    series = signal_series(signals, questions, ["2020-01-02"], "signals/")
    rows = series[["model", "question", "option", "value"]].to_numpy().tolist()
    assert rows == [["signals/words", "mood", "Happy", 0.1], ["signals/words", "nhs", "Yes", 0.3]]


def test_rows_stand_as_the_questionnaire_has_them_a_mean_first():
    asked = {"mood": ["Sad", "Happy"], "attitude": ["No", "Yes"]}
    rows = [
        (model, question, option, lag)
        for model in ("a", "b")
        for question in sorted(asked)
        for option in (None, *sorted(asked[question]))
        for lag in (-1, 0)
    ]
    table = pd.DataFrame(rows, columns=["model", "question", "option", "lag_weeks"])
    found = in_order_asked(table, asked)
    first = found[found["model"] == "a"].astype(object).where(found.notna(), None)
    assert list(zip(first["question"], first["option"], first["lag_weeks"], strict=True)) == [
        (question, option, lag)
        for question in asked
        for option in (None, *asked[question])
        for lag in (-1, 0)
    ]
    assert list(found["model"]) == ["a"] * 12 + ["b"] * 12
