import pandas as pd

from scripts.compare_targets import compare_targets
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.vocabulary.votes_schemas import METRICS, TARGETS


def test_every_target_method_and_condition_has_a_row_in_all_files(votes_study, tmp_path):
    files = {name: tmp_path / f"targets.{name}" for name in ("parquet", "csv", "tex")}
    metrics = votes_study.tables["metrics"]
    compare_targets(
        metrics=[metrics, metrics],
        results=files["parquet"],
        csv=files["csv"],
        latex=files["tex"],
        targets=["trust", "party"],
        simulated=True,
    )
    table, measured = read_table(files["parquet"], TARGETS), read_table(metrics, METRICS)
    assert len(table) == len(pd.read_csv(files["csv"])) == 2 * len(measured[measured.metric == "accuracy"])
    assert set(table.target) == {"trust", "party"}
    assert "Simulated data." in files["tex"].read_text() and set(pd.read_csv(files["csv"])["data"]) == {
        "simulated"
    }
