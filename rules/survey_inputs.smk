"""What the rules of the survey branch ask of a survey, by the wildcards of a job."""


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
    folder = f"results/surveys/{wildcards.survey}/splits"
    return [f"{folder}/{condition}.parquet" for condition in STUDY.surveys[wildcards.survey].conditions]
