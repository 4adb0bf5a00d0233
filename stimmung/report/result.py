"""A reported result: what is computed and stored of it, and how it is shown as a table, as a figure and in the report."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import pandas as pd
import pandera.pandas as pa
from matplotlib.figure import Figure

from stimmung.report.page import Block, Part, Picture, Shown, Text
from stimmung.report.result_registry import Files
from stimmung.report.style import figure_style, method_label, save_figure
from stimmung.report.tables import Table, to_csv, to_latex
from stimmung.vocabulary.atomic_files import write_atomic
from stimmung.vocabulary.errors import warn
from stimmung.vocabulary.parquet_tables import read_table, write_table

logger = logging.getLogger(__name__)

NO_FILES = Files()


@dataclass(frozen=True, kw_only=True)
class Tables:
    """The stored tables of one survey or panel by name; ``mark`` is 'simulated' or 'constructed' if the data is."""

    frames: Mapping[str, pd.DataFrame]
    mark: str | None = None

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self.frames[name]

    @property
    def subjects(self) -> list[str]:
        """The methods that results are about."""
        raise NotImplementedError

    @property
    def folded(self) -> Collection[str]:
        """The headings of groups of rows that are folded away in the report."""
        return ()


DataT = TypeVar("DataT")
TablesT = TypeVar("TablesT", bound=Tables)


@dataclass(frozen=True, kw_only=True)
class Result(Generic[DataT, TablesT]):
    """One result of a survey or of a panel; what it does not have is left out."""

    # The stored table, and how it is computed.
    schema: pa.DataFrameSchema | None = None
    compute: Callable[[DataT], pd.DataFrame] | None = None
    # The table for readers, and the rows of its CSV: by default the stored table.
    table: Callable[[TablesT], Table] | None = None
    rows: Callable[[TablesT], pd.DataFrame] | None = None
    # Drawn always; where there is nothing to be seen, it says why. The caption says what is to be seen.
    figure: Callable[[TablesT], Figure] | None = None
    caption: str | Callable[[TablesT], str] = ""
    # The heading in the report, without which it is not shown there, and a paragraph below it.
    title: str | Callable[[TablesT], str] = ""
    text: str = ""
    # Whether the report has this part: by default, unless the stored table has no rows.
    shown: Callable[[TablesT], bool] | None = None
    # The headings of the table's groups that are folded away in the report: by default those of ``tables.folded``.
    folded: Callable[[TablesT], Collection[str]] | None = None
    # Its entry in the registry, which sets it.
    files: Files = NO_FILES

    def is_shown(self, tables: TablesT) -> bool:
        """Return whether the report has this part."""
        if self.shown:
            return self.shown(tables)
        return bool(self.title) and not (self.files.data and tables[self.files.data].empty)

    def part(self, tables: TablesT, figures: Mapping[str, Path], files: Mapping[str, Sequence[str]]) -> Part:
        """Return the part of the report: text, figure and table."""
        title = _said(self.title, tables)
        blocks: list[Block] = [Text(self.text)] if self.text else []
        if self.figure:
            mark = f" {tables.mark.capitalize()} data." if tables.mark else ""
            caption = _said(self.caption, tables) + mark
            subjects = ", ".join(map(method_label, tables.subjects))
            alt = f"{': '.join([title, *filter(None, [subjects])])}. The tables have the numbers."
            blocks.append(Picture(figures[self.files.figure], caption, alt))
        if self.table:
            table = self.table(tables).marked(tables.mark)
            folded = self.folded(tables) if self.folded else tables.folded
            blocks.append(Shown(table, files.get(self.files.table, ()), folded))
        return Part(title, blocks)


Results = Sequence[Result[Any, Any]]


def _said(text: str | Callable[[TablesT], str], tables: TablesT) -> str:
    return text if isinstance(text, str) else text(tables)


def parts_of(
    results: Results, tables: Tables, figures: Mapping[str, Path], files: Mapping[str, Sequence[str]]
) -> list[Part]:
    """Return the parts of the report; ``figures`` are SVG files, ``files`` addresses of tables for download, by name."""
    return [one.part(tables, figures, files) for one in results if one.is_shown(tables)]


def compute_results(results: Results, data: Any, paths: Sequence[Path]) -> None:
    """Compute the results stored at ``paths``, and write them once all are computed."""
    chosen = [next(one for one in results if one.files.data == path.stem) for path in paths]
    computed = [one.compute(data) for one in chosen if one.compute]
    for path, result, table in zip(paths, chosen, computed, strict=True):
        assert result.schema is not None
        write_table(table, path, result.schema)


def read_results(
    results: Results, paths: Sequence[Path], **more: pa.DataFrameSchema
) -> dict[str, pd.DataFrame]:
    """Read stored tables by name; ``more`` are the schemas of those that are no result."""
    schemas = {one.files.data: one.schema for one in results if one.schema is not None} | more
    return {path.stem: read_table(path, schemas[path.stem]) for path in paths}


def tabulate_results(results: Results, tables: Tables, paths: Sequence[Path]) -> None:
    """Write tables for readers: as CSV with the numbers as they are, as LaTeX rounded."""
    by_name = {one.files.table: one for one in results if one.table}
    for path in paths:
        result = by_name[path.stem]
        if path.suffix == ".csv":
            rows = result.rows(tables) if result.rows else tables[result.files.data]
            write_atomic(path, to_csv(rows, tables.mark))
        elif result.table:
            write_atomic(path, to_latex(result.table(tables).marked(tables.mark), f"tab:{path.stem}"))


def plot_results(results: Results, tables: Tables, paths: Sequence[Path]) -> None:
    """Draw figures; the suffix of a path is the format: svg, pdf or png."""
    draw = {one.files.figure: one.figure for one in results if one.figure}
    with figure_style():
        undrawn = [save_figure(draw[path.stem](tables), path, tables.mark) for path in paths]
    if letters := sorted(set().union(*undrawn)):
        warn(
            logger,
            f"no installed font has {' '.join(letters)}; figures show boxes in their place. "
            "Install a font for this script, such as Noto Sans CJK or Noto Sans Arabic, and delete the figures.",
        )
