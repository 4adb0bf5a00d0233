import xml.etree.ElementTree as ElementTree

from scripts.plot_votes import plot_votes
from tests.synthetic_votes import MORE, VOTES_FIGURES


def draw(votes_study, figures, conditions):
    names = ("fold_metrics", "metrics", "shares", "reliability", *MORE)
    tables = {name: votes_study.tables[name] for name in names}
    plot_votes(**tables, conditions=conditions, simulated=False, figures=figures)


def test_every_figure_is_well_formed_and_marked_as_simulated(votes_study):
    for name in VOTES_FIGURES:
        text = votes_study.figures[name].read_text(encoding="utf-8")
        assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
        assert "<!-- simulated data -->" in text
        assert "respondent-0" not in text


def test_every_figure_is_written_also_where_a_study_has_no_such_condition(votes_study, tmp_path):
    figures = {name: tmp_path / f"{name}.svg" for name in VOTES_FIGURES}
    draw(votes_study, figures, {"full": {}})
    assert all(path.exists() for path in figures.values())
    assert "No learning curve" in figures["learning_curve"].read_text(encoding="utf-8")
    assert "Nothing to compare" in figures["left_out"].read_text(encoding="utf-8")
    assert "simulated data" not in figures["shares"].read_text(encoding="utf-8")


def test_the_suffix_is_the_format(votes_study, tmp_path):
    figures = {name: tmp_path / f"{name}.png" for name in VOTES_FIGURES} | {"shares": tmp_path / "shares.pdf"}
    draw(votes_study, figures, {"full": {}})
    assert figures["f1_by_class"].read_bytes().startswith(b"\x89PNG")
    assert figures["shares"].read_bytes().startswith(b"%PDF")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
