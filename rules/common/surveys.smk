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


def prompts_file(survey, condition, folder="prompts"):
    """The prompts of a condition; conditions that leave out the same items share them."""
    twin = STUDY.surveys[survey].prompt_twin(condition)
    return f"results/surveys/{survey}/{folder}/{twin}.parquet"


@noted
def prompts_of(wildcards):
    """The prompts, or the backstories, that an arm reads."""
    folder = "personas" if is_persona(wildcards) else "prompts"
    return prompts_file(wildcards.survey, wildcards.condition, folder)


@noted
def is_persona(wildcards):
    """Whether the arm reads backstories in the first person."""
    return "arm" in wildcards.keys() and ARMS[wildcards.arm].persona


@noted
def training_of(wildcards):
    """The hyper-parameters of a survey's adapters."""
    return leaf("training", STUDY.surveys[wildcards.survey].training)


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
    survey = STUDY.surveys[wildcards.survey]
    models = {arm: arm.split("/")[0] for arm in survey.arms}
    per_table = {
        arm: seeds_per_table(wildcards.survey, model)
        for arm, model in models.items()
        if model in STUDY.models
    }
    return survey.prediction_files(wildcards.survey, BASELINES, per_table)


def splits_of(wildcards):
    """The splits tables of a survey's conditions."""
    return expand(
        "results/surveys/{survey}/splits/{condition}.parquet",
        survey=wildcards.survey,
        condition=STUDY.surveys[wildcards.survey].conditions,
    )
