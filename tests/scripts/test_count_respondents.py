import json

import pandas as pd

from scripts.count_respondents import count_respondents
from stimmung.vocabulary.parquet_tables import write_table
from stimmung.vocabulary.votes_schemas import NO_FOLD, SPLITS


def splits(folder, condition, folds, in_training):
    table = pd.DataFrame(
        {
            "respondent_id": [str(number) for number in range(len(folds))],
            "condition": condition,
            "fold": pd.Series(folds, dtype="int8"),
            "in_training": in_training,
        }
    )
    write_table(table, folder / f"{condition}.parquet", SPLITS)
    return folder / f"{condition}.parquet"


def test_who_voted_is_tested_and_each_condition_leaves_its_own_to_learn_from(tmp_path):
    folds = [0, 1, 0, 1, NO_FOLD]
    files = [
        splits(tmp_path, "full", folds, [True, True, True, True, False]),
        splits(tmp_path, "students", folds, [False, True, True, False, False]),
    ]
    count_respondents(splits=files, output=tmp_path / "counts.json")
    written = json.loads((tmp_path / "counts.json").read_text())
    assert written == {"tested": 4, "in_training": {"full": 4, "students": 2}}
