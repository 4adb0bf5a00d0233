import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from stimmung.report.page import (
    Code,
    Facts,
    Notice,
    Part,
    Picture,
    Points,
    Section,
    Shown,
    Text,
    anchor,
    inline_svg,
    render_page,
)
from stimmung.report.tables import Cell, Group, Table
from stimmung.vocabulary.errors import InputError

SVG = """<?xml version="1.0"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 10 10" xmlns="http://www.w3.org/2000/svg">
<metadata><rdf:about href="http://purl.org/dc/dcmitype/StillImage"/></metadata>
<defs><clipPath id="p1"><rect/></clipPath><path id="glyph"/></defs>
<g id="figure_1" clip-path="url(#p1)"><use xlink:href="#glyph"/></g>
</svg>
"""


class Document(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.sources, self.tags, self.text, self.open = [], [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            if name in ("href", "xlink:href"):
                self.links.append(value)
            if name in ("src", "srcset", "data", "poster", "action"):
                self.sources.append(value)

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "f1.svg"
    path.write_text(SVG, encoding="utf-8")
    return Picture(path, "What is to be seen.", 'F1 of "Clinton" & Dole')


@pytest.fixture
def page(picture):
    table = Table(
        "All of it.", ["Method", "F1"], [Group("full", [[Cell("<b>tuned</b>"), Cell("0.9", "[0.8, 1.0]")]])]
    )
    folded = Table(
        "All.",
        ["Method", "F1"],
        [Group("full", [[Cell("a"), Cell("1")]]), Group("x", [[Cell("b"), Cell("2")]])],
    )
    blocks = [Text("A & B"), Notice("Mind"), Points(["one", "two"]), Facts([("Revision", "abc")])]
    parts = [
        Part("In short", blocks),
        Part(
            "Figures", [picture, picture, Shown(table, ["surveys/a/tables/f1.csv"]), Shown(folded, (), {"x"})]
        ),
        Part("Code", [Code("a < b"), Code("x: 1", "Config")]),
    ]
    sections = [Section("a", "Survey A", parts, simulated=True), Section("b", "Survey B", parts)]
    return render_page("A title", "A subtitle", ["Not of this world."], sections)


def test_identifiers_are_unique_and_every_inner_link_has_its_target(page):
    document = Document(page)
    assert len(document.ids) == len(set(document.ids))
    inner = [link.removeprefix("#") for link in document.links if link.startswith("#")]
    assert len(inner) > 8 and set(inner) <= set(document.ids)
    clips = re.findall(r"url\(#([^)]+)\)", page)
    assert clips and set(clips) <= set(document.ids)


def test_nothing_is_loaded_from_elsewhere(page):
    document = Document(page)
    assert document.sources == []
    assert not {"script", "iframe", "img", "object", "embed", "base"} & set(document.tags)
    assert not [link for link in document.links if "//" in link]
    assert "@import" not in page and "url(http" not in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page


def test_what_is_given_is_text_and_no_markup(page):
    assert "<b>tuned</b>" not in page and "&lt;b&gt;tuned&lt;/b&gt;" in page
    assert "A &amp; B" in page and "a &lt; b" in page
    assert 'aria-label="F1 of &#34;Clinton&#34; &amp; Dole"' in page


def test_simulated_data_is_marked_in_the_heading_of_its_chapter_only(page):
    headings = re.findall(r"<h2>(.*?)</h2>", page)
    assert ["Simulated data" in heading for heading in headings] == [True, False]


def test_folded_groups_are_in_the_page_but_folded(page):
    folded = re.findall(r"<details><summary>More: (.*?)</summary>(.*?)</details>", page, flags=re.DOTALL)
    assert [summary for summary, _ in folded] == ["x", "x"]
    assert '<th scope="row">b</th>' in folded[0][1] and '<th scope="row">a</th>' not in folded[0][1]


def test_an_svg_without_metadata_or_prolog_becomes_part_of_the_page(picture):
    text = inline_svg(picture, "here")
    assert text.startswith("<svg") and "metadata" not in text and "DOCTYPE" not in text
    assert 'id="here-glyph"' in text and 'xlink:href="#here-glyph"' in text and "url(#here-p1)" in text


def test_a_file_that_is_no_svg_is_named(tmp_path):
    path = tmp_path / "broken.svg"
    path.write_text("not a figure")
    with pytest.raises(InputError, match=r"broken\.svg"):
        inline_svg(Picture(path, "", ""), "x")


def test_anchors():
    assert anchor("Grüne & SPD: F1, 50 %") == "grüne-spd-f1-50"
    assert anchor("a", "In short") == "a-in-short"


def test_same_sections_same_bytes(picture):
    sections = [Section("a", "A", [Part("P", [picture])])]
    assert render_page("t", "s", [], sections) == render_page("t", "s", [], sections)


def test_template_and_style_come_with_the_package():
    from stimmung.report import page as module

    folder = Path(module.__file__).parent
    assert (folder / "page.html").exists() and (folder / "page.css").exists()
