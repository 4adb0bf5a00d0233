"""Tables for readers, with rounded numbers and their intervals, and their LaTeX; tables for programs as CSV."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

SIMULATED = "Simulated data."
DASH = "–"
_LATEX = str.maketrans(
    {letter: f"\\{letter}" for letter in "&%$#_{}"}
    | {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": "$<$",
        ">": "$>$",
        "−": "$-$",
        "\u00a0": "~",
        "↑": r"$\uparrow$",
        "↓": r"$\downarrow$",
        "ρ": r"$\rho$",
    }
)


@dataclass(frozen=True)
class Cell:
    """One cell: a text, and below it in small print its interval and a note, if any."""

    text: str
    interval: str = ""
    note: str = ""


@dataclass(frozen=True)
class Group:
    """Rows under a common heading. The first cell of a row names it."""

    heading: str
    rows: list[list[Cell]]


@dataclass(frozen=True)
class Table:
    """A table for readers: a caption, column headings, and groups of rows."""

    caption: str
    columns: list[str]
    groups: list[Group]
    simulated: bool = field(default=False, kw_only=True)

    def only(self, headings: Collection[str], without: bool = False) -> "Table":
        """Return the table with only the groups of these headings, or without them."""
        return replace(self, groups=[one for one in self.groups if (one.heading in headings) != without])

    def marked(self, mark: str | None) -> "Table":
        """Return the table marked as of 'simulated' or 'constructed' data, or as it is."""
        if mark == "constructed":
            note = " Constructed weeks: nobody wrote these posts in them."
            return replace(self, caption=self.caption + note)
        return replace(self, simulated=mark == "simulated")


Row: TypeAlias = "pd.Series[Any]"


def number(value: float, digits: int = 3) -> str:
    """Return a rounded number, with a true minus sign; a dash for NaN."""
    if np.isnan(value):
        return DASH
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", "−")


def interval(low: float, high: float, digits: int = 3) -> str:
    """Return '[low, high]', or nothing if there is no interval."""
    return "" if np.isnan(low) or np.isnan(high) else f"[{number(low, digits)}, {number(high, digits)}]"


def p_value(p: float) -> str:
    """Return a p-value with three digits, or '<.001'."""
    return "<.001" if p < 0.001 else number(p)


def estimate(row: Row, value: str = "value") -> Cell:
    """Return the cell of an estimate and its interval, from the row of a table."""
    return Cell(number(row[value]), interval(row["ci_low"], row["ci_high"]))


def percentage(row: Row, value: str, low: str = "ci_low", high: str = "ci_high", note: str = "") -> Cell:
    """Return the cell of a share in per cent, or of a difference in percentage points, and its interval."""
    return Cell(number(100 * row[value], 1), interval(100 * row[low], 100 * row[high], 1), note)


def to_csv(frame: pd.DataFrame, mark: str | None) -> str:
    """Return a tidy table as CSV, with six significant digits; a column ``data`` marks simulated or constructed data."""
    marked = frame.assign(data=mark) if mark else frame
    return marked.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def to_latex(table: Table, label: str) -> str:
    """Return a table as LaTeX: a ``table`` for each group of rows, so that each fits a page: ``label``, ``label-2``, …"""
    parts = [r"% Needs \usepackage{booktabs,adjustbox}, and UTF-8 input."]
    for place, group in enumerate(table.groups, start=1):
        caption = f"{group.heading}. {table.caption}" if group.heading else table.caption
        if table.simulated:
            caption += f" {SIMULATED}"
        parts += [
            "",
            r"\begin{table}",
            r"\centering\footnotesize",
            rf"\caption{{{escape_latex(caption)}}}",
            rf"\label{{{label}{'' if place == 1 else f'-{place}'}}}",
            r"\smallskip",
            r"\begin{adjustbox}{max width=\textwidth}",
            rf"\begin{{tabular}}{{l{'r' * (len(table.columns) - 1)}}}",
            r"\toprule",
            _latex_row([escape_latex(name) for name in table.columns]),
            r"\midrule",
            *(_latex_row([_latex_cell(cell) for cell in row]) for row in group.rows),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{adjustbox}",
            r"\end{table}",
        ]
    return "\n".join([*parts, ""])


def escape_latex(text: str) -> str:
    """Return text that LaTeX shows as it stands."""
    return text.translate(_LATEX)


def _latex_cell(cell: Cell) -> str:
    small = [rf"{{\scriptsize {escape_latex(line)}}}" for line in (cell.interval, cell.note) if line]
    lines = r"\\[-1pt]".join([escape_latex(cell.text), *small])
    return rf"\begin{{tabular}}[t]{{@{{}}r@{{}}}}{lines}\end{{tabular}}" if small else lines


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"
