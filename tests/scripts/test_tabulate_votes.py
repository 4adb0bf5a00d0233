import pandas as pd
import pytest

from stimmung.report.result_registry import VOTES, names
from tests.latex import compiled

pytestmark = pytest.mark.slow  # each of two workers would make the whole made-up study


def test_every_table_is_there_for_programs_and_for_papers(votes_study):
    for name in names(VOTES, "table"):
        frame = pd.read_csv(votes_study.for_readers[f"{name}.csv"])
        if name == "left_out_shares":
            assert frame.empty, "nothing was left out of this study but training rows"
            continue
        assert len(frame) and set(frame["data"]) == {"simulated"}, name
        latex = votes_study.for_readers[f"{name}.tex"].read_text(encoding="utf-8")
        assert r"\toprule" in latex and "Simulated data." in latex and rf"\label{{tab:{name}}}" in latex


def test_csv_holds_the_numbers_of_the_tables(votes_study):
    metrics = pd.read_parquet(votes_study.tables["metrics"])
    written = pd.read_csv(votes_study.for_readers["metrics.csv"])
    assert written["value"].to_numpy() == pytest.approx(metrics["value"].to_numpy(), rel=1e-5)
    assert list(written["option"].fillna("")) == list(metrics["option"].fillna(""))
    f1 = pd.read_csv(votes_study.for_readers["f1.csv"])
    assert set(f1["metric"]) == {"f1", "macro_f1"}


def test_no_respondent_is_in_a_table(votes_study):
    for path in votes_study.for_readers.values():
        assert "respondent-0" not in path.read_text(encoding="utf-8")


def test_latex_compiles(votes_study, tmp_path):
    tables = [path for name, path in votes_study.for_readers.items() if name.endswith(".tex")]
    assert b"Overfull" not in compiled(tables, tmp_path)
