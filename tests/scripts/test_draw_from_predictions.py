import pytest

from scripts.draw_from_predictions import draw_from_predictions
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.votes_schemas import DRAWS, PREDICTIONS, RESPONDENTS


def predicted(study, path, probability):
    people = read_table(study.respondents, RESPONDENTS)
    table = people[["respondent_id", "weight"]].assign(
        method="small/zero-shot", condition="full", seed=24, fold=0, target=people.vote.astype(str)
    )
    table = table.assign(p_Red=probability, p_Blue=1 - probability, option_mass=1.0, normalization="none")
    order = ["respondent_id", "method", "condition", "seed", "fold", "target", "weight", "p_Red", "p_Blue"]
    write_table(table[[*order, "option_mass", "normalization"]].astype({"fold": "int8"}), path, PREDICTIONS)
    return path


def test_answers_are_drawn_from_the_predictions_and_said_to_lack_the_model_s_uncertainty(
    hidden_answers, tmp_path
):
    about = {**hidden_answers.tables, **hidden_answers.about, "method": "small/zero-shot"}
    draw_from_predictions(
        **{**about, "m": 200},
        predictions=predicted(hidden_answers, tmp_path / "p.parquet", 0.8),
        draws=tmp_path / "draws.parquet",
    )
    table = read_table(tmp_path / "draws.parquet", DRAWS)
    assert set(table.respondent_id) == set(hidden_answers.hidden) and set(table.uncertainty) == {"none"}
    assert set(table.condition) == {"some"}, "the predictions are those of an earlier condition"
    assert (table.answer == "Red").mean() == pytest.approx(0.8, abs=0.03)


def test_predictions_of_others_are_refused(hidden_answers, tmp_path):
    path = predicted(hidden_answers, tmp_path / "p.parquet", 0.8)
    table = read_table(path, PREDICTIONS)
    write_table(table[table.respondent_id != hidden_answers.hidden[0]], path, PREDICTIONS)
    about = {**hidden_answers.tables, **hidden_answers.about, "method": "small/zero-shot"}
    with pytest.raises(InputError, match=r"no prediction of 1 of \d+ respondents"):
        draw_from_predictions(**about, predictions=path, draws=tmp_path / "draws.parquet")
