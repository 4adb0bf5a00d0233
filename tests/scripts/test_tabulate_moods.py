import numpy as np
import pandas as pd
import pytest

from scripts.tabulate_moods import tabulate_moods
from stimmung.report.result_registry import MOODS, names
from tests.latex import compiled
from tests.scripts.conftest import for_readers_in
from tests.synthetic_moods import OPTIONS


def test_every_table_is_there_for_programs_and_for_papers_and_marked(moods_study):
    for name in names(MOODS, "table"):
        frame = pd.read_csv(moods_study.for_readers[f"{name}.csv"])
        assert len(frame) and set(frame["data"]) == {"simulated"}, name
        latex = moods_study.for_readers[f"{name}.tex"].read_text(encoding="utf-8")
        assert r"\toprule" in latex and "Simulated data." in latex and rf"\label{{tab:{name}}}" in latex
        of_options = name not in ("series_weeks", "wording_mass")
        assert all(option in latex for option in OPTIONS if of_options)


def test_csv_holds_all_lags_and_numbers(moods_study):
    ccf = pd.read_parquet(moods_study.tables["ccf"])
    written = pd.read_csv(moods_study.for_readers["correlations.csv"])
    assert list(written["lag_weeks"]) == list(ccf["lag_weeks"])
    for column in ("r", "r_raw", "p_prewhitened", "p_family", "p_adjusted", "ci_low_prewhitened"):
        assert written[column].to_numpy() == pytest.approx(ccf[column].to_numpy(), rel=1e-5, nan_ok=True)


@pytest.mark.parametrize("constructed", [None, "constructed"])
def test_only_made_up_data_is_called_simulated(moods_study, tmp_path, constructed):
    tables = for_readers_in(tmp_path, MOODS)
    results = [moods_study.tables[name] for name in names(MOODS, "data")]
    tabulate_moods(results=results, rolling_weeks=3, constructed=constructed, tables=tables)
    for path in tables:
        text = path.read_text(encoding="utf-8")
        assert "imulated" not in text
        assert ("onstructed" in text) == bool(constructed)


def test_a_panel_without_survey_has_tables_without_rows(moods_study, tmp_path):
    results = [tmp_path / f"{name}.parquet" for name in names(MOODS, "data")]
    for path in results:
        pd.read_parquet(moods_study.tables[path.stem])[:0].to_parquet(path)
    tables = for_readers_in(tmp_path, MOODS)
    tabulate_moods(results=results, rolling_weeks=3, constructed=None, tables=tables)
    assert all(len(pd.read_csv(path)) == 0 for path in tables if path.suffix == ".csv")


def test_latex_compiles(moods_study, tmp_path):
    tables = [path for name, path in moods_study.for_readers.items() if name.endswith(".tex")]
    compiled(tables, tmp_path)


def test_no_number_of_a_reader_is_nan(moods_study):
    for name in names(MOODS, "table"):
        assert "nan" not in moods_study.for_readers[f"{name}.tex"].read_text(encoding="utf-8")
    assert not np.isnan(pd.read_csv(moods_study.for_readers["correlations.csv"])["p_prewhitened"]).any()
