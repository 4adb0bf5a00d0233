"""What a language model must beat, on the same respondents, folds and conditions."""


rule predict_baselines:
    """Tune tabular models on the training rows of each fold and predict the held-out respondents."""
    input:
        respondents="results/surveys/{survey}/respondents.parquet",
        splits="results/surveys/{survey}/splits/{condition}.parquet",
        codebook=codebook_of,
    output:
        # A job makes all baselines of a survey; they are few and quick, and a start of Python costs more than most.
        predictions=expand(
            "results/surveys/{survey}/predictions/baselines/{baseline}/{condition}/seed-{seed}.parquet",
            baseline=BASELINES,
            allow_missing=True,
        ),
    log:
        "logs/predict_baselines/{survey}/{condition}/seed-{seed}.log",
    benchmark:
        "benchmarks/predict_baselines/{survey}/{condition}/seed-{seed}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=grows(30),
    params:
        condition="{condition}",
        seed="{seed}",
        language=of_survey("language"),
        baselines=BASELINES,
        drop_items=of_condition("drop_items"),
        grids=STUDY.model_dump(mode="json")["baselines"],
        inner_folds=STUDY.inner_folds,
        code=code_of("predict_baselines"),
    script:
        "../scripts/predict_baselines.py"
