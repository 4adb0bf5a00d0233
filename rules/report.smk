"""One page at the end, and the record of the run that it shows."""


rule record_run:
    """Write down what was run: config, code, versions, data and models."""
    input:
        provenance=expand(
            "results/surveys/{survey}/provenance.json", survey=STUDY.selected_surveys()
        ),
        panels=expand("results/panels/{panel}/reading.json", panel=panels_read()),
        models=expand(
            "results/models/{model}/model.json", model=STUDY.selected_models()
        ),
        files=own_files,
        # Written when everything else is there, because it says what that cost.
        made=[
            *expand(
                "results/surveys/{survey}/{file}",
                survey=STUDY.selected_surveys(),
                file=REPORTED_OF_SURVEY,
            ),
            *expand(
                "results/panels/{panel}/{file}",
                panel=STUDY.selected_panels(),
                file=REPORTED_OF_PANEL,
            ),
        ],
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
        adapters=[
            *expand("results/surveys/{survey}/adapters", survey=STUDY.run.surveys),
            *expand("results/panels/{panel}/adapters", panel=STUDY.run.panels),
        ],
        revision=git_state(Path()),  # another commit is another run
        code=code_of("record_run"),
    script:
        "../scripts/record_run.py"


rule render_report:
    """Put tables, figures and the record of the run on one page that opens from disk."""
    input:
        run="results/run.yaml",
        surveys=expand(
            "results/surveys/{survey}/{file}",
            survey=STUDY.selected_surveys(),
            file=REPORTED_OF_SURVEY,
        ),
        panels=expand(
            "results/panels/{panel}/{file}",
            panel=STUDY.selected_panels(),
            file=REPORTED_OF_PANEL,
        ),
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
        title=STUDY.report.title,
        code=code_of("render_report"),
    script:
        "../scripts/render_report.py"
