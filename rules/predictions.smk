"""The second half of the survey branch: from prompts to the probability of each answer option for every held-out respondent.

Needs splits, prompts and a base model, or a server. Makes an adapter or a classifier for each fold, and predictions.
"""


rule train_fold_adapters:
    """Tune an adapter for each condition, seed and fold, those of a job as one cohort on one base.

    The wildcards are the first of the adapters; `engine.adapters_per_job` says how many there are. The output is a list of
    them. They stand beside it; one that gets lost is made again from the store.
    """
    input:
        base="results/models/{model}/model.json",
        prompts=prompts_of_job("tuned"),
        splits=splits_of_job("tuned"),
        codebook=codebook_of,
    output:
        trained="results/surveys/{survey}/adapters/{model}/{condition}-seed-{seed}-fold-{fold}.json",
    log:
        log="logs/train_fold_adapters/{survey}/{model}/{condition}-seed-{seed}-fold-{fold}.log",
        cost="benchmarks/train_fold_adapters/{survey}/{model}/{condition}-seed-{seed}-fold-{fold}.tsv",
    cache: CACHED.results
    conda:
        "../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=memory_of_training,
        runtime=minutes_of_adapters("tuned"),
    params:
        adapters=adapters_of_job("tuned"),
        language=of_survey("language"),
        chat=of_model("chat"),
        training=training_of,
        pace=STUDY.engine.pace(),
        store=STORE,
        code=code_of("train_fold_adapters"),
    script:
        "../scripts/train_fold_adapters.py"


rule train_fold_classifiers:
    """Tune a classification head for each condition, seed and fold; the output is a list, as of `train_fold_adapters`."""
    input:
        base="results/models/{model}/model.json",
        prompts=prompts_of_job("classifier"),
        splits=splits_of_job("classifier"),
        codebook=codebook_of,
    output:
        trained="results/surveys/{survey}/classifiers/{model}/{condition}-seed-{seed}-fold-{fold}.json",
    log:
        log="logs/train_fold_classifiers/{survey}/{model}/{condition}-seed-{seed}-fold-{fold}.log",
        cost="benchmarks/train_fold_classifiers/{survey}/{model}/{condition}-seed-{seed}-fold-{fold}.tsv",
    cache: CACHED.results
    conda:
        "../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=memory_of_scoring,
        runtime=minutes_of_adapters("classifier"),
    params:
        adapters=adapters_of_job("classifier"),
        language=of_survey("language"),
        training=training_of,
        checkpoint_minutes=STUDY.engine.checkpoint_minutes,
        store=STORE,
        code=code_of("train_fold_classifiers"),
    script:
        "../scripts/train_fold_classifiers.py"


rule classify_respondents:
    """Have each fold's classifier predict its held-out respondents."""
    input:
        base="results/models/{model}/model.json",
        trained=classifiers_of_table,
        respondents="results/surveys/{survey}/respondents.parquet",
        prompts=prompts_of,
        splits="results/surveys/{survey}/splits/{condition}.parquet",
        codebook=codebook_of,
    output:
        predictions="results/surveys/{survey}/predictions/{model}/classifier/{condition}/seed-{seed}.parquet",
    log:
        log="logs/classify_respondents/{survey}/{model}/{condition}/seed-{seed}.log",
        cost="benchmarks/classify_respondents/{survey}/{model}/{condition}/seed-{seed}.tsv",
    cache: CACHED.results
    conda:
        "../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=memory_of_scoring,
        runtime=minutes_of_scoring,
    params:
        method="{model}/classifier",
        condition="{condition}",
        seeds=seeds_of_table,
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
        method="{endpoint}/{arm}",
        seed="{seed}",
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
        trained=adapters_of_arm,
        respondents="results/surveys/{survey}/respondents.parquet",
        prompts=prompts_of,
        splits="results/surveys/{survey}/splits/{condition}.parquet",
        codebook=codebook_of,
    output:
        predictions="results/surveys/{survey}/predictions/{model}/{arm}/{condition}/seed-{seed}.parquet",
    log:
        log="logs/score_respondents/{survey}/{model}/{arm}/{condition}/seed-{seed}.log",
        cost="benchmarks/score_respondents/{survey}/{model}/{arm}/{condition}/seed-{seed}.tsv",
    cache: CACHED.results
    conda:
        "../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=memory_of_scoring,
        runtime=minutes_of_scoring,
    params:
        method="{model}/{arm}",
        condition="{condition}",
        seeds=seeds_of_table,
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
