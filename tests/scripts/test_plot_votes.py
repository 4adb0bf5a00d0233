import xml.etree.ElementTree as ElementTree

import pytest

from scripts.plot_votes import plot_votes

pytestmark = pytest.mark.slow  # each of two workers would make the whole made-up study


def draw(votes_study, figures, conditions):
    plot_votes(**{**votes_study.about, "conditions": conditions, "simulated": False}, figures=figures)


def test_every_figure_is_well_formed_and_marked_as_simulated(votes_study):
    for path in votes_study.figures.values():
        text = path.read_text(encoding="utf-8")
        assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
        assert "<!-- simulated data -->" in text
        assert "respondent-0" not in text


def test_every_figure_is_written_also_where_a_study_has_no_such_condition(votes_study, tmp_path):
    figures = {name: tmp_path / f"{name}.svg" for name in votes_study.figures}
    draw(votes_study, list(figures.values()), {"full": {}})
    assert all(path.exists() for path in figures.values())
    assert "No learning curve" in figures["learning_curve"].read_text(encoding="utf-8")
    assert "simulated data" not in figures["shares"].read_text(encoding="utf-8")


def test_the_suffix_is_the_format(votes_study, tmp_path):
    png, pdf = tmp_path / "f1_by_class.png", tmp_path / "shares.pdf"
    draw(votes_study, [png, pdf], {"full": {}})
    assert png.read_bytes().startswith(b"\x89PNG") and pdf.read_bytes().startswith(b"%PDF")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
