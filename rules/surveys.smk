"""The first half of the survey branch: from a survey file to splits and prompts.

Needs the survey's file and codebook. Makes respondents, splits and prompts, and where a GPU is configured, counts.
"""


rule simulate_survey:
    """Make up respondents and write them as the archive writes its file."""
    input:
        codebook=codebook_of,
        layout=layout_of,
    output:
        file="results/surveys/{survey}/simulated.sav",
    log:
        "logs/simulate_survey/{survey}.log",
    benchmark:
        "benchmarks/simulate_survey/{survey}.tsv"
    wildcard_constraints:
        survey=surveys_that(lambda survey: survey.simulate is not None),
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
        file=survey_file,
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


checkpoint count_respondents:
    """Count who is tested, and who may be learned from under each condition; only then can the work be cut into jobs of a GPU."""
    input:
        splits=splits_of,
    output:
        counts="results/surveys/{survey}/counts.json",
    log:
        "logs/count_respondents/{survey}.log",
    benchmark:
        "benchmarks/count_respondents/{survey}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=grows(1000),
        runtime=grows(5),
    params:
        code=code_of("count_respondents"),
    script:
        "../scripts/count_respondents.py"


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
