"""Multiple imputation of a survey: draws of absent answers, and the stacked data that R and Stata pool."""


rule train_imputation_adapters:
    """Tune an adapter for each imputation on a bootstrap sample of those whose answer is known, as one cohort."""
    input:
        base="results/models/{model}/model.json",
        respondents=respondents_of,
        prompts=prompts_of,
        splits="results/surveys/{survey}/splits/{condition}.parquet",
        codebook=of_survey("codebook"),
    output:
        # A folder for each imputation, whose number is the survey's.
        adapters=directory("results/surveys/{survey}/imputed/adapters/{model}/{arm}/{condition}"),
    log:
        "logs/train_imputation_adapters/{survey}/{model}/{arm}/{condition}.log",
    benchmark:
        "benchmarks/train_imputation_adapters/{survey}/{model}/{arm}/{condition}.tsv"
    conda:
        "../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=memory_of_model,
        runtime=minutes_of_rows(rows_tuned_to_impute),
    params:
        arm="{arm}",
        condition="{condition}",
        m=of_survey("impute", "m"),
        uncertainty=of_survey("impute", "uncertainty"),
        seed=first_seed,
        language=of_survey("language"),
        chat=of_model("chat"),
        training=training_of,
        pace=STUDY.engine.pace(),
        store=STORE,
        view=view_of,
        weighted=of_survey("weighted_training"),
        code=code_of("train_imputation_adapters"),
    script:
        "../scripts/train_imputation_adapters.py"


rule draw_from_adapters:
    """Draw each absent answer once from each imputation's adapter."""
    input:
        base="results/models/{model}/model.json",
        adapters="results/surveys/{survey}/imputed/adapters/{model}/{arm}/{condition}",
        respondents=respondents_of,
        prompts=prompts_of,
        predictions=lambda wildcards: predictions_of_first_seed(
            wildcards, f"{wildcards.model}/{wildcards.arm}"
        ),
        splits="results/surveys/{survey}/splits/{condition}.parquet",
        codebook=of_survey("codebook"),
    output:
        draws="results/surveys/{survey}/imputed/draws/{model}/{arm}/{condition}.parquet",
    log:
        "logs/draw_from_adapters/{survey}/{model}/{arm}/{condition}.log",
    benchmark:
        "benchmarks/draw_from_adapters/{survey}/{model}/{arm}/{condition}.tsv"
    wildcard_constraints:
        arm="|".join(name for name, arm in ARMS.items() if arm.tuned),
    conda:
        "../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=memory_of_model,
        runtime=minutes_of_rows(rows_read_to_impute),
    params:
        method="{model}/{arm}",
        arm="{arm}",
        condition="{condition}",
        m=of_survey("impute", "m"),
        uncertainty=of_survey("impute", "uncertainty"),
        seed=first_seed,
        calibration=of_survey("calibration"),
        language=of_survey("language"),
        chat=of_model("chat"),
        scoring=STUDY.scoring.model_dump(mode="json"),
        tokens_per_batch=STUDY.engine.tokens_per_batch,
        store=STORE,
        view=view_of,
        code=code_of("draw_from_adapters"),
    script:
        "../scripts/draw_from_adapters.py"


rule draw_from_baselines:
    """Draw each absent answer from a tabular method that learns anew for each imputation."""
    input:
        respondents=respondents_of,
        splits="results/surveys/{survey}/splits/{condition}.parquet",
        codebook=of_survey("codebook"),
    output:
        draws="results/surveys/{survey}/imputed/draws/{method}/{condition}.parquet",
    log:
        "logs/draw_from_baselines/{survey}/{method}/{condition}.log",
    benchmark:
        "benchmarks/draw_from_baselines/{survey}/{method}/{condition}.tsv"
    wildcard_constraints:
        method=methods_that(lambda method: method.startswith("baselines/")),
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=grows(60),
    params:
        method="{method}",
        condition="{condition}",
        m=of_survey("impute", "m"),
        uncertainty=of_survey("impute", "uncertainty"),
        cells=of_survey("impute", "cells"),
        seed=first_seed,
        language=of_survey("language"),
        drop_items=of_condition("drop_items"),
        grids=STUDY.model_dump(mode="json")["baselines"],
        inner_folds=STUDY.inner_folds,
        view=view_of,
        not_asked=not_asked_of,
        code=code_of("draw_from_baselines"),
    script:
        "../scripts/draw_from_baselines.py"


rule draw_from_predictions:
    """Draw each absent answer from predictions, for a method whose model is the same for every imputation."""
    input:
        respondents=respondents_of,
        predictions=lambda wildcards: predictions_of_first_seed(wildcards, wildcards.method),
        splits="results/surveys/{survey}/splits/{condition}.parquet",
        codebook=of_survey("codebook"),
    output:
        draws="results/surveys/{survey}/imputed/draws/{method}/{condition}.parquet",
    log:
        "logs/draw_from_predictions/{survey}/{method}/{condition}.log",
    benchmark:
        "benchmarks/draw_from_predictions/{survey}/{method}/{condition}.tsv"
    wildcard_constraints:
        method=methods_that(
            lambda method: not method.startswith("baselines/") and not tuned_to_impute(method)
        ),
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=grows(1000),
        runtime=grows(5),
    params:
        method="{method}",
        condition="{condition}",
        m=of_survey("impute", "m"),
        seed=first_seed,
        calibration=of_survey("calibration"),
        view=view_of,
        code=code_of("draw_from_predictions"),
    script:
        "../scripts/draw_from_predictions.py"


rule stack_answers:
    """Stack the survey and its completed copies, for R and Stata."""
    input:
        respondents=respondents_of,
        draws="results/surveys/{survey}/imputed/draws/{method}/{condition}.parquet",
    output:
        csv="results/surveys/{survey}/imputed/stacked/{method}/{condition}/stacked.csv",
        dta="results/surveys/{survey}/imputed/stacked/{method}/{condition}/stacked.dta",
        readme="results/surveys/{survey}/imputed/stacked/{method}/{condition}/README.md",
    log:
        "logs/stack_answers/{survey}/{method}/{condition}.log",
    benchmark:
        "benchmarks/stack_answers/{survey}/{method}/{condition}.tsv"
    wildcard_constraints:
        method=methods_that(lambda method: True),
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=grows(10),
    params:
        method="{method}",
        condition="{condition}",
        changes=lambda wildcards: of_survey("conditions", wildcards.condition)(wildcards),
        title=lambda wildcards: CODEBOOKS[parent_of(wildcards.survey)].title,
        target=target_of,
        simulated=is_simulated,
        code=code_of("stack_answers"),
    script:
        "../scripts/stack_answers.py"
