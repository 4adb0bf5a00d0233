"""One page at the end, and the record of the run that it shows."""

from stimmung.report.provenance import git_state, study_title

SURVEYS_SHOWN = [
    *shown(
        rules.compare_targets.output,
        survey=[name for name in STUDY.selected_surveys() if name in SEVERAL_TARGETS],
    ),
    *[
        path
        for survey, item in SELECT_ALL
        for path in shown(rules.combine_options.output, survey=survey, item=item)
    ],
    *shown(
        rules.evaluate_votes.output.results,
        rules.tabulate_votes.output,
        rules.plot_votes.output,
        survey=ASKED,
    ),
    *shown(
        rules.compare_groups.output,
        survey=[name for name in STUDY.selected_surveys() if name in GROUPED],
    ),
]
PANELS_SHOWN = shown(
    rules.aggregate_answers.output,
    rules.cross_correlate.output,
    rules.tabulate_moods.output,
    rules.plot_moods.output,
    panel=STUDY.selected_panels(),
)


rule record_run:
    """Write down what was run: config, code, versions, data and models, and what it cost."""
    input:
        provenance=expand("results/surveys/{survey}/provenance.json", survey=STUDY.selected_surveys()),
        # Mixed panels and those of signals have no posts to be read; the config says what they are.
        panels=expand(
            "results/panels/{panel}/reading.json",
            panel=[
                name
                for name, panel in STUDY.selected_panels().items()
                if panel.has_posts and panel.mix is None
            ],
        ),
        models=expand("results/models/{model}/model.json", model=STUDY.selected_models()),
        files=own_files,
        after=[*SURVEYS_SHOWN, *PANELS_SHOWN],
    output:
        run="results/run.yaml",
    log:
        "logs/record_run/run.log",
    benchmark:
        "benchmarks/record_run/run.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=grows(500),
        runtime=grows(5),
    params:
        config=STUDY.model_dump(mode="json"),
        git=git_state(Path()),
        benchmarks="benchmarks",
        adapters=[
            *expand("results/surveys/{survey}/adapters", survey=STUDY.run.surveys),
            *expand("results/panels/{panel}/adapters", panel=STUDY.run.panels),
        ],
        code=code_of("record_run"),
    script:
        "../scripts/record_run.py"


rule render_report:
    """Put tables, figures and the record of the run on one page that opens from disk."""
    input:
        run="results/run.yaml",
        surveys=SURVEYS_SHOWN,
        panels=PANELS_SHOWN,
    output:
        report="results/report.html",
    log:
        "logs/render_report/report.log",
    benchmark:
        "benchmarks/render_report/report.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=grows(1000),
        runtime=grows(5),
    params:
        title=study_title(STUDY.report.title, [*map(Path, workflow.configfiles)]),
        code=code_of("render_report"),
    script:
        "../scripts/render_report.py"
