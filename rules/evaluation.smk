"""How good the predictions of a survey are: tables of metrics with their uncertainty, for readers and for figures."""

from stimmung.report.result_registry import LOOKS, VOTES, names


rule evaluate_votes:
    """Measure every method on every fold, and compare it with the best baseline."""
    input:
        predictions=predictions_of,
        splits=splits_of,
        draws=draws_of,
        respondents=respondents_of,
        rectified=rectified_of,
    output:
        results=expand("results/surveys/{{survey}}/{name}.parquet", name=names(VOTES, "data")),
        # By the job that evaluates it: one of its own would take longer to start than to scale.
        calibrated="results/surveys/{survey}/calibrated.parquet",
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
        conditions=of_survey("conditions"),
        subgroups=lambda wildcards: SURVEYS[wildcards.survey].subgroups_in_words(
            CODEBOOKS[parent_of(wildcards.survey)]
        ),
        weighted=of_survey("weighted_metrics"),
        option_values=option_values_of,
        calibration=of_survey("calibration"),
        target=target_of,
        code=code_of("evaluate_votes", without=LOOKS),
    script:
        "../scripts/evaluate_votes.py"


rule tabulate_votes:
    """Write the tables of a paper, as CSV with all digits and as LaTeX for readers."""
    input:
        results=rules.evaluate_votes.output.results,
    output:
        tables=expand(
            "results/surveys/{{survey}}/tables/{name}.{suffix}",
            name=names(VOTES, "table"),
            suffix=["csv", "tex"],
        ),
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
        results=rules.evaluate_votes.output.results,
    output:
        figures=expand("results/surveys/{{survey}}/figures/{name}.{{format}}", name=names(VOTES, "figure")),
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
    """Merge all predictions into a data set that joins the survey's own by respondent."""
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
        conditions=of_survey("conditions"),
        title=lambda wildcards: CODEBOOKS[parent_of(wildcards.survey)].title,
        target=target_of,
        simulated=is_simulated,
        code=code_of("impute_answers"),
    script:
        "../scripts/impute_answers.py"


rule compare_targets:
    """Set all targets of a survey side by side."""
    input:
        metrics=metrics_of_targets,
    output:
        results="results/surveys/{survey}/targets.parquet",
        csv="results/surveys/{survey}/tables/targets.csv",
        latex="results/surveys/{survey}/tables/targets.tex",
    log:
        "logs/compare_targets/{survey}.log",
    benchmark:
        "benchmarks/compare_targets/{survey}.tsv"
    wildcard_constraints:
        survey=one_of(SEVERAL_TARGETS),
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=grows(1000),
        runtime=grows(5),
    params:
        targets=targets_of,
        simulated=is_simulated,
        code=code_of("compare_targets"),
    script:
        "../scripts/compare_targets.py"


rule combine_options:
    """Put the options of a select-all target together."""
    input:
        predictions=predictions_of_options,
        splits=splits_of_options,
        folds=lambda wildcards: [
            f"results/surveys/{view}/fold_metrics.parquet" for view in option_views(wildcards)
        ],
    output:
        results="results/surveys/{survey}/select_all/{item}/predictions.parquet",
        measures="results/surveys/{survey}/select_all/{item}/metrics.parquet",
        csv="results/surveys/{survey}/select_all/{item}/metrics.csv",
        latex="results/surveys/{survey}/select_all/{item}/metrics.tex",
    log:
        "logs/combine_options/{survey}/{item}.log",
    benchmark:
        "benchmarks/combine_options/{survey}/{item}.tsv"
    wildcard_constraints:
        survey=one_of(survey for survey, _ in SELECT_ALL),
        item=one_of(item for _, item in SELECT_ALL),
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=grows(5),
    params:
        item="{item}",
        options=options_of_item,
        sizes=n_predictions_of_options,
        n_splits=n_splits_of_options,
        chosen=chosen_word,
        weighted=of_survey("weighted_metrics"),
        simulated=is_simulated,
        code=code_of("combine_options"),
    script:
        "../scripts/combine_options.py"


rule rectify:
    """Estimate what all respondents would answer from the answers of some and the predictions of all; for surveys with `rectify`."""
    input:
        predictions=predictions_of,
        splits=splits_of,
        respondents=respondents_of,
        codebook=of_survey("codebook"),
    output:
        parquet="results/surveys/{survey}/rectified/estimates.parquet",
        csv="results/surveys/{survey}/rectified/estimates.csv",
        plan="results/surveys/{survey}/rectified/plan.csv",
        readme="results/surveys/{survey}/rectified/README.md",
    log:
        "logs/rectify/{survey}.log",
    benchmark:
        "benchmarks/rectify/{survey}.tsv"
    wildcard_constraints:
        survey=those_that(SURVEYS, lambda survey: survey.rectify is not None),
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=grows(15),
    params:
        settings=of_survey("rectify"),
        conditions=of_survey("conditions"),
        twins=lambda wildcards: {
            name: SURVEYS[wildcards.survey].untuned_twin(name)
            for name in SURVEYS[wildcards.survey].conditions
        },
        language=of_survey("language"),
        title=lambda wildcards: CODEBOOKS[parent_of(wildcards.survey)].title,
        simulated=is_simulated,
        view=view_of,
        code=code_of("rectify"),
    script:
        "../scripts/rectify.py"
