"""What stands in the report, and which files a run is made of."""

SURVEY_TABLES = [
    *["f1", "metrics", "shares", "comparisons", "left_out"],
    *["absent", "effective", "subgroups"],
]
SURVEY_FIGURES = [
    *["f1_by_class", "shares", "learning_curve", "left_out", "reliability"],
    *["absent", "effective", "subgroups"],
]
# What of a survey stands in the report, and beside it for a paper. The page itself shows SVG.
REPORTED_OF_SURVEY = [
    *[
        "fold_metrics.parquet",
        "metrics.parquet",
        "comparisons.parquet",
        "shares.parquet",
        "absent.parquet",
        "effective.parquet",
        "subgroup_metrics.parquet",
    ],
    *expand("tables/{table}.{format}", table=SURVEY_TABLES, format=["csv", "tex"]),
    *expand(
        "figures/{figure}.{format}",
        figure=SURVEY_FIGURES,
        format={"svg", *STUDY.report.formats},
    ),
]

PANEL_TABLES = ["correlations", "confirmations", "recovery"]
PANEL_FIGURES = ["series", "lags", "raw", "relative"]
REPORTED_OF_PANEL = [
    *["affect.parquet", "ccf.parquet", "confirmations.parquet", "recovery.parquet"],
    *expand("tables/{table}.{format}", table=PANEL_TABLES, format=["csv", "tex"]),
    *expand(
        "figures/{figure}.{format}",
        figure=PANEL_FIGURES,
        format={"svg", *STUDY.report.formats},
    ),
]


def panels_read():
    """The panels of this run that have posts to be read; mixed ones say in the config what they are."""
    return [
        name for name, panel in STUDY.selected_panels().items() if panel.mix is None
    ]


def own_files(wildcards):
    """The user's files besides surveys and posts, whose readers record digests: codebooks, trackers, signals, lexicons."""
    files = {survey.codebook for survey in STUDY.selected_surveys().values()}
    for panel in STUDY.selected_panels():
        files |= set(files_beside(panel, "", "results/run.yaml"))
    return sorted(files)
