"""How every figure looks, and how it is saved so that the same figure has the same bytes each time."""

import io
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager, get_font
from matplotlib.text import Text
from numpy.typing import NDArray

from stimmung.vocabulary.atomic_files import write_whole
from stimmung.vocabulary.parquet_tables import BASELINE_PREFIX, SIGNAL_PREFIX

WIDTH_INCHES = 7.2  # the text width of a page
INK, FAINT = "#262626", "#8c8c8c"
# Okabe and Ito (2008, Color universal design): told apart by readers with any form of colour blindness. No
# yellow on white.
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
GREYS = ("#4d4d4d", "#7f7f7f", "#a6a6a6")
MARKERS = ("o", "s", "^", "D", "P", "p", "*")
BASELINE_MARKERS = ("X", "<", ">", "d", "v")

FONT = "DejaVu Sans"  # comes with matplotlib, so that a figure looks the same on every machine
# For the characters that it lacks, such as those of Chinese, Japanese, Korean, Arabic, Hebrew, Thai and Indian scripts.
FALLBACK_FONTS = (
    *("Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans CJK KR", "Noto Sans JP", "Noto Sans SC"),
    *("Noto Sans Arabic", "Noto Naskh Arabic", "Noto Sans Hebrew", "Noto Sans Thai", "Noto Sans Devanagari"),
    *("IPAexGothic", "WenQuanYi Zen Hei", "Droid Sans Fallback", "Hiragino Sans", "PingFang SC"),
    *("Yu Gothic", "Microsoft YaHei", "Malgun Gothic", "Segoe UI", "Tahoma", "Arial Unicode MS", "Unifont"),
)

STYLE: dict[Any, Any] = {
    "text.parse_math": False,  # an answer option such as 'Red $1-$2' is no formula
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 8,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e5e5e5",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.2,
    "lines.markersize": 4,
    "lines.markeredgewidth": 0.7,  # a thicker edge would fill the corners
    "figure.constrained_layout.use": True,
    "savefig.bbox": "tight",
    "savefig.pad_inches": 0.04,
    "savefig.dpi": 200,
    "svg.fonttype": "path",  # glyphs as outlines: no font is needed to read the page
    "svg.hashsalt": "stimmung",  # identifiers that do not change from run to run
    "pdf.fonttype": 42,
}


@contextmanager
def figure_style() -> Iterator[None]:
    """Draw and save in the one style of all figures."""
    with mpl.rc_context(), warnings.catch_warnings():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        mpl.rcParams["font.family"] = font_families()
        # Told once for all figures, by whoever saves them.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def font_families() -> list[str]:
    """Return the font of all figures, and the installed ones that draw what it lacks."""
    installed = set(fontManager.get_font_names())
    return [FONT, *(name for name in FALLBACK_FONTS if name in installed)]


def save_figure(figure: Figure, path: Path, mark: str | None = None) -> set[str]:
    """Write a figure in the format of the path's suffix (svg, pdf or png), without a date in it.

    To be called within ``figure_style``.

    Parameters
    ----------
    figure
        The figure.
    path
        Where to write it.
    mark
        'simulated' or 'constructed' data is marked so.

    Returns
    -------
    set of str
        The characters that no installed font can draw; boxes stand in their place.
    """
    if mark:
        label = f"{mark} data"
        figure.text(1, 1.01, label, ha="right", va="bottom", color=PALETTE[1], fontweight="bold")
    kind = path.suffix.removeprefix(".")
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
    content = io.BytesIO()
    figure.savefig(content, format=kind, metadata=metadata)
    write_whole(path, content.getvalue())
    return without_font("".join(text.get_text() for text in figure.findobj(Text)))


def without_font(text: str) -> set[str]:
    """Return the characters of a text that no font of ``font_families`` can draw."""
    fonts = [get_font(fontManager.findfont(FontProperties(family=[name]))) for name in font_families()]
    return {
        letter
        for letter in set(text)
        if not letter.isspace() and not any(font.get_char_index(ord(letter)) for font in fonts)
    }


def note_figure(note: str) -> Figure:
    """Return a figure that only says why there is nothing to draw."""
    figure = Figure(figsize=(WIDTH_INCHES, 0.6))
    figure.text(0.5, 0.5, note, ha="center", va="center", color=FAINT)
    return figure


def remove_empty(grid: NDArray[Any], n_panels: int) -> None:
    """Remove the axes of a grid that hold no panel, and label the ticks of those that are now the lowest."""
    for empty in grid.flat[n_panels:]:
        empty.remove()
    for last in grid.flat[max(0, n_panels - grid.shape[1]) : n_panels]:
        last.tick_params(labelbottom=True)


def as_percent(value: float, _place: float) -> str:
    """Return the label of a tick: a share in per cent, or a difference of shares in percentage points."""
    return f"{100 * value:g}".replace("-", "−")


def is_baseline(method: str) -> bool:
    """Return whether a method, or a weekly series, needs no language model."""
    return method.startswith((BASELINE_PREFIX, SIGNAL_PREFIX))


def language_models_first(methods: Iterable[str]) -> list[str]:
    """Return methods in their order, but baselines last."""
    return sorted(methods, key=is_baseline)


def method_label(method: str) -> str:
    """Return the name of a method in figures and tables."""
    return method.removeprefix(BASELINE_PREFIX)


def method_looks(methods: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return each method's colour and marker: colours for language models, greys for baselines.

    The marker tells apart what the colour does not, also in black and white: no baseline has a language model's.
    """
    arms = [method for method in methods if not is_baseline(method)]
    baselines = [method for method in methods if is_baseline(method)]
    looks = {}
    for colours, shapes, group in ((PALETTE, MARKERS, arms), (GREYS, BASELINE_MARKERS, baselines)):
        for place, method in enumerate(group):
            looks[method] = (colours[place % len(colours)], shapes[place % len(shapes)])
    return {method: looks[method] for method in methods}
