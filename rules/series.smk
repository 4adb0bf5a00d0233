"""From answers to weekly series, and from series to what of them can be believed beside a survey."""


rule aggregate_answers:
    """Average answers over wordings and seeds: a weekly series for each answer option."""
    input:
        answers=answers_of,
    output:
        affect="results/panels/{panel}/affect.parquet",
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
        code=code_of("aggregate_answers"),
    script:
        "../scripts/aggregate_answers.py"


rule cross_correlate:
    """Hold every series against the survey at every lag, and against the mood where it is known."""
    input:
        affect="results/panels/{panel}/affect.parquet",
        words="results/panels/{panel}/words.parquet",
        signals=signals_of,
        tracker=tracker_of,
        truth=truth_of,
    output:
        ccf="results/panels/{panel}/ccf.parquet",
        confirmations="results/panels/{panel}/confirmations.parquet",
        recovery="results/panels/{panel}/recovery.parquet",
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
        questions=questions_of,
        weeks=lambda wildcards: weeks_of(wildcards.panel),
        tracker_is_truth=is_mixed,
        max_lag_weeks=of_panel("series", "max_lag_weeks"),
        rolling_weeks=of_panel("series", "rolling_weeks"),
        n_resamples=1000,
        n_simulations=1999,
        seed=0,
        code=code_of("cross_correlate"),
    script:
        "../scripts/cross_correlate.py"


rule tabulate_moods:
    """Write the tables of a paper, as CSV with all digits and as LaTeX for readers."""
    input:
        ccf="results/panels/{panel}/ccf.parquet",
        confirmations="results/panels/{panel}/confirmations.parquet",
        recovery="results/panels/{panel}/recovery.parquet",
    output:
        correlations_csv="results/panels/{panel}/tables/correlations.csv",
        correlations_tex="results/panels/{panel}/tables/correlations.tex",
        confirmations_csv="results/panels/{panel}/tables/confirmations.csv",
        confirmations_tex="results/panels/{panel}/tables/confirmations.tex",
        recovery_csv="results/panels/{panel}/tables/recovery.csv",
        recovery_tex="results/panels/{panel}/tables/recovery.tex",
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
        affect="results/panels/{panel}/affect.parquet",
        ccf="results/panels/{panel}/ccf.parquet",
        recovery="results/panels/{panel}/recovery.parquet",
        tracker=tracker_of,
    output:
        series="results/panels/{panel}/figures/series.{format}",
        lags="results/panels/{panel}/figures/lags.{format}",
        raw="results/panels/{panel}/figures/raw.{format}",
        relative="results/panels/{panel}/figures/relative.{format}",
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
        questions=questions_of,
        weeks=lambda wildcards: weeks_of(wildcards.panel),
        tracker_is_truth=is_mixed,
        scale=of_panel("series", "scale"),
        rolling_weeks=of_panel("series", "rolling_weeks"),
        constructed=lambda wildcards: STUDY.panels[wildcards.panel].constructed,
        code=code_of("plot_moods"),
    script:
        "../scripts/plot_moods.py"
