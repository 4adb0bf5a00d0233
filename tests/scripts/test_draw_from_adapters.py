import shutil

import pandas as pd
import pytest

from scripts import draw_from_adapters as script
from scripts.draw_from_adapters import draw_from_adapters
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.vocabulary.votes_schemas import DRAWS
from tests.scripts.test_train_imputation_adapters import drawing


def test_each_hidden_answer_is_drawn_once_from_each_adapter(hidden_answers, tmp_path, monkeypatch):
    seen = []
    read = script.read_with_each

    def spy(scorer, prompts, ids):
        seen.extend(read(scorer, prompts, ids))
        return seen

    monkeypatch.setattr(script, "read_with_each", spy)
    draws = tmp_path / "draws.parquet"
    draw_from_adapters(**drawing(hidden_answers), adapters=hidden_answers.adapters, draws=draws)
    table = read_table(draws, DRAWS)
    assert [part.respondent_id.tolist() for _, part in table.groupby("draw")] == [hidden_answers.hidden] * 2
    assert set(table.method) == {"small/tuned"} and set(table.uncertainty) == {"bootstrap"}
    assert len(seen) == 2 and seen[0].shape == (len(hidden_answers.hidden), 2)
    assert abs(seen[0] - seen[1]).max() > 1e-6, "each adapter reads on its own"


def test_adapters_that_are_gone_come_back_from_the_store_or_are_told(hidden_answers, tmp_path):
    again = tmp_path / "adapters"
    shutil.copytree(hidden_answers.adapters, again)
    (again / "draw-001/adapter_model.safetensors").unlink()
    first, second = tmp_path / "first.parquet", tmp_path / "second.parquet"
    draw_from_adapters(**drawing(hidden_answers), adapters=again, draws=first)
    draw_from_adapters(**drawing(hidden_answers), adapters=hidden_answers.adapters, draws=second)
    pd.testing.assert_frame_equal(read_table(first, DRAWS), read_table(second, DRAWS))
    shutil.rmtree(again / "draw-002")
    with pytest.raises(InputError, match=r"no intact adapter in .*draw-002"):
        draw_from_adapters(**drawing(hidden_answers), adapters=again, draws=tmp_path / "third.parquet")


def test_where_every_answer_is_known_no_base_is_loaded_and_there_are_no_draws(
    hidden_answers, small_study, tmp_path, monkeypatch
):
    monkeypatch.setattr(script, "load_base", lambda path: pytest.fail(f"{path} was loaded"))
    about = {**drawing(hidden_answers), "splits": small_study.splits}
    draw_from_adapters(**about, adapters=tmp_path, draws=tmp_path / "draws.parquet")
    assert read_table(tmp_path / "draws.parquet", DRAWS).empty
