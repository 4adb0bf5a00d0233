"""The report as one HTML file that opens from disk: chapters in, text out, whatever they are about."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from stimmung.report.tables import SIMULATED, Table
from stimmung.vocabulary.errors import InputError

HERE = Path(__file__).parent


class Block:
    """A block of a part; the template shows each kind in its way."""

    @property
    def kind(self) -> str:
        """The name of the class."""
        return type(self).__name__


@dataclass(frozen=True)
class Text(Block):
    """A paragraph."""

    text: str


class Notice(Text):
    """A paragraph that must not be overlooked."""


@dataclass(frozen=True)
class Points(Block):
    """A list of points."""

    points: Sequence[str]


@dataclass(frozen=True)
class Facts(Block):
    """Names and values, e.g. 'Revision' and '3f2a…'."""

    facts: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Code(Block):
    """Text to copy. With a summary it is folded away until a reader opens it, or prints the page."""

    text: str
    summary: str = ""


@dataclass(frozen=True)
class Shown(Block):
    """A table in the page, and its files for a paper or a program.

    Groups of rows whose headings are in ``folded`` are folded away until a reader opens them, or prints the page.
    """

    table: Table
    files: Sequence[str] = ()
    folded: Collection[str] = ()


@dataclass(frozen=True)
class Picture(Block):
    """A figure whose SVG file becomes part of the page; ``alt`` says what it shows to readers who cannot see it."""

    svg: Path
    caption: str
    alt: str


@dataclass(frozen=True)
class Part:
    """A titled part of a section."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Section:
    """A chapter of the page. ``name`` is its address in the page; simulated data is marked in its heading."""

    name: str
    title: str
    parts: Sequence[Part]
    simulated: bool = False


def render_page(title: str, subtitle: str, notices: Sequence[str], sections: Sequence[Section]) -> str:
    """Return the page as HTML that needs no other file and no network; ``notices`` stand before the chapters."""
    # Our own style sheet, so not escaped: a '>' is a selector there.
    style = Markup((HERE / "page.css").read_text(encoding="utf-8"))
    told = {"title": title, "subtitle": subtitle, "notices": notices, "sections": sections}
    page = _templates().get_template("page.html")
    return page.render(told, style=style, mark=SIMULATED.rstrip("."))


def paragraphs(template: str, **values: object) -> list[str]:
    """Return the paragraphs of a text file beside this one, filled with ``values``."""
    text = _templates().get_template(template).render(values)
    return [one.strip().replace("\n", " ") for one in re.split(r"\n{2,}", text) if one.strip()]


def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"anchor": anchor, "inline": inline_svg}
    return environment


def anchor(*names: str) -> str:
    """Return an address within the page: lower case, words joined by dashes."""
    return "-".join(re.sub(r"\W+", "-", name.lower()).strip("-") for name in names)


def inline_svg(figure: Picture, prefix: str) -> Markup:
    """Return the figure's SVG as a part of HTML, or raise InputError if it is none.

    Its identifiers get a prefix: two figures of a page may not share one. Metadata is left out, since a request filter may
    take its addresses for requests.
    """
    text = figure.svg.read_text(encoding="utf-8")
    start = text.find("<svg")
    if start < 0:
        raise InputError(f"{figure.svg} is no SVG file", "Delete it and run snakemake again.")
    text = re.sub(r"<metadata>.*?</metadata>", "", text[start:], flags=re.DOTALL)
    text = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}-\1"', text)
    text = re.sub(r'(xlink:href="|href="|url\()#', rf"\g<1>#{prefix}-", text)
    text = text.replace("<svg", f'<svg role="img" aria-label="{Markup.escape(figure.alt)}"', 1)
    return Markup(text)
