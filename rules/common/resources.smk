"""Memory and minutes of jobs, growing with each attempt. What they are reckoned by stands in stimmung/study/sizes.py."""

GPU_TFLOPS = STUDY.engine.gpu_tflops or sizes.GPU_TFLOPS


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
        at_once = min(at_once, len(adapters_of_job("tuned")(wildcards)))
    return attempt * sizes.model_mb(Path(input.base), preset_of(wildcards), at_once)


@noted
def memory_of_scoring(wildcards, input, attempt):
    """Main memory of a job with one adapter, or one classifier, at a time; known once the model has been prepared."""
    return attempt * sizes.model_mb(Path(input.base), preset_of(wildcards), 1)


def minutes_of_adapters(arm):
    """Time limit of a job that trains adapters for an arm of a survey; known once there are prompts."""

    def minutes(wildcards, input, attempt):
        expected = sizes.survey_minutes(
            STUDY.models[wildcards.model],
            preset_of(wildcards),
            len(adapters_of_job(arm)(wildcards)),
            GPU_TFLOPS,
            sizes.n_rows(Path(input.prompts[0])),
        )
        return attempt * sizes.limit_minutes(expected)

    return noted(minutes)


@noted
def minutes_of_scoring(wildcards, input, attempt):
    """Time limit of a job that scores a survey with some seeds."""
    a_seed = sizes.scoring_minutes(
        STUDY.models[wildcards.model],
        preset_of(wildcards),
        GPU_TFLOPS,
        sizes.n_rows(Path(input.prompts)),
    )
    return attempt * sizes.limit_minutes(len(seeds_of_table(wildcards)) * a_seed)


def minutes_of_weeks(wildcards, attempt):
    """Time limit of a job that trains some weeks."""
    weeks = weeks_per_job(wildcards.panel, wildcards.model)
    return attempt * sizes.limit_minutes(
        weeks * minutes_of_a_week(wildcards.panel, wildcards.model)
    )
