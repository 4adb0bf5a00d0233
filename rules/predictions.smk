"""The second half of the survey branch: from prompts to the probability of each answer option for every held-out respondent.

Needs splits, prompts and a base model, or a server. Makes an adapter or a classifier for each fold, and predictions.
"""


rule train_fold_adapters:
    """Tune one adapter for each fold, all of them as one cohort on one base.

    The weights stand for the whole folder: they appear last, when the config and the record of the training are there. To name
    these too would triple the files that Snakemake plans with.
    """
    input:
        base="results/models/{model}/model.json",
        prompts=prompts_of,
        splits="results/surveys/{survey}/splits/{condition}.parquet",
        codebook=codebook_of,
    output:
        weights=fold_files("adapter_model.safetensors"),
    log:
        "logs/train_fold_adapters/{survey}/{model}/{condition}/seed-{seed}.log",
    benchmark:
        "benchmarks/train_fold_adapters/{survey}/{model}/{condition}/seed-{seed}.tsv"
    wildcard_constraints:
        model=models_whose_folds_train("together"),
    conda:
        "../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=memory_of_training,
        runtime=minutes_of_folds,
    params:
        folds=folds_of_outputs,
        language=of_survey("language"),
        chat=of_model("chat"),
        training=training_of,
        pace=STUDY.engine.pace(),
        store=STORE,
        code=code_of("train_fold_adapters"),
    script:
        "../scripts/train_fold_adapters.py"


use rule train_fold_adapters as train_one_fold_adapter with:
    output:
        weights=[fold_file("adapter_model.safetensors")],
    log:
        "logs/train_one_fold_adapter/{survey}/{model}/{condition}/seed-{seed}/fold-{fold}.log",
    benchmark:
        "benchmarks/train_one_fold_adapter/{survey}/{model}/{condition}/seed-{seed}/fold-{fold}.tsv"
    wildcard_constraints:
        model=models_whose_folds_train("apart"),


rule train_fold_classifiers:
    """Tune a classification head for each fold."""
    input:
        base="results/models/{model}/model.json",
        prompts=prompts_of,
        splits="results/surveys/{survey}/splits/{condition}.parquet",
        codebook=codebook_of,
    output:
        weights=fold_files("adapter_model.safetensors", "classifiers"),
    log:
        "logs/train_fold_classifiers/{survey}/{model}/{condition}/seed-{seed}.log",
    benchmark:
        "benchmarks/train_fold_classifiers/{survey}/{model}/{condition}/seed-{seed}.tsv"
    wildcard_constraints:
        model=models_whose_folds_train("together"),
    conda:
        "../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=memory_of_scoring,
        runtime=minutes_of_folds,
    params:
        folds=folds_of_outputs,
        language=of_survey("language"),
        training=training_of,
        checkpoint_minutes=STUDY.engine.checkpoint_minutes,
        store=STORE,
        code=code_of("train_fold_classifiers"),
    script:
        "../scripts/train_fold_classifiers.py"


use rule train_fold_classifiers as train_one_fold_classifier with:
    output:
        weights=[fold_file("adapter_model.safetensors", "classifiers")],
    log:
        "logs/train_one_fold_classifier/{survey}/{model}/{condition}/seed-{seed}/fold-{fold}.log",
    benchmark:
        "benchmarks/train_one_fold_classifier/{survey}/{model}/{condition}/seed-{seed}/fold-{fold}.tsv"
    wildcard_constraints:
        model=models_whose_folds_train("apart"),


rule classify_respondents:
    """Have each fold's classifier predict its held-out respondents."""
    input:
        base="results/models/{model}/model.json",
        adapters=fold_files("adapter_model.safetensors", "classifiers"),
        respondents="results/surveys/{survey}/respondents.parquet",
        prompts=prompts_of,
        splits="results/surveys/{survey}/splits/{condition}.parquet",
        codebook=codebook_of,
    output:
        predictions="results/surveys/{survey}/predictions/{model}/classifier/{condition}/seed-{seed}.parquet",
    log:
        "logs/classify_respondents/{survey}/{model}/{condition}/seed-{seed}.log",
    benchmark:
        "benchmarks/classify_respondents/{survey}/{model}/{condition}/seed-{seed}.tsv"
    conda:
        "../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=memory_of_scoring,
        runtime=minutes_of_scoring,
    params:
        language=of_survey("language"),
        store=STORE,
        code=code_of("classify_respondents"),
    script:
        "../scripts/classify_respondents.py"


rule ask_endpoint:
    """Have a model behind a server predict every held-out respondent."""
    input:
        respondents="results/surveys/{survey}/respondents.parquet",
        prompts=prompts_of,
        splits="results/surveys/{survey}/splits/{condition}.parquet",
        codebook=codebook_of,
    output:
        predictions="results/surveys/{survey}/predictions/{endpoint}/{arm}/{condition}/seed-{seed}.parquet",
    log:
        "logs/ask_endpoint/{survey}/{endpoint}/{arm}/{condition}/seed-{seed}.log",
    benchmark:
        "benchmarks/ask_endpoint/{survey}/{endpoint}/{arm}/{condition}/seed-{seed}.tsv"
    conda:
        "../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=grows(600),
    params:
        endpoint=lambda wildcards: leaf("endpoints", wildcards.endpoint),
        language=of_survey("language"),
        examples=examples_of_arm,
        persona=is_persona,
        normalization=STUDY.scoring.normalization,
        cache=lambda wildcards: f"{STORE}/endpoints/{wildcards.endpoint}.sqlite",
        code=code_of("ask_endpoint"),
    script:
        "../scripts/ask_endpoint.py"


rule score_respondents:
    """Read the probability of each answer option for every held-out respondent."""
    input:
        base="results/models/{model}/model.json",
        adapters=adapters_of_arm,
        respondents="results/surveys/{survey}/respondents.parquet",
        prompts=prompts_of,
        splits="results/surveys/{survey}/splits/{condition}.parquet",
        codebook=codebook_of,
    output:
        predictions="results/surveys/{survey}/predictions/{model}/{arm}/{condition}/seed-{seed}.parquet",
    log:
        "logs/score_respondents/{survey}/{model}/{arm}/{condition}/seed-{seed}.log",
    benchmark:
        "benchmarks/score_respondents/{survey}/{model}/{arm}/{condition}/seed-{seed}.tsv"
    conda:
        "../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=memory_of_scoring,
        runtime=minutes_of_scoring,
    params:
        language=of_survey("language"),
        chat=of_model("chat"),
        examples=examples_of_arm,
        persona=is_persona,
        normalization=STUDY.scoring.normalization,
        readout=STUDY.scoring.readout,
        tokens_per_batch=STUDY.engine.tokens_per_batch,
        store=STORE,
        code=code_of("score_respondents"),
    script:
        "../scripts/score_respondents.py"
