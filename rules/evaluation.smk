"""How good the predictions of a survey are: tables of metrics with their uncertainty, for readers and for figures."""


rule evaluate_votes:
    """Measure every method on every fold, and compare it with the best baseline."""
    input:
        predictions=predictions_of,
        splits=splits_of,
        respondents="results/surveys/{survey}/respondents.parquet",
    output:
        fold_metrics="results/surveys/{survey}/fold_metrics.parquet",
        metrics="results/surveys/{survey}/metrics.parquet",
        comparisons="results/surveys/{survey}/comparisons.parquet",
        shares="results/surveys/{survey}/shares.parquet",
        reliability="results/surveys/{survey}/reliability.parquet",
        absent="results/surveys/{survey}/absent.parquet",
        effective="results/surveys/{survey}/effective.parquet",
        subgroup_metrics="results/surveys/{survey}/subgroup_metrics.parquet",
    log:
        "logs/evaluate_votes/{survey}.log",
    benchmark:
        "benchmarks/evaluate_votes/{survey}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=grows(15),
    params:
        curves=lambda wildcards: learning_curves(conditions_of(wildcards)),
        absences=lambda wildcards: without_answers(conditions_of(wildcards)),
        subgroups=subgroups_of,
        weighted=of_survey("weighted_metrics"),
        code=code_of("evaluate_votes"),
    script:
        "../scripts/evaluate_votes.py"


rule tabulate_votes:
    """Write the tables of a paper, as CSV with all digits and as LaTeX for readers."""
    input:
        fold_metrics="results/surveys/{survey}/fold_metrics.parquet",
        metrics="results/surveys/{survey}/metrics.parquet",
        comparisons="results/surveys/{survey}/comparisons.parquet",
        shares="results/surveys/{survey}/shares.parquet",
        absent="results/surveys/{survey}/absent.parquet",
        effective="results/surveys/{survey}/effective.parquet",
        subgroup_metrics="results/surveys/{survey}/subgroup_metrics.parquet",
    output:
        f1_csv="results/surveys/{survey}/tables/f1.csv",
        f1_tex="results/surveys/{survey}/tables/f1.tex",
        metrics_csv="results/surveys/{survey}/tables/metrics.csv",
        metrics_tex="results/surveys/{survey}/tables/metrics.tex",
        shares_csv="results/surveys/{survey}/tables/shares.csv",
        shares_tex="results/surveys/{survey}/tables/shares.tex",
        comparisons_csv="results/surveys/{survey}/tables/comparisons.csv",
        comparisons_tex="results/surveys/{survey}/tables/comparisons.tex",
        left_out_csv="results/surveys/{survey}/tables/left_out.csv",
        left_out_tex="results/surveys/{survey}/tables/left_out.tex",
        absent_csv="results/surveys/{survey}/tables/absent.csv",
        absent_tex="results/surveys/{survey}/tables/absent.tex",
        effective_csv="results/surveys/{survey}/tables/effective.csv",
        effective_tex="results/surveys/{survey}/tables/effective.tex",
        subgroups_csv="results/surveys/{survey}/tables/subgroups.csv",
        subgroups_tex="results/surveys/{survey}/tables/subgroups.tex",
    log:
        "logs/tabulate_votes/{survey}.log",
    benchmark:
        "benchmarks/tabulate_votes/{survey}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=grows(1000),
        runtime=grows(5),
    params:
        conditions=of_survey("conditions"),
        simulated=is_simulated,
        code=code_of("tabulate_votes"),
    script:
        "../scripts/tabulate_votes.py"


rule plot_votes:
    """Draw the figures of a paper."""
    input:
        fold_metrics="results/surveys/{survey}/fold_metrics.parquet",
        metrics="results/surveys/{survey}/metrics.parquet",
        shares="results/surveys/{survey}/shares.parquet",
        reliability="results/surveys/{survey}/reliability.parquet",
        absent="results/surveys/{survey}/absent.parquet",
        effective="results/surveys/{survey}/effective.parquet",
        subgroup_metrics="results/surveys/{survey}/subgroup_metrics.parquet",
    output:
        f1_by_class="results/surveys/{survey}/figures/f1_by_class.{format}",
        shares="results/surveys/{survey}/figures/shares.{format}",
        learning_curve="results/surveys/{survey}/figures/learning_curve.{format}",
        left_out="results/surveys/{survey}/figures/left_out.{format}",
        reliability="results/surveys/{survey}/figures/reliability.{format}",
        absent="results/surveys/{survey}/figures/absent.{format}",
        effective="results/surveys/{survey}/figures/effective.{format}",
        subgroups="results/surveys/{survey}/figures/subgroups.{format}",
    log:
        "logs/plot_votes/{survey}/{format}.log",
    benchmark:
        "benchmarks/plot_votes/{survey}/{format}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=grows(1000),
        runtime=grows(5),
    params:
        conditions=of_survey("conditions"),
        simulated=is_simulated,
        code=code_of("plot_votes"),
    script:
        "../scripts/plot_votes.py"


rule impute_answers:
    """Merge all predictions into a data set that stands beside the survey's own."""
    input:
        predictions=predictions_of,
    output:
        parquet="results/surveys/{survey}/imputed/answers.parquet",
        csv="results/surveys/{survey}/imputed/answers.csv",
        readme="results/surveys/{survey}/imputed/README.md",
    log:
        "logs/impute_answers/{survey}.log",
    benchmark:
        "benchmarks/impute_answers/{survey}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=grows(10),
    params:
        conditions=lambda wildcards: {
            name: in_words(condition)
            for name, condition in conditions_of(wildcards).items()
        },
        title=lambda wildcards: CODEBOOKS[wildcards.survey].title,
        target=target_of,
        simulated=is_simulated,
        code=code_of("impute_answers"),
    script:
        "../scripts/impute_answers.py"
