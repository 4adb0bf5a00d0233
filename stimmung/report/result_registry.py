"""The reported results of surveys and panels in the order of the report, and the files that each of them writes.

A new result is a file in ``votes/``, ``distributions/`` or ``moods/`` that ends in ``RESULT = …``, and its line here. This file is
light, because Snakemake expands the names of all files from it.
"""

from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stimmung.report.result import Result


@dataclass(frozen=True)
class Files:
    """The names of a result's files, without a suffix: a stored parquet table, a table for readers and a figure, if it has them."""

    data: str = ""
    table: str = ""
    figure: str = ""


VOTES = {
    "fold_values": Files(data="fold_metrics"),
    "f1_by_option": Files(table="f1", figure="f1_by_class"),
    "best_baseline": Files(data="comparisons", table="comparisons"),
    "vote_shares": Files(data="shares", table="shares", figure="shares"),
    "sampling_design": Files(data="sampling_design", table="sampling_design"),
    "rectified_shares": Files(data="rectified", table="rectified"),
    "learning_curve": Files(figure="learning_curve"),
    "effective_respondents": Files(data="effective", table="effective", figure="effective"),
    "left_out_groups": Files(data="left_out", table="left_out", figure="left_out"),
    "left_out_shares": Files(data="left_out_shares", table="left_out_shares"),
    "absent_party": Files(data="absent", table="absent", figure="absent"),
    "subgroups": Files(data="subgroup_metrics", table="subgroups", figure="subgroups"),
    "imputed_shares": Files(data="estimates", table="estimates", figure="estimates"),
    "reliability": Files(data="reliability", figure="reliability"),
    "option_reliability": Files(data="option_reliability", figure="option_reliability"),
    "scaled_calibration": Files(data="calibration", table="calibration"),
    "answers_compared": Files(data="fidelity", table="fidelity", figure="fidelity"),
    "relations_compared": Files(data="fidelity_parts", table="fidelity_parts", figure="fidelity_parts"),
    "all_metrics": Files(data="metrics", table="metrics"),
}
DISTRIBUTIONS = {"distances": Files(data="distributions", table="distributions", figure="distributions")}
MOODS = {
    "scaled_series": Files(figure="series"),
    "correlations": Files(data="ccf", table="correlations"),
    "lags": Files(figure="lags"),
    "confirmed_lags": Files(data="confirmations", table="confirmations"),
    "periods": Files(data="periods", table="periods", figure="periods"),
    "weeks_compared": Files(data="series_weeks", table="series_weeks"),
    "known_mood": Files(data="recovery", table="recovery"),
    "option_mass": Files(data="wording_mass", table="wording_mass"),
    "wording_series": Files(figure="wordings"),
    "raw_series": Files(figure="raw"),
    "relative_series": Files(figure="relative"),
}

# Files that say how figures and pages look. A result is computed without them, so that their edit computes nothing anew.
LOOKS = ("figures.mplstyle", "style.py", "page.css", "page.html", "page.py")


def names(results: dict[str, Files], kind: str) -> list[str]:
    """Return the names of all files of a kind: data, table or figure."""
    return [name for files in results.values() if (name := getattr(files, kind))]


def load(package: str, results: dict[str, Files]) -> "list[Result[Any, Any]]":
    """Return the results of a package, whose modules have their names, in the order of the report."""
    modules = {name: import_module(f"{package}.{name}") for name in results}
    return [replace(module.RESULT, files=results[name]) for name, module in modules.items()]
