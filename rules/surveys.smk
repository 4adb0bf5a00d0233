"""The survey branch: from a survey file to predictions of every held-out respondent, by language models and by baselines."""


rule simulate_survey:
    """Make up respondents and write them as the archive writes its file."""
    input:
        codebook=of_survey("codebook"),
        after=lambda wildcards: STUDY.surveys[wildcards.survey].simulate.layout or [],
    output:
        file="results/surveys/{survey}/simulated.sav",
    log:
        "logs/simulate_survey/{survey}.log",
    benchmark:
        "benchmarks/simulate_survey/{survey}.tsv"
    wildcard_constraints:
        survey=those_that(STUDY.surveys, lambda survey: survey.simulate is not None),
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=grows(1000),
        runtime=grows(5),
    params:
        simulate=of_survey("simulate"),
        where=of_survey("where"),
        where_not=of_survey("where_not"),
        weight=of_survey("weight"),
        language=of_survey("language"),
        code=code_of("simulate_survey"),
    script:
        "../scripts/simulate_survey.py"


rule read_survey:
    """Turn the codes of a survey file into answers."""
    input:
        after=survey_file,
        codebook=of_survey("codebook"),
    output:
        respondents="results/surveys/{survey}/respondents.parquet",
        provenance="results/surveys/{survey}/provenance.json",
    log:
        "logs/read_survey/{survey}.log",
    benchmark:
        "benchmarks/read_survey/{survey}.tsv"
    wildcard_constraints:
        survey=those_that(STUDY.surveys, lambda survey: not survey.of_shares),
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=grows(10),
    params:
        file=survey_source,
        language=of_survey("language"),
        where=of_survey("where"),
        where_not=of_survey("where_not"),
        weight=of_survey("weight"),
        encoding=of_survey("encoding"),
        max_lost_share=of_survey("max_lost_share"),
        group=of_survey("group"),
        targets=targets_of,
        strata=of_survey("strata"),
        clusters=of_survey("clusters"),
        simulated=is_simulated,
        code=code_of("read_survey"),
    script:
        "../scripts/read_survey.py"


rule split_respondents:
    """Say who is tested in which fold, and who may be learned from under a condition."""
    input:
        respondents=respondents_of,
    output:
        splits="results/surveys/{survey}/splits/{condition}.parquet",
    log:
        "logs/split_respondents/{survey}/{condition}.log",
    benchmark:
        "benchmarks/split_respondents/{survey}/{condition}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=grows(1000),
        runtime=grows(5),
    params:
        condition="{condition}",
        target=target_of,
        exclude=selected("exclude"),
        keep=selected("keep"),
        complete=selected("complete"),
        share=selected("share"),
        same_size_as=other_selection,
        left_out=selected("left_out"),
        not_asked=not_asked_of,
        folds=STUDY.folds,
        seed=of_survey("split_seed"),
        other_targets=other_targets_of,
        predictors=predictors_of,
        code=code_of("split_respondents"),
    script:
        "../scripts/split_respondents.py"


rule build_prompts:
    """Word each respondent's answers as a prompt."""
    input:
        respondents=respondents_of,
        codebook=of_survey("codebook"),
    output:
        prompts="results/surveys/{survey}/prompts/{condition}.parquet",
    log:
        "logs/build_prompts/{survey}/{condition}.log",
    benchmark:
        "benchmarks/build_prompts/{survey}/{condition}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=grows(1000),
        runtime=grows(5),
    params:
        language=of_survey("language"),
        drop_items=of_condition("drop_items"),
        view=view_of,
        not_asked=not_asked_of,
        code=code_of("build_prompts"),
    script:
        "../scripts/build_prompts.py"


rule build_personas:
    """Word each respondent's answers as a backstory in the first person."""
    input:
        respondents=respondents_of,
        codebook=of_survey("codebook"),
    output:
        prompts="results/surveys/{survey}/personas/{condition}.parquet",
    log:
        "logs/build_personas/{survey}/{condition}.log",
    benchmark:
        "benchmarks/build_personas/{survey}/{condition}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=grows(1000),
        runtime=grows(5),
    params:
        language=of_survey("language"),
        drop_items=of_condition("drop_items"),
        view=view_of,
        not_asked=not_asked_of,
        code=code_of("build_personas"),
    script:
        "../scripts/build_personas.py"


rule train_fold_adapters:
    """Tune an adapter for each fold, as one cohort on one base; for the arm `classifier`, with a classification head."""
    input:
        base="results/models/{model}/model.json",
        prompts=prompts_learned,
        splits=splits_learned,
        respondents=respondents_learned,
        codebook=of_survey("codebook"),
    output:
        adapters=expand(
            "results/surveys/{survey}/adapters/{model}/{arm}/{condition}/seed-{seed}/fold-{fold}/adapter_model.safetensors",
            fold=FOLDS,
            allow_missing=True,
        ),
    log:
        "logs/train_fold_adapters/{survey}/{model}/{arm}/{condition}/seed-{seed}.log",
    benchmark:
        "benchmarks/train_fold_adapters/{survey}/{model}/{arm}/{condition}/seed-{seed}.tsv"
    wildcard_constraints:
        survey=one_of(STUDY.surveys),
    priority: 1
    conda:
        "../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=memory_of_model,
        runtime=minutes_of_rows(rows_trained),
    params:
        arm="{arm}",
        condition="{condition}",
        seed="{seed}",
        language=of_survey("language"),
        chat=of_model("chat"),
        training=training_of,
        pace=STUDY.engine.pace(),
        store=STORE,
        views=views_of,
        weighted=of_survey("weighted_training"),
        code=code_of("train_fold_adapters"),
    script:
        "../scripts/train_fold_adapters.py"


