import xml.etree.ElementTree as ElementTree

import pandas as pd
import pytest

from scripts.plot_moods import plot_moods
from stimmung.report.result_registry import MOODS, names

FIGURES = names(MOODS, "figure")


def test_every_figure_is_well_formed_and_marked_as_simulated(moods_study):
    for name in FIGURES:
        text = moods_study.figures[name].read_text(encoding="utf-8")
        assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
        assert "<!-- simulated data -->" in text


def test_the_paper_figure_has_r_p_and_prewhitened_p_and_shows_the_missing_week(moods_study):
    text = moods_study.figures["series"].read_text(encoding="utf-8")
    assert text.count("prewhitened p") == 3
    assert "<!-- week without estimate -->" in text and "<!-- range over seeds -->" in text


def test_the_same_tables_are_the_same_bytes(moods_study, tmp_path):
    figures = [tmp_path / f"{name}.svg" for name in FIGURES]
    plot_moods(**moods_study.draw, constructed="simulated", figures=figures)
    assert all(path.read_bytes() == moods_study.figures[path.stem].read_bytes() for path in figures)


@pytest.mark.parametrize("constructed", [None, "constructed"])
def test_data_is_marked_as_what_it_is(moods_study, tmp_path, constructed):
    figures = [tmp_path / f"{name}.svg" for name in FIGURES]
    plot_moods(**moods_study.draw, constructed=constructed, figures=figures)
    for path in figures:
        text = path.read_text(encoding="utf-8")
        assert "simulated data" not in text
        assert ("<!-- constructed data -->" in text) == bool(constructed)


def test_mixes_are_drawn_against_their_known_shares(moods_study, tmp_path):
    figures = [tmp_path / f"{name}.svg" for name in FIGURES]
    draw = {**moods_study.draw, "tracker_is_truth": True}
    plot_moods(**draw, constructed="constructed", figures=figures)
    text = figures[FIGURES.index("series")].read_text(encoding="utf-8")
    assert "Known share of posts" in text and text.count("worst seed") == 3 and "prewhitened" not in text


def test_a_panel_without_survey_is_drawn_all_the_same(moods_study, tmp_path):
    ccf = tmp_path / "ccf.parquet"
    pd.read_parquet(moods_study.tables["ccf"])[:0].to_parquet(ccf)
    results = [ccf if path.stem == "ccf" else path for path in moods_study.draw["results"]]
    series, raw = tmp_path / "series.png", tmp_path / "raw.pdf"
    draw = {**moods_study.draw, "results": results, "tracker": []}
    plot_moods(**draw, constructed=None, figures=[series, raw, tmp_path / "lags.png"])
    assert series.read_bytes().startswith(b"\x89PNG") and raw.read_bytes().startswith(b"%PDF")
