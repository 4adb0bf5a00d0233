"""Memory and minutes of jobs, growing with each attempt. What they are reckoned by stands in stimmung/study/sizes.py."""


def grows(amount):
    """A resource that grows with each attempt: a job that was killed for want of it has more the next time."""
    return noted(lambda wildcards, attempt: amount * attempt)


def preset_of(wildcards):
    """The hyper-parameters that a job's adapters are tuned with."""
    branch = (
        STUDY.surveys[wildcards.survey]
        if hasattr(wildcards, "survey")
        else STUDY.panels[wildcards.panel]
    )
    return STUDY.training[branch.training]


def memory_of_preparing(wildcards, attempt):
    """Main memory of a job that quantises a model."""
    return attempt * sizes.preparing_mb(STUDY.models[wildcards.model])


@noted
def memory_of_training(wildcards, input, attempt):
    """Main memory of a job that trains; known once the model has been prepared."""
    at_once = STUDY.engine.adapters_at_once
    if hasattr(wildcards, "survey"):
        at_once = min(at_once, len(folds_of_job(wildcards)))
    return attempt * sizes.model_mb(Path(input.base), preset_of(wildcards), at_once)


@noted
def memory_of_scoring(wildcards, input, attempt):
    """Main memory of a job with one adapter, or one classifier, at a time; known once the model has been prepared."""
    return attempt * sizes.model_mb(Path(input.base), preset_of(wildcards), 1)


@noted
def minutes_of_folds(wildcards, input, attempt):
    """Time limit of a job that trains a survey's folds, or one of them; known once there are prompts."""
    n_folds = len(folds_of_job(wildcards))
    n_rows = sizes.n_rows(Path(input.prompts))
    return attempt * sizes.limit_minutes(
        sizes.folds_minutes(
            STUDY.models[wildcards.model],
            preset_of(wildcards),
            n_folds,
            STUDY.engine.gpu_tflops,
            n_rows,
        )
    )


@noted
def minutes_of_scoring(wildcards, input, attempt):
    """Time limit of a job that scores a survey: a pass over each prompt is less than an epoch of training."""
    epoch = STUDY.training[STUDY.surveys[wildcards.survey].training].model_copy(
        update={"max_steps": None, "num_train_epochs": 1}
    )
    expected = sizes.folds_minutes(
        STUDY.models[wildcards.model],
        epoch,
        1,
        STUDY.engine.gpu_tflops,
        sizes.n_rows(Path(input.prompts)),
    )
    return attempt * sizes.limit_minutes(expected)


def models_whose_folds_train(how):
    """A pattern for the names of the models whose folds are trained `together`, or `apart`, in all surveys."""
    apart = {name for name in STUDY.models if trains_apart(name)}
    chosen = apart if how == "apart" else {*STUDY.models} - apart
    return "|".join(sorted(chosen)) or "(?!)"


def trains_apart(model):
    """Whether each fold is a job of its own: as the config says, or if all of them would take a GPU too long in some survey."""
    if STUDY.engine.folds_per_job is not None:
        return STUDY.engine.folds_per_job == 1
    return any(
        sizes.folds_train_apart(
            STUDY.models[model],
            STUDY.training[survey.training],
            STUDY.folds,
            STUDY.engine.gpu_tflops,
        )
        for survey in STUDY.selected_surveys().values()
        if model in survey.models()
    )


def minutes_of_a_week(panel, model):
    """How long a GPU trains one week's adapters."""
    return sizes.week_minutes(
        sizes.billion_parameters(STUDY.models[model]),
        STUDY.training[STUDY.panels[panel].training],
        len(STUDY.panels[panel].seeds),
        STUDY.engine.gpu_tflops,
    )


def minutes_of_weeks(wildcards, attempt):
    """Time limit of a job that trains some weeks."""
    weeks = weeks_per_job(wildcards.panel, wildcards.model)
    return attempt * sizes.limit_minutes(
        weeks * minutes_of_a_week(wildcards.panel, wildcards.model)
    )


def weeks_per_job(panel, model):
    """How many weeks a job trains: as the config says, or as many as take it about the minutes that it says."""
    return STUDY.engine.weeks_per_job or sizes.weeks_in_a_job(
        minutes_of_a_week(panel, model), STUDY.engine.minutes_per_job
    )
