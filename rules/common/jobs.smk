"""How work is cut into jobs: which adapters a job trains, which seeds it scores with, and in which lists its adapters stand."""


def work_of_adapters(survey, model, condition):
    """How long a GPU trains an adapter of a condition, and how many a job holds at most, as the config or its minutes say."""
    if STUDY.engine.adapters_per_job:
        return 1, STUDY.engine.adapters_per_job
    chosen = STUDY.surveys[survey]
    n_rows = sizes.RESPONDENTS_PER_SURVEY * (STUDY.folds - 1) // STUDY.folds
    minutes = sizes.survey_minutes(
        STUDY.models[model],
        STUDY.training[chosen.training],
        1,
        GPU_TFLOPS,
        # How many a group has nobody knows yet.
        math.ceil(n_rows * (chosen.conditions[condition].share or 1)),
    )
    return minutes, sizes.adapters_in_a_job(
        minutes, STUDY.folds, STUDY.engine.minutes_per_job
    )


def room_of_conditions():
    """The work that conditions share a job for, in the unit of `work_of_adapters`. Without a GPU they do not: all cores have work."""
    if STUDY.engine.adapters_per_job:
        return STUDY.engine.adapters_per_job
    return (
        STUDY.engine.minutes_per_job - sizes.LOADING_MINUTES
        if STUDY.engine.gpu_tflops
        else 0
    )


@cache
def seeds_per_table(survey, model):
    """How many seeds of a condition a job scores, each with an adapter for each fold: as above, but a seed at least."""
    if STUDY.engine.adapters_per_job:
        return max(1, STUDY.engine.adapters_per_job // STUDY.folds)
    a_seed = sizes.scoring_minutes(
        STUDY.models[model],
        STUDY.training[STUDY.surveys[survey].training],
        GPU_TFLOPS,
        sizes.RESPONDENTS_PER_SURVEY,
    )
    return sizes.in_a_job(a_seed, STUDY.engine.minutes_per_job)


@cache
def training_jobs(survey, model, arm):
    """The adapters of each job that trains for an arm, by the first of them; each as condition, seed and fold."""
    chosen = STUDY.surveys[survey]
    conditions = {
        condition: work_of_adapters(survey, model, condition)
        for condition in chosen.conditions
        if f"{model}/{arm}" in chosen.arms_of(condition)
    }
    jobs = cuts.training_jobs(
        conditions, chosen.seeds, STUDY.folds, room_of_conditions()
    )
    return {job[0]: job for job in jobs}


@cache
def adapters_of_job(arm):
    """The adapters that a job trains for an arm, `tuned` or `classifier`; its wildcards are the first of them."""

    def adapters(wildcards):
        first = (wildcards.condition, int(wildcards.seed), int(wildcards.fold))
        jobs = training_jobs(wildcards.survey, wildcards.model, arm)
        # By hand, any other can be asked for.
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
    """The seeds that stand in a predictions table; its wildcard is the first of them."""
    arm = wildcards.get("arm", "classifier")
    seeds = STUDY.surveys[wildcards.survey].seeds_of(f"{wildcards.model}/{arm}")
    tables = cuts.cut(seeds, seeds_per_table(wildcards.survey, wildcards.model))
    first = int(wildcards.seed)
    return next((table for table in tables if table[0] == first), [first])


def names_of(condition, seed, folds):
    """The names of lists that begin with these adapters."""
    return [f"{condition}-seed-{seed}-fold-{fold}.json" for fold in folds]


@cache
def lists_by_seed(survey, model, arm):
    """The names of the lists in which the adapters of each condition and seed stand."""
    found = {}
    for (condition, seed, fold), job in training_jobs(survey, model, arm).items():
        for other in dict.fromkeys(adapter[:2] for adapter in job):
            found.setdefault(other, []).extend(names_of(condition, seed, [fold]))
    return found


def lists_of_table(wildcards, arm, kind):
    """The lists of the adapters that a table of predictions comes from."""
    by_seed = lists_by_seed(wildcards.survey, wildcards.model, arm)
    condition = wildcards.condition
    names = dict.fromkeys(
        name
        for seed in seeds_of_table(wildcards)
        for name in by_seed.get((condition, seed), names_of(condition, seed, FOLDS))
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


def minutes_of_a_week(panel, model):
    """How long a GPU trains one week's adapters."""
    return sizes.week_minutes(
        sizes.billion_parameters(STUDY.models[model]),
        STUDY.training[STUDY.panels[panel].training],
        len(STUDY.panels[panel].seeds),
        GPU_TFLOPS,
    )


def weeks_per_job(panel, model):
    """How many weeks a job trains: as the config says, or as many as take it about the minutes that it says."""
    return STUDY.engine.weeks_per_job or sizes.in_a_job(
        minutes_of_a_week(panel, model), STUDY.engine.minutes_per_job
    )
