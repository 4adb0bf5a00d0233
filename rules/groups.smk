"""Surveys of groups: from respondents, or a file of shares, to predicted shares of each group's answers."""

from stimmung.report.result_registry import DISTRIBUTIONS, names


rule form_groups:
    """Make groups of respondents, with the weighted shares of their answers."""
    input:
        respondents="results/surveys/{survey}/respondents.parquet",
        codebook=of_survey("codebook"),
    output:
        groups="results/surveys/{survey}/groups.parquet",
        shares="results/surveys/{survey}/group_shares.parquet",
    log:
        "logs/form_groups/{survey}.log",
    benchmark:
        "benchmarks/form_groups/{survey}.tsv"
    wildcard_constraints:
        survey=those_that(STUDY.surveys, lambda survey: survey.groups is not None and not survey.of_shares),
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=grows(10),
    params:
        settings=of_survey("groups"),
        targets=targets_of,
        language=of_survey("language"),
        folds=STUDY.folds,
        seed=of_survey("split_seed"),
        code=code_of("form_groups"),
    script:
        "../scripts/form_groups.py"


rule read_shares:
    """Read a file of given shares of groups, in the words of its codebook."""
    input:
        after=of_survey("groups", "shares"),
        codebook=of_survey("codebook"),
    output:
        groups="results/surveys/{survey}/groups.parquet",
        shares="results/surveys/{survey}/group_shares.parquet",
        provenance="results/surveys/{survey}/provenance.json",
    log:
        "logs/read_shares/{survey}.log",
    benchmark:
        "benchmarks/read_shares/{survey}.tsv"
    wildcard_constraints:
        survey=those_that(STUDY.surveys, lambda survey: survey.of_shares),
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=grows(10),
    params:
        file=of_survey("groups", "shares"),
        settings=of_survey("groups"),
        targets=targets_of,
        language=of_survey("language"),
        encoding=of_survey("encoding"),
        max_lost_share=of_survey("max_lost_share"),
        folds=STUDY.folds,
        seed=of_survey("split_seed"),
        code=code_of("read_shares"),
    script:
        "../scripts/read_shares.py"


rule train_group_adapters:
    """Tune an adapter for each fold of groups, on the shares of all items, as one cohort on one base."""
    input:
        base="results/models/{model}/model.json",
        groups="results/surveys/{survey}/groups.parquet",
        shares="results/surveys/{survey}/group_shares.parquet",
        codebook=of_survey("codebook"),
    output:
        adapters=expand(
            "results/surveys/{survey}/adapters/{model}/groups/seed-{seed}/fold-{fold}/adapter_model.safetensors",
            fold=FOLDS,
            allow_missing=True,
        ),
    log:
        "logs/train_group_adapters/{survey}/{model}/seed-{seed}.log",
    benchmark:
        "benchmarks/train_group_adapters/{survey}/{model}/seed-{seed}.tsv"
    wildcard_constraints:
        survey=one_of(GROUPED),
    priority: 1
    conda:
        "../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=memory_of_model,
        runtime=minutes_of_rows(
            lambda wildcards, input: len(FOLDS)
            * rows_of_training(training_preset(wildcards), n_rows(Path(input.shares)))
        ),
    params:
        by=of_survey("groups", "by"),
        targets=targets_of,
        seed="{seed}",
        language=of_survey("language"),
        chat=of_model("chat"),
        training=training_of,
        pace=STUDY.engine.pace(),
        store=STORE,
        code=code_of("train_group_adapters"),
    script:
        "../scripts/train_group_adapters.py"


rule score_groups:
    """Read the probability of each answer option for every held-out group and every target."""
    input:
        base="results/models/{model}/model.json",
        adapters=adapters_of_groups,
        groups="results/surveys/{survey}/groups.parquet",
        shares="results/surveys/{survey}/group_shares.parquet",
        codebook=of_survey("codebook"),
    output:
        predictions="results/surveys/{survey}/group_predictions/{model}/{arm}/seed-{seed}.parquet",
    log:
        "logs/score_groups/{survey}/{model}/{arm}/seed-{seed}.log",
    benchmark:
        "benchmarks/score_groups/{survey}/{model}/{arm}/seed-{seed}.tsv"
    wildcard_constraints:
        survey=one_of(GROUPED),
    conda:
        "../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=memory_of_model,
        runtime=minutes_of_rows(lambda wildcards, input: n_rows(Path(input.shares))),
    params:
        by=of_survey("groups", "by"),
        targets=targets_of,
        method="{model}/{arm}",
        seed="{seed}",
        language=of_survey("language"),
        chat=of_model("chat"),
        scoring=STUDY.scoring.model_dump(mode="json"),
        tokens_per_batch=STUDY.engine.tokens_per_batch,
        code=code_of("score_groups"),
    script:
        "../scripts/score_groups.py"


rule predict_group_baselines:
    """Predict the shares of every held-out group's answers without a language model."""
    input:
        groups="results/surveys/{survey}/groups.parquet",
        shares="results/surveys/{survey}/group_shares.parquet",
    output:
        predictions="results/surveys/{survey}/group_predictions/baselines.parquet",
    log:
        "logs/predict_group_baselines/{survey}.log",
    benchmark:
        "benchmarks/predict_group_baselines/{survey}.tsv"
    wildcard_constraints:
        survey=one_of(GROUPED),
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=grows(30),
    params:
        by=of_survey("groups", "by"),
        seed=first_seed,
        code=code_of("predict_group_baselines"),
    script:
        "../scripts/predict_group_baselines.py"


rule compare_groups:
    """Compare predicted with observed shares of groups."""
    input:
        predictions=group_predictions_of,
        shares="results/surveys/{survey}/group_shares.parquet",
    output:
        results=expand("results/surveys/{{survey}}/{name}.parquet", name=names(DISTRIBUTIONS, "data")),
        tables=expand(
            "results/surveys/{{survey}}/tables/{name}.{suffix}",
            name=names(DISTRIBUTIONS, "table"),
            suffix=["csv", "tex"],
        ),
        figures=expand(
            "results/surveys/{{survey}}/figures/{name}.{format}",
            name=names(DISTRIBUTIONS, "figure"),
            format=list(dict.fromkeys(["svg", *STUDY.report.formats])),
        ),
    log:
        "logs/compare_groups/{survey}.log",
    benchmark:
        "benchmarks/compare_groups/{survey}.tsv"
    wildcard_constraints:
        survey=one_of(GROUPED),
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=grows(1000),
        runtime=grows(10),
    params:
        option_values=option_values_of_targets,
        seed=first_seed,
        simulated=is_simulated,
        code=code_of("compare_groups"),
    script:
        "../scripts/compare_groups.py"
