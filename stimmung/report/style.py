"""How every figure looks, and how it is saved so that the same figure has the same bytes each time."""

import io
import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
import matplotlib.style
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager, get_font
from matplotlib.text import Text

from stimmung.vocabulary.atomic_files import write_atomic
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


@contextmanager
def figure_style() -> Iterator[None]:
    """Draw and save in the one style of all figures."""
    with mpl.rc_context(), warnings.catch_warnings():
        mpl.rcdefaults()
        mpl.style.use(Path(__file__).parent / "figures.mplstyle")
        mpl.rcParams["font.family"] = font_families()
        # Told once for all figures, by whoever saves them.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def font_families() -> list[str]:
    """Return the font of all figures, and the installed ones that draw what it lacks."""
    installed = set(fontManager.get_font_names())
    return [FONT, *(name for name in FALLBACK_FONTS if name in installed)]


def save_figure(figure: Figure, path: Path, mark: str | None = None) -> set[str]:
    """Write a figure in the format of the path's suffix (svg, pdf or png), without a date in it, within ``figure_style``.

    ``mark`` is 'simulated' or 'constructed' if the data is. Returned are the characters that no installed font can draw; boxes
    stand in their place.
    """
    if mark:
        label = f"{mark} data"
        figure.text(1, 1.01, label, ha="right", va="bottom", color=PALETTE[1], fontweight="bold")
    kind = path.suffix.removeprefix(".")
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
    content = io.BytesIO()
    figure.savefig(content, format=kind, metadata=metadata)
    write_atomic(path, content.getvalue())
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


def panel_figure(
    n_panels: int,
    in_a_row: int,
    row_inches: float,
    more_inches: float,
    sharey: bool = True,
    sharex: bool = True,
) -> tuple[Figure, list[Axes]]:
    """Return a figure of panels of equal size that share their axes; the lowest of each column have its labels."""
    across = min(in_a_row, n_panels)
    down = math.ceil(n_panels / across)
    figure = Figure(figsize=(WIDTH_INCHES, down * row_inches + more_inches))
    panels = list(figure.subplots(down, across, sharex=sharex, sharey=sharey, squeeze=False).flat)
    for empty in panels[n_panels:]:
        empty.remove()
    for lowest in panels[max(0, n_panels - across) : n_panels]:
        lowest.tick_params(labelbottom=True)
    return figure, panels[:n_panels]


def label_rows(axes: Axes, labels: Sequence[str], margin: float) -> None:
    """Label the rows of a panel, which are at 0, 1, … from the top, without ticks and grid lines."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 1 + margin, -margin)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)


def add_legend_beside(figure: Figure, axes: Axes) -> None:
    """Put the legend of what is drawn on ``axes`` beside the figure."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center")


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
    """Return each method's colour and marker, language models first: those in colours, baselines in greys.

    The marker tells apart what the colour does not, also in black and white: no baseline has a language model's.
    """
    looks = {}
    for baseline, colours, shapes in ((False, PALETTE, MARKERS), (True, GREYS, BASELINE_MARKERS)):
        for place, method in enumerate(one for one in methods if is_baseline(one) == baseline):
            looks[method] = (colours[place % len(colours)], shapes[place % len(shapes)])
    return looks


def looks_of_present(rows: pd.DataFrame, methods: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return colour and marker of the methods that have rows; ``methods`` are all, so that each looks as in other figures."""
    present = set(rows["method"])
    return {method: look for method, look in method_looks(methods).items() if method in present}
