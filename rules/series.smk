"""Weekly series to correlate with the survey: model estimates and baselines; and which correlations can be believed."""

from stimmung.report.result_registry import MOODS, names


rule aggregate_answers:
    """Average answers over wordings and seeds: a weekly series for each answer option."""
    input:
        answers=answers_of,
    output:
        affect="results/panels/{panel}/affect.parquet",
        wordings="results/panels/{panel}/wordings.parquet",
    log:
        "logs/aggregate_answers/{panel}.log",
    benchmark:
        "benchmarks/aggregate_answers/{panel}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=grows(1000),
        runtime=grows(5),
    params:
        scale=of_panel("series", "scale"),
        rolling_weeks=of_panel("series", "rolling_weeks"),
        weigh=of_panel("series", "wordings"),
        select_all=select_all_questions,
        code=code_of("aggregate_answers"),
    script:
        "../scripts/aggregate_answers.py"


rule cross_correlate:
    """Correlate every series with the survey at every lag, and with the mood where it is known."""
    input:
        affect="results/panels/{panel}/affect.parquet",
        wordings="results/panels/{panel}/wordings.parquet",
        words=words_of,
        signals=signals_of,
        tracker=tracker_of,
        truth=truth_of,
    output:
        results=expand("results/panels/{{panel}}/{name}.parquet", name=names(MOODS, "data")),
    log:
        "logs/cross_correlate/{panel}.log",
    benchmark:
        "benchmarks/cross_correlate/{panel}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=grows(30),
    params:
        tracker_is_truth=is_mixed,
        questions=questions_of,
        weeks=weeks_of,
        max_lag_weeks=of_panel("series", "max_lag_weeks"),
        rolling_weeks=of_panel("series", "rolling_weeks"),
        periods=periods_of,
        n_simulations=1999,
        seed=0,
        code=code_of("cross_correlate"),
    script:
        "../scripts/cross_correlate.py"


rule tabulate_moods:
    """Write the tables of a paper, as CSV with all digits and as LaTeX for readers."""
    input:
        results=rules.cross_correlate.output.results,
    output:
        tables=expand(
            "results/panels/{{panel}}/tables/{name}.{suffix}",
            name=names(MOODS, "table"),
            suffix=["csv", "tex"],
        ),
    log:
        "logs/tabulate_moods/{panel}.log",
    benchmark:
        "benchmarks/tabulate_moods/{panel}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=grows(1000),
        runtime=grows(5),
    params:
        rolling_weeks=of_panel("series", "rolling_weeks"),
        constructed=lambda wildcards: STUDY.panels[wildcards.panel].constructed,
        code=code_of("tabulate_moods"),
    script:
        "../scripts/tabulate_moods.py"


rule plot_moods:
    """Draw the figures of a paper."""
    input:
        results=[*rules.aggregate_answers.output, *rules.cross_correlate.output.results],
        tracker=tracker_of,
        words=words_of,
        signals=signals_of,
    output:
        figures=expand("results/panels/{{panel}}/figures/{name}.{{format}}", name=names(MOODS, "figure")),
    log:
        "logs/plot_moods/{panel}/{format}.log",
    benchmark:
        "benchmarks/plot_moods/{panel}/{format}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=grows(1000),
        runtime=grows(5),
    params:
        tracker_is_truth=is_mixed,
        questions=questions_of,
        weeks=weeks_of,
        scale=of_panel("series", "scale"),
        rolling_weeks=of_panel("series", "rolling_weeks"),
        constructed=lambda wildcards: STUDY.panels[wildcards.panel].constructed,
        code=code_of("plot_moods"),
    script:
        "../scripts/plot_moods.py"