rule score_respondents:
    """Read the probability of each answer option for every held-out respondent, of all targets in one pass."""
    input:
        base="results/models/{model}/model.json",
        adapters=adapters_of_arm,
        respondents=respondents_of,
        prompts=prompts_scored,
        splits=splits_scored,
        codebook=of_survey("codebook"),
    output:
        predictions="results/surveys/{survey}/predictions/{model}/{arm}/{condition}/seed-{seed}.parquet",
    log:
        "logs/score_respondents/{survey}/{model}/{arm}/{condition}/seed-{seed}.log",
    benchmark:
        "benchmarks/score_respondents/{survey}/{model}/{arm}/{condition}/seed-{seed}.tsv"
    wildcard_constraints:
        survey=one_of(STUDY.surveys),
    conda:
        "../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=memory_of_model,
        runtime=minutes_of_rows(rows_scored),
    params:
        method="{model}/{arm}",
        arm="{arm}",
        seed="{seed}",
        language=of_survey("language"),
        chat=of_model("chat"),
        examples=examples_of_arm,
        few_shot=how_examples_are_chosen,
        drop_items=of_condition("drop_items"),
        scoring=STUDY.scoring.model_dump(mode="json"),
        tokens_per_batch=STUDY.engine.tokens_per_batch,
        store=STORE,
        views=views_scored,
        not_asked=not_asked_of,
        code=code_of("score_respondents"),
    script:
        "../scripts/score_respondents.py"


rule ask_endpoint:
    """Have a model behind a server predict every held-out respondent."""
    input:
        respondents=respondents_of,
        prompts=prompts_of,
        splits="results/surveys/{survey}/splits/{condition}.parquet",
        codebook=of_survey("codebook"),
        after=lambda wildcards: tokenizer_files(tokenizer_of(wildcards)),
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
        arm="{arm}",
        seed="{seed}",
        language=of_survey("language"),
        examples=examples_of_arm,
        few_shot=how_examples_are_chosen,
        drop_items=of_condition("drop_items"),
        endpoint=of_endpoint(),
        tokenizer=tokenizer_of,
        scoring=STUDY.scoring.model_dump(mode="json"),
        cache=lambda wildcards: f"{STORE}/endpoints/{wildcards.endpoint}.sqlite",
        view=view_of,
        not_asked=not_asked_of,
        code=code_of("ask_endpoint"),
    script:
        "../scripts/ask_endpoint.py"


rule predict_baselines:
    """Tune tabular models on the training rows of each fold and predict the held-out respondents."""
    input:
        respondents=respondents_of,
        splits="results/surveys/{survey}/splits/{condition}.parquet",
        codebook=of_survey("codebook"),
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
        view=view_of,
        not_asked=not_asked_of,
        code=code_of("predict_baselines"),
    script:
        "../scripts/predict_baselines.py"


rule predict_left_out:
    """Predict respondents by the baselines that belong to what a condition leaves out: waves, or an item that nobody was asked."""
    input:
        respondents=respondents_of,
        splits="results/surveys/{survey}/splits/{condition}.parquet",
        codebook=of_survey("codebook"),
    output:
        predictions="results/surveys/{survey}/predictions/baselines/{left_out_baseline}/{condition}/seed-{seed}.parquet",
    log:
        "logs/predict_left_out/{survey}/{left_out_baseline}/{condition}/seed-{seed}.log",
    benchmark:
        "benchmarks/predict_left_out/{survey}/{left_out_baseline}/{condition}/seed-{seed}.tsv"
    wildcard_constraints:
        left_out_baseline=one_of([*WAVE_BASELINES, *UNASKED_BASELINES]),
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=grows(1000),
        runtime=grows(5),
    params:
        baseline="{left_out_baseline}",
        condition="{condition}",
        seed="{seed}",
        language=of_survey("language"),
        drop_items=of_condition("drop_items"),
        left_out=left_out_of,
        view=view_of,
        not_asked=not_asked_of,
        code=code_of("predict_left_out"),
    script:
        "../scripts/predict_left_out.py"


rule read_predictions:
    """Read a file of predictions that somebody made elsewhere; it stands beside arms and baselines."""
    input:
        after=files_of_predictions,
        respondents=respondents_of,
        splits="results/surveys/{survey}/splits/{condition}.parquet",
        codebook=of_survey("codebook"),
    output:
        predictions="results/surveys/{survey}/predictions/files/{prediction_file}/{condition}/seed-{seed}.parquet",
    log:
        "logs/read_predictions/{survey}/{prediction_file}/{condition}/seed-{seed}.log",
    benchmark:
        "benchmarks/read_predictions/{survey}/{prediction_file}/{condition}/seed-{seed}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=grows(1000),
        runtime=grows(5),
    params:
        settings=lambda wildcards: of_survey("predictions", wildcards.prediction_file)(wildcards),
        file=survey_source,
        encoding=of_survey("encoding"),
        max_lost_share=of_survey("max_lost_share"),
        language=of_survey("language"),
        method="files/{prediction_file}",
        seed="{seed}",
        view=view_of,
        code=code_of("read_predictions"),
    script:
        "../scripts/read_predictions.py"
