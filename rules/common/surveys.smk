"""What rules ask of surveys, in the order of these rules: reading, prompts, adapters, evaluation."""


def of_survey(key):
    """A leaf of the wildcard's survey."""
    return noted(lambda wildcards: leaf("surveys", wildcards.survey, key))


def of_condition(key):
    """A leaf of the wildcard's condition."""
    return noted(
        lambda wildcards: leaf(
            "surveys", wildcards.survey, "conditions", wildcards.condition, key
        )
    )


@noted
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
    file = [] if source.startswith("statsmodels:") else source
    made = f"results/surveys/{wildcards.survey}/respondents.parquet"
    return given(file, f"surveys.{wildcards.survey}", made)


def layout_of(wildcards):
    """How the archive writes the file that is made up; without it the codebook says all."""
    layout = STUDY.surveys[wildcards.survey].simulate.layout or []
    made = f"results/surveys/{wildcards.survey}/simulated.sav"
    return given(layout, f"surveys.{wildcards.survey}", made)


def surveys_that(test):
    """A pattern for the names of the surveys that pass a test, for a rule that only they need."""
    return (
        "|".join(name for name, survey in STUDY.surveys.items() if test(survey))
        or "(?!)"
    )


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


@noted
def prompts_of(wildcards):
    """The prompts of a condition; conditions that leave out the same items share them."""
    twin = STUDY.surveys[wildcards.survey].prompt_twin(wildcards.condition)
    folder = "personas" if is_persona(wildcards) else "prompts"
    return f"results/surveys/{wildcards.survey}/{folder}/{twin}.parquet"


@noted
def is_persona(wildcards):
    """Whether the arm reads backstories in the first person."""
    return "arm" in wildcards.keys() and ARMS[wildcards.arm].persona


@noted
def training_of(wildcards):
    """The hyper-parameters of a survey's adapters."""
    return leaf("training", STUDY.surveys[wildcards.survey].training)


@cache
def fold_files(name, kind="adapters"):
    """The path of a file of each fold's adapter, or of each fold's classifier."""
    return expand(fold_file(name, kind), fold=FOLDS, allow_missing=True)


def fold_file(name, kind="adapters"):
    """The path of a file of one fold's adapter or classifier."""
    folder = f"results/surveys/{{survey}}/{kind}/{{model}}/{{condition}}/seed-{{seed}}"
    return f"{folder}/fold-{{fold}}/{name}"


def folds_of_job(wildcards):
    """The folds that a job trains: the one that it is about, or all."""
    return [int(wildcards.fold)] if "fold" in wildcards.keys() else list(FOLDS)


@noted
def folds_of_outputs(wildcards, output):
    """The folds of a job's outputs, in their order. Snakemake takes what follows from outputs for no reason to run again:
    the same adapters cut into other jobs are up to date."""
    return folds_of_job(wildcards)


@noted
def adapters_of_arm(wildcards):
    """The adapters that an arm reads with: one for each fold if it is tuned, none else."""
    return fold_files("adapter_model.safetensors") if ARMS[wildcards.arm].tuned else []


@noted
def examples_of_arm(wildcards):
    """How many examples stand in an arm's prompts."""
    shows = ARMS[wildcards.arm].shows_examples
    return STUDY.surveys[wildcards.survey].few_shot_k if shows else 0


def subgroups_of(wildcards):
    """Parts of the tested respondents that are measured alone, in the words of the survey's language."""
    return STUDY.surveys[wildcards.survey].subgroups_in_words(
        CODEBOOKS[wildcards.survey]
    )


def conditions_of(wildcards):
    """What a survey tries, by name, as plain Python."""
    return leaf("surveys", wildcards.survey, "conditions")


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
