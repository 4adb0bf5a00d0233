import pandas as pd
import pytest

from scripts.draw_from_baselines import draw_from_baselines
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.vocabulary.votes_schemas import DRAWS


def draw(study, path, method, **changes):
    options = {
        **study.tables,
        **study.about,
        "method": method,
        "uncertainty": "bootstrap",
        "cells": ["party", "age"],
        "language": "en",
        "drop_items": [],
        "grids": {"logistic": {"C": [1.0]}},
        "inner_folds": 2,
        **changes,
    }
    draw_from_baselines(**options, draws=path)
    return read_table(path, DRAWS)


@pytest.mark.parametrize("name", ["logistic", "chained-equations", "hot-deck"])
def test_each_hidden_answer_is_drawn_as_often_as_asked(hidden_answers, tmp_path, name):
    table = draw(hidden_answers, tmp_path / "draws.parquet", f"baselines/{name}", m=3)
    assert [part.respondent_id.tolist() for _, part in table.groupby("draw")] == [hidden_answers.hidden] * 3
    pd.testing.assert_frame_equal(
        table, draw(hidden_answers, tmp_path / "again.parquet", f"baselines/{name}", m=3)
    )


def test_an_item_that_a_condition_drops_makes_no_cells(hidden_answers, tmp_path):
    dropped = draw(hidden_answers, tmp_path / "dropped.parquet", "baselines/hot-deck", drop_items=["party"])
    age = draw(hidden_answers, tmp_path / "age.parquet", "baselines/hot-deck", cells=["age"])
    pd.testing.assert_frame_equal(dropped, age)
