"""Memory and minutes of jobs, growing with each attempt. What they are reckoned by stands in stimmung/study/sizes.py."""

GPU_TFLOPS = STUDY.engine.gpu_tflops or sizes.GPU_TFLOPS


def grows(amount):
    """A resource that grows with each attempt: a job that was killed for want of it has more the next time."""
    return noted(lambda wildcards, attempt: amount * attempt)


def when_known(amount):
    """A resource that follows from files. Until they are there it is <TBD>; for a checkpoint's file Snakemake (9.27.1) would crash."""

    @wraps(amount)
    def known(wildcards, **of_the_job):
        try:
            return amount(wildcards, **of_the_job)
        except IncompleteCheckpointException as waiting:
            raise FileNotFoundError(
                errno.ENOENT, "not made yet", waiting.targetfile
            ) from waiting

    return noted(known)


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


@when_known
def memory_of_training(wildcards, input, attempt):
    """Main memory of a job that trains; known once the model has been prepared."""
    adapters = (
        adapters_of_job("tuned") if hasattr(wildcards, "survey") else tuned_in_job
    )
    at_once = min(STUDY.engine.adapters_at_once, len(adapters(wildcards)))
    return attempt * sizes.model_mb(Path(input.base), preset_of(wildcards), at_once)


@noted
def memory_of_scoring(wildcards, input, attempt):
    """Main memory of a job with one adapter, or one classifier, at a time; known once the model has been prepared."""
    return attempt * sizes.model_mb(Path(input.base), preset_of(wildcards), 1)


def minutes_of_adapters(arm):
    """Time limit of a job that trains adapters for an arm of a survey; known once there are prompts."""

    def minutes(wildcards, input, attempt):
        adapters = adapters_of_job(arm)(wildcards)
        respondents = sizes.n_rows(Path(input.prompts[0]))
        expected = sum(
            n
            * minutes_of_adapter(
                wildcards.survey, wildcards.model, condition, respondents
            )
            for condition, n in Counter(adapter[0] for adapter in adapters).items()
        )
        return attempt * sizes.limit_minutes(expected)

    return when_known(minutes)


@when_known
def minutes_of_scoring(wildcards, input, attempt):
    """Time limit of a job that scores a survey with some seeds."""
    a_seed = sizes.scoring_minutes(
        STUDY.models[wildcards.model],
        preset_of(wildcards),
        GPU_TFLOPS,
        sizes.n_rows(Path(input.prompts)),
    )
    return attempt * sizes.limit_minutes(len(seeds_of_table(wildcards)) * a_seed)


@when_known
def minutes_of_weeks(wildcards, attempt):
    """Time limit of a job that trains adapters of some weeks."""
    n_seeds = len(STUDY.panels[wildcards.panel].seeds)
    a_seed = minutes_of_a_week(wildcards.panel, wildcards.model) / n_seeds
    return attempt * sizes.limit_minutes(len(tuned_in_job(wildcards)) * a_seed)
