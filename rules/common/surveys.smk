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


@cache
def training_jobs(survey, model, arm):
    """The adapters of each job that trains for an arm, by the first of them; each as condition, seed and fold."""
    chosen = STUDY.surveys[survey]
    conditions = [
        one for one in chosen.conditions if f"{model}/{arm}" in chosen.arms_of(one)
    ]
    per_job = adapters_per_job(survey, model)
    jobs = cuts.training_jobs(conditions, chosen.seeds, STUDY.folds, per_job)
    return {job[0]: job for job in jobs}


@cache
def adapters_of_job(arm):
    """The adapters that a job trains for an arm, `tuned` or `classifier`; its wildcards are the first of them."""

    def adapters(wildcards):
        first = (wildcards.condition, int(wildcards.seed), int(wildcards.fold))
        jobs = training_jobs(wildcards.survey, wildcards.model, arm)
        # One that is no job's first can be asked for by hand.
        return jobs.get(first, [first])

    return noted(adapters)


def conditions_of_job(wildcards, arm):
    """The conditions whose adapters a job trains."""
    adapters = adapters_of_job(arm)(wildcards)
    return list(dict.fromkeys(condition for condition, seed, fold in adapters))


def prompts_of_job(arm):
    """The prompts of each condition of a job."""
    return noted(
        lambda wildcards: [
            prompts_file(wildcards.survey, condition)
            for condition in conditions_of_job(wildcards, arm)
        ]
    )


def splits_of_job(arm):
    """The splits of each condition of a job."""
    return noted(
        lambda wildcards: [
            f"results/surveys/{wildcards.survey}/splits/{condition}.parquet"
            for condition in conditions_of_job(wildcards, arm)
        ]
    )


@noted
def seeds_of_table(wildcards):
    """The seeds that stand in a predictions table, from the one on that it is named by."""
    arm = wildcards.get("arm", "classifier")
    seeds = STUDY.surveys[wildcards.survey].seeds_of(f"{wildcards.model}/{arm}")
    first = seeds.index(int(wildcards.seed))
    n_seeds = seeds_per_table(wildcards.survey, wildcards.model)
    return seeds[first : first - first % n_seeds + n_seeds]


@cache
def lists_by_seed(survey, model, arm):
    """The names of the lists in which the adapters of each condition and seed stand."""
    found = {}
    for (condition, seed, fold), job in training_jobs(survey, model, arm).items():
        for other in dict.fromkeys(adapter[:2] for adapter in job):
            name = f"{condition}-seed-{seed}-fold-{fold}.json"
            found.setdefault(other, []).append(name)
    return found


def lists_of_table(wildcards, arm, kind):
    """The lists of the adapters that a table of predictions comes from."""
    by_seed = lists_by_seed(wildcards.survey, wildcards.model, arm)
    names = dict.fromkeys(
        name
        for seed in seeds_of_table(wildcards)
        for name in by_seed[wildcards.condition, seed]
    )
    folder = f"results/surveys/{wildcards.survey}/{kind}/{wildcards.model}"
    return [f"{folder}/{name}" for name in names]


@noted
def classifiers_of_table(wildcards):
    """The lists of the classifiers that predict."""
    return lists_of_table(wildcards, "classifier", "classifiers")


@noted
def adapters_of_arm(wildcards):
    """The lists of the adapters that an arm reads with; none if it is untuned."""
    return (
        lists_of_table(wildcards, "tuned", "adapters")
        if ARMS[wildcards.arm].tuned
        else []
    )


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
