import xml.etree.ElementTree as ElementTree

import pandas as pd
import pytest

from scripts.plot_moods import plot_moods
from tests.synthetic_moods import MOODS_FIGURES


def test_every_figure_is_well_formed_and_marked_as_simulated(moods_study):
    for name in MOODS_FIGURES:
        text = moods_study.figures[name].read_text(encoding="utf-8")
        assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
        assert "<!-- simulated data -->" in text


def test_the_paper_figure_has_r_p_and_honest_p_and_shows_the_missing_week(moods_study):
    text = moods_study.figures["series"].read_text(encoding="utf-8")
    assert text.count("honest p") == 3
    assert "<!-- week without estimate -->" in text and "<!-- range over seeds -->" in text


def test_the_same_tables_are_the_same_bytes(moods_study, tmp_path):
    figures = {name: tmp_path / f"{name}.svg" for name in MOODS_FIGURES}
    plot_moods(**moods_study.draw, constructed="simulated", figures=figures)
    assert all(figures[name].read_bytes() == moods_study.figures[name].read_bytes() for name in MOODS_FIGURES)


@pytest.mark.parametrize("constructed", [None, "constructed"])
def test_data_is_marked_as_what_it_is(moods_study, tmp_path, constructed):
    figures = {name: tmp_path / f"{name}.svg" for name in MOODS_FIGURES}
    plot_moods(**moods_study.draw, constructed=constructed, figures=figures)
    for path in figures.values():
        text = path.read_text(encoding="utf-8")
        assert "simulated data" not in text
        assert ("<!-- constructed data -->" in text) == bool(constructed)


def test_mixes_are_drawn_against_their_known_shares(moods_study, tmp_path):
    figures = {name: tmp_path / f"{name}.svg" for name in MOODS_FIGURES}
    draw = {**moods_study.draw, "tracker_is_truth": True}
    plot_moods(**draw, constructed="constructed", figures=figures)
    text = figures["series"].read_text(encoding="utf-8")
    assert "Known share of posts" in text and text.count("of the worst seed") == 3 and "honest p" not in text


def test_a_panel_without_survey_is_drawn_all_the_same(moods_study, tmp_path):
    ccf = tmp_path / "ccf.parquet"
    pd.read_parquet(moods_study.tables["ccf"])[:0].to_parquet(ccf)
    figures = {name: tmp_path / f"{name}.png" for name in MOODS_FIGURES} | {"raw": tmp_path / "raw.pdf"}
    plot_moods(**{**moods_study.draw, "ccf": ccf, "tracker": None}, constructed=None, figures=figures)
    assert figures["series"].read_bytes().startswith(b"\x89PNG")
    assert figures["raw"].read_bytes().startswith(b"%PDF")
