"""Names that stand in paths, and functions that give a rule the leaves of the config it uses."""

FOLDS = range(STUDY.folds)
CODEBOOKS = {name: load_codebook(Path(survey.codebook)) for name, survey in STUDY.selected_surveys().items()}
BASELINES = STUDY.run.baselines
# Finished adapters and checkpoints, by content: a side folder that no rule owns, so that no failed job takes it along.
STORE = "results/.store"
SURVEY_TABLES = ["f1", "metrics", "shares", "comparisons", "left_out"]
SURVEY_FIGURES = ["f1_by_class", "shares", "learning_curve", "left_out", "reliability"]
# What of a survey stands in the report, and beside it for a paper. The page itself shows SVG.
REPORTED_OF_SURVEY = [
    *["fold_metrics.parquet", "metrics.parquet", "comparisons.parquet", "shares.parquet"],
    *expand("tables/{table}.{format}", table=SURVEY_TABLES, format=["csv", "tex"]),
    *expand("figures/{figure}.{format}", figure=SURVEY_FIGURES, format={"svg", *STUDY.report.formats}),
]


wildcard_constraints:
    survey="|".join(STUDY.surveys),
    model="|".join(STUDY.models),
    condition="|".join({c for s in STUDY.surveys.values() for c in s.conditions}),
    arm="tuned|zero-shot|few-shot",
    seed=r"\d+",
    fold=r"\d+",
    format="svg|pdf|png",


def code_of(script):
    """Digest of a script and of the library rooms it needs; a change of either reruns the rule."""
    return code_digest(Path("scripts") / f"{script}.py")


def leaf(section, name, *keys):
    """One value of the config, as plain Python."""
    value = getattr(STUDY, section)[name].model_dump(mode="json")
    for key in keys:
        value = value[key]
    return value


def of_model(key):
    """A leaf of the wildcard's model."""
    return lambda wildcards: leaf("models", wildcards.model, key)


def of_survey(key):
    """A leaf of the wildcard's survey."""
    return lambda wildcards: leaf("surveys", wildcards.survey, key)


def of_condition(key):
    """A leaf of the wildcard's condition."""
    return lambda wildcards: leaf("surveys", wildcards.survey, "conditions", wildcards.condition, key)


def codebook_of(wildcards):
    """The YAML file that words the survey."""
    return STUDY.surveys[wildcards.survey].codebook


def survey_file(wildcards):
    """The survey's file; one that comes with a library is no file of ours."""
    file = STUDY.surveys[wildcards.survey].file
    return [] if file.startswith("statsmodels:") else file


def target_of(wildcards):
    """The item that is predicted."""
    return CODEBOOKS[wildcards.survey].target


def is_simulated(wildcards):
    """Whether the survey's respondents are made up; then every figure and table says so."""
    return CODEBOOKS[wildcards.survey].simulated


def prompts_of(wildcards):
    """The prompts of a condition; conditions that leave out the same items share them."""
    twin = STUDY.surveys[wildcards.survey].prompt_twin(wildcards.condition)
    return f"results/surveys/{wildcards.survey}/prompts/{twin}.parquet"


def training_of(wildcards):
    """The hyper-parameters of a survey's adapters."""
    return leaf("training", STUDY.surveys[wildcards.survey].training)


def source_of(wildcards):
    """Where a base model's weights are."""
    source = STUDY.models[wildcards.model].source
    return "results/built-in/tiny" if source == "built-in" else source


def source_files(wildcards):
    """The files of the built-in model, which is made here; others are not ours."""
    return "results/built-in/tiny/model.safetensors" if source_of(wildcards) == "results/built-in/tiny" else []


def fold_files(name):
    """The path of a file of each fold's adapter."""
    folder = "results/surveys/{survey}/adapters/{model}/{condition}/seed-{seed}"
    return expand(f"{folder}/fold-{{fold}}/{name}", fold=FOLDS, allow_missing=True)


def adapters_of_arm(wildcards):
    """The adapters that an arm reads with: one for each fold if it is tuned, none else."""
    return fold_files("adapter_model.safetensors") if wildcards.arm == "tuned" else []


def examples_of_arm(wildcards):
    """How many examples stand in an arm's prompts."""
    return STUDY.surveys[wildcards.survey].few_shot_k if wildcards.arm == "few-shot" else 0


def predictions_of(wildcards):
    """All predictions tables of a survey."""
    return STUDY.surveys[wildcards.survey].prediction_files(wildcards.survey, BASELINES)


def splits_of(wildcards):
    """The splits tables of a survey's conditions."""
    return expand(
        "results/surveys/{survey}/splits/{condition}.parquet",
        survey=wildcards.survey,
        condition=STUDY.surveys[wildcards.survey].conditions,
    )
