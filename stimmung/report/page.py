"""The report as one HTML file that opens from disk: chapters in, text out, whatever they are about."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from stimmung.report.tables import SIMULATED, Table
from stimmung.vocabulary.errors import InputError

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str
    kind: str = field(default="text", init=False)


@dataclass(frozen=True)
class Notice:
    """A paragraph that must not be overlooked."""

    text: str
    kind: str = field(default="notice", init=False)


@dataclass(frozen=True)
class Points:
    """A list of points."""

    points: Sequence[str]
    kind: str = field(default="points", init=False)


@dataclass(frozen=True)
class Facts:
    """Names and values, e.g. 'Revision' and '3f2a…'."""

    facts: Sequence[tuple[str, str]]
    kind: str = field(default="facts", init=False)


@dataclass(frozen=True)
class Code:
    """Text to copy, as it stands. With a summary it is folded away until it is asked for, or printed."""

    text: str
    summary: str = ""
    kind: str = field(default="code", init=False)


@dataclass(frozen=True)
class Shown:
    """A table in the page, and the files that hold it for a paper or a program.

    Groups of rows whose headings are in ``folded`` are folded away until they are asked for, or printed.
    """

    table: Table
    files: Sequence[str] = ()
    folded: Collection[str] = ()
    kind: str = field(default="table", init=False)


@dataclass(frozen=True)
class Picture:
    """A figure in the page.

    Attributes
    ----------
    svg
        The file. It becomes part of the page.
    caption
        What is to be seen, and what whiskers and bands are.
    alt
        What it shows, for those who do not see it.
    """

    svg: Path
    caption: str
    alt: str
    kind: str = field(default="figure", init=False)


Block = Text | Notice | Points | Facts | Code | Shown | Picture


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
    """Return the page as HTML that needs no other file and no network.

    Parameters
    ----------
    title, subtitle
        The heading, and the line below it.
    notices
        What a reader must know before all else.
    sections
        The chapters, in order.
    """
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["anchor"] = anchor
    environment.filters["inline"] = inline_svg
    # Our own style sheet, so not escaped: a '>' is a selector there.
    style = Markup((HERE / "page.css").read_text(encoding="utf-8"))
    return environment.get_template("page.html").render(
        title=title,
        subtitle=subtitle,
        notices=notices,
        sections=sections,
        style=style,
        mark=SIMULATED.rstrip("."),
    )


def anchor(*names: str) -> str:
    """Return an address within the page: lower case, words joined by dashes."""
    return "-".join(re.sub(r"\W+", "-", name.lower()).strip("-") for name in names)


def inline_svg(figure: Picture, prefix: str) -> Markup:
    """Return the figure's SVG as a part of HTML.

    Its identifiers get a prefix: two figures of a page may not share one. Metadata leaves, for it names no
    source that the page has not, and a reader's eye and a request filter both trip over its addresses.

    Raises
    ------
    InputError
        If the file is no SVG.
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
