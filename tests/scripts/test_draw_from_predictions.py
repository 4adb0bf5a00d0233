import pytest

from scripts.draw_from_predictions import draw_from_predictions
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.votes_schemas import DRAWS, PREDICTIONS
from tests.scripts.conftest import predicted_votes


def test_answers_are_drawn_from_the_predictions_and_said_to_lack_the_model_s_uncertainty(
    hidden_answers, tmp_path
):
    about = {
        **hidden_answers.tables,
        **hidden_answers.about,
        "method": "small/zero-shot",
        "calibration": "none",
    }
    draw_from_predictions(
        **{**about, "m": 200},
        predictions=predicted_votes(hidden_answers, tmp_path / "p.parquet", 0.8),
        draws=tmp_path / "draws.parquet",
    )
    table = read_table(tmp_path / "draws.parquet", DRAWS)
    assert set(table.respondent_id) == set(hidden_answers.hidden) and set(table.uncertainty) == {"none"}
    assert set(table.condition) == {"some"}, "the predictions are those of an earlier condition"
    assert (table.answer == "Red").mean() == pytest.approx(0.8, abs=0.03)


def test_predictions_of_others_are_refused(hidden_answers, tmp_path):
    path = predicted_votes(hidden_answers, tmp_path / "p.parquet", 0.8)
    table = read_table(path, PREDICTIONS)
    write_table(table[table.respondent_id != hidden_answers.hidden[0]], path, PREDICTIONS)
    about = {
        **hidden_answers.tables,
        **hidden_answers.about,
        "method": "small/zero-shot",
        "calibration": "none",
    }
    with pytest.raises(InputError, match=r"no prediction of 1 of \d+ respondents"):
        draw_from_predictions(**about, predictions=path, draws=tmp_path / "draws.parquet")


def test_probabilities_are_calibrated_by_the_donors_answers(hidden_answers, tmp_path):
    """All are said to vote Red with .99; the donors are halves."""
    about = {**hidden_answers.tables, **hidden_answers.about, "method": "small/zero-shot", "m": 100}
    path = predicted_votes(hidden_answers, tmp_path / "p.parquet", 0.99)
    shares = {}
    for calibration in ("none", "temperature"):
        draws = tmp_path / f"{calibration}.parquet"
        draw_from_predictions(**about, calibration=calibration, predictions=path, draws=draws)
        shares[calibration] = (read_table(draws, DRAWS).answer == "Red").mean()
    assert shares["none"] > 0.95 and shares["temperature"] < 0.8
