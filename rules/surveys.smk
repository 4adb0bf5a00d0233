"""The survey branch: from a survey file to predictions of every held-out respondent, by language models and by baselines."""


def codebook_of(wildcards):
    """The YAML file that words the survey."""
    return STUDY.surveys[wildcards.survey].codebook


def survey_source(wildcards):
    """Where the survey is read from: its file, the made-up one, or a library's."""
    if STUDY.surveys[wildcards.survey].simulate is not None:
        return f"results/surveys/{wildcards.survey}/simulated.sav"
    return STUDY.surveys[wildcards.survey].file


def survey_file(wildcards):
    """The survey's file; one that comes with a library is no file of ours."""
    source = survey_source(wildcards)
    return [] if source.startswith("statsmodels:") else source


def layout_of(wildcards):
    """How the archive writes the file that is made up; without it the codebook says all."""
    return STUDY.surveys[wildcards.survey].simulate.layout or []


def selected(key):
    """What a condition does to the training rows, in the words of the survey's language."""
    return lambda wildcards: STUDY.surveys[wildcards.survey].selection(
        wildcards.condition, CODEBOOKS[wildcards.survey]
    )[key]


def other_selection(wildcards):
    """What the condition does whose number of training rows this one takes, if it takes one."""
    survey = STUDY.surveys[wildcards.survey]
    other = survey.conditions[wildcards.condition].same_size_as
    return other and survey.selection(other, CODEBOOKS[wildcards.survey])


def target_of(wildcards):
    """The item that is predicted."""
    return CODEBOOKS[wildcards.survey].target


def is_simulated(wildcards):
    """Whether the survey's respondents are made up; then every figure and table says so."""
    made_up = STUDY.surveys[wildcards.survey].simulate is not None
    return made_up or CODEBOOKS[wildcards.survey].simulated


def prompts_of(wildcards):
    """The prompts, or the backstories, that an arm reads; conditions that leave out the same items share them."""
    folder = "personas" if ARMS[wildcards.arm].persona else "prompts"
    twin = STUDY.surveys[wildcards.survey].prompt_twin(wildcards.condition)
    return f"results/surveys/{wildcards.survey}/{folder}/{twin}.parquet"


def training_of(wildcards):
    """The hyper-parameters of a survey's or a panel's adapters on the wildcard's model."""
    return training_preset(wildcards).model_dump(mode="json")


def training_preset(wildcards):
    """The same, as the study's own model."""
    branch = (
        STUDY.surveys[wildcards.survey] if "survey" in wildcards.keys() else STUDY.panels[wildcards.panel]
    )
    return STUDY.training_of(branch, wildcards.model)


def examples_of_arm(wildcards):
    """How many examples stand in an arm's prompts."""
    shows = ARMS[wildcards.arm].shows_examples
    return STUDY.surveys[wildcards.survey].few_shot_k if shows else 0


def adapters_of_arm(wildcards):
    """The weights that an arm reads with, by fold; none if it is untuned."""
    if not ARMS[wildcards.arm].tuned:
        return []
    w = wildcards
    folder = f"results/surveys/{w.survey}/adapters/{w.model}/{w.arm}/{w.condition}/seed-{w.seed}"
    return [f"{folder}/fold-{fold}/adapter_model.safetensors" for fold in FOLDS]


def predictions_of(wildcards):
    """All predictions tables of a survey."""
    survey = STUDY.surveys[wildcards.survey]
    return survey.prediction_files(wildcards.survey, BASELINES)


def splits_of(wildcards):
    """The splits tables of a survey's conditions."""
    return expand(
        "results/surveys/{survey}/splits/{condition}.parquet",
        survey=wildcards.survey,
        condition=STUDY.surveys[wildcards.survey].conditions,
    )


rule simulate_survey:
    """Make up respondents and write them as the archive writes its file."""
    input:
        codebook=codebook_of,
        after=layout_of,
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
        codebook=codebook_of,
    output:
        respondents="results/surveys/{survey}/respondents.parquet",
        provenance="results/surveys/{survey}/provenance.json",
    log:
        "logs/read_survey/{survey}.log",
    benchmark:
        "benchmarks/read_survey/{survey}.tsv"
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
        simulated=is_simulated,
        code=code_of("read_survey"),
    script:
        "../scripts/read_survey.py"


rule split_respondents:
    """Say who is tested in which fold, and who may be learned from under a condition."""
    input:
        respondents="results/surveys/{survey}/respondents.parquet",
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
        folds=STUDY.folds,
        seed=of_survey("split_seed"),
        code=code_of("split_respondents"),
    script:
        "../scripts/split_respondents.py"


rule build_prompts:
    """Word each respondent's answers as a prompt."""
    input:
        respondents="results/surveys/{survey}/respondents.parquet",
        codebook=codebook_of,
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
        code=code_of("build_prompts"),
    script:
        "../scripts/build_prompts.py"


rule build_personas:
    """Word each respondent's answers as a backstory in the first person."""
    input:
        respondents="results/surveys/{survey}/respondents.parquet",
        codebook=codebook_of,
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
        code=code_of("build_personas"),
    script:
        "../scripts/build_personas.py"


rule train_fold_adapters:
    """Tune an adapter for each fold, as one cohort on one base; for the arm `classifier`, with a classification head."""
    input:
        base="results/models/{model}/model.json",
        prompts=prompts_of,
        splits="results/surveys/{survey}/splits/{condition}.parquet",
        codebook=codebook_of,
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
        code=code_of("train_fold_adapters"),
    script:
        "../scripts/train_fold_adapters.py"


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
        mem_mb=memory_of_model,
        runtime=minutes_of_rows(rows_scored),
    params:
        method="{model}/{arm}",
        arm="{arm}",
        seed="{seed}",
        language=of_survey("language"),
        chat=of_model("chat"),
        examples=examples_of_arm,
        scoring=STUDY.scoring.model_dump(mode="json"),
        tokens_per_batch=STUDY.engine.tokens_per_batch,
        store=STORE,
        code=code_of("score_respondents"),
    script:
        "../scripts/score_respondents.py"


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
        arm="{arm}",
        seed="{seed}",
        language=of_survey("language"),
        examples=examples_of_arm,
        endpoint=lambda wildcards: config_value("endpoints", wildcards.endpoint),
        scoring=STUDY.scoring.model_dump(mode="json"),
        cache=lambda wildcards: f"{STORE}/endpoints/{wildcards.endpoint}.sqlite",
        code=code_of("ask_endpoint"),
    script:
        "../scripts/ask_endpoint.py"


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
