"""The reported results of surveys and panels, and the files that each of them writes.

A new result takes two files: one in ``votes/`` or ``moods/`` that ends in its :class:`~stimmung.report.result.Result`, and this
one. What stands at the head of this file is light, because Snakemake expands the names of all files from it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stimmung.report.panel_results import PanelData, PanelTables
    from stimmung.report.result import Result
    from stimmung.report.survey_results import SurveyData, SurveyTables


@dataclass(frozen=True)
class Files:
    """The names of a result's files, without a suffix; empty for one that it does not have.

    Attributes
    ----------
    data
        A parquet table in the folder of the survey or panel.
    table
        A CSV and a LaTeX table in its folder ``tables``.
    figure
        A figure in its folder ``figures``.
    """

    data: str = ""
    table: str = ""
    figure: str = ""


VOTES = {
    "fold_values": Files(data="fold_metrics"),
    "f1_by_option": Files(table="f1", figure="f1_by_class"),
    "best_baseline": Files(data="comparisons", table="comparisons"),
    "vote_shares": Files(data="shares", table="shares", figure="shares"),
    "learning_curve": Files(figure="learning_curve"),
    "effective_respondents": Files(data="effective", table="effective", figure="effective"),
    "left_out_groups": Files(data="left_out", table="left_out", figure="left_out"),
    "absent_party": Files(data="absent", table="absent", figure="absent"),
    "subgroups": Files(data="subgroup_metrics", table="subgroups", figure="subgroups"),
    "reliability": Files(data="reliability", figure="reliability"),
    "all_metrics": Files(data="metrics", table="metrics"),
}
MOODS = {
    "scaled_series": Files(figure="series"),
    "correlations": Files(data="ccf", table="correlations"),
    "lags": Files(figure="lags"),
    "confirmed_lags": Files(data="confirmations", table="confirmations"),
    "known_mood": Files(data="recovery", table="recovery"),
    "raw_series": Files(figure="raw"),
    "relative_series": Files(figure="relative"),
}


def names(results: dict[str, Files], kind: str) -> list[str]:
    """Return the names of all files of a kind: data, table or figure."""
    return [name for files in results.values() if (name := getattr(files, kind))]


def votes_results() -> "list[Result[SurveyData, SurveyTables]]":
    """Return the results of a survey in the order of the report."""
    from stimmung.report.votes import (
        absent_party,
        all_metrics,
        best_baseline,
        effective_respondents,
        f1_by_option,
        fold_values,
        learning_curve,
        left_out_groups,
        reliability,
        subgroups,
        vote_shares,
    )

    modules = (
        *(fold_values, f1_by_option, best_baseline, vote_shares, learning_curve, effective_respondents),
        *(left_out_groups, absent_party, subgroups, reliability, all_metrics),
    )
    return [module.RESULT for module in modules]


def moods_results() -> "list[Result[PanelData, PanelTables]]":
    """Return the results of a panel in the order of the report."""
    from stimmung.report.moods import (
        confirmed_lags,
        correlations,
        known_mood,
        lags,
        raw_series,
        relative_series,
        scaled_series,
    )

    modules = (
        *(scaled_series, correlations, lags, confirmed_lags, known_mood),
        *(raw_series, relative_series),
    )
    return [module.RESULT for module in modules]
