"""A finished table as a reader sees it: numbers rounded, each with its interval, as CSV, LaTeX and HTML."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

SIMULATED = "Simulated data."
_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "{": r"\{",
        "}": r"\}",
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
    """One cell: a text, and below it in small print its interval and a note, if it has them."""

    text: str
    interval: str = ""
    note: str = ""


@dataclass(frozen=True)
class Group:
    """Rows under a common heading. The first cell of a row is its name."""

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
        """Return the table with the groups of these headings only, or without them."""
        return replace(self, groups=[one for one in self.groups if (one.heading in headings) != without])


def number(value: float, digits: int = 3) -> str:
    """Return a rounded number, with a true minus sign; a dash for NaN."""
    if np.isnan(value):
        return "–"
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", "−")


def interval(low: float, high: float, digits: int = 3) -> str:
    """Return '[low, high]', or nothing if there is no interval."""
    return "" if np.isnan(low) or np.isnan(high) else f"[{number(low, digits)}, {number(high, digits)}]"


def p_value(p: float) -> str:
    """Return a p-value with three digits, or '<.001'."""
    return "<.001" if p < 0.001 else number(p)


def estimate(
    row: "pd.Series[float]", value: str = "value", low: str = "ci_low", high: str = "ci_high"
) -> Cell:
    """Return the cell of an estimate and its interval, from the row of a table."""
    return Cell(number(row[value]), interval(row[low], row[high]))


def to_csv(frame: pd.DataFrame, simulated: bool) -> str:
    """Return a tidy table as CSV, with six significant digits; made-up data has a column that says so."""
    if simulated:
        frame = frame.assign(data="simulated")
    return frame.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def to_latex(table: Table, label: str) -> str:
    """Return a table as LaTeX: a ``table`` for each group of rows, so that each fits a page.

    Parameters
    ----------
    table
        The table.
    label
        What ``\\ref`` calls the first; the others are ``label-2``, ``label-3``, …
    """
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
