"""How work is cut into jobs: which adapters a job trains, which seeds it scores with, and in which lists its adapters stand."""

# Where a GPU is configured, its jobs are as long as they should be only if one knows how many respondents there are.
COUNTS = bool(STUDY.engine.gpu_tflops and not STUDY.engine.adapters_per_job)


@cache
def counts_of(survey):
    """How many respondents there are. Known once the survey has been read: Snakemake waits for that here."""
    counted = checkpoints.count_respondents.get(survey=survey).output.counts
    return json.loads(Path(counted).read_text(encoding="utf-8"))


def tested_in(survey):
    """How many respondents a survey's methods predict."""
    return counts_of(survey)["tested"] if COUNTS else sizes.RESPONDENTS_PER_SURVEY


def trained_on(survey, condition, respondents):
    """How many respondents an adapter of a condition learns from: as counted, or its share of so many."""
    in_training = (
        counts_of(survey)["in_training"][condition]
        if COUNTS
        else respondents * (STUDY.surveys[survey].conditions[condition].share or 1)
    )
    return math.ceil(in_training * (STUDY.folds - 1) / STUDY.folds)


def minutes_of_adapter(
    survey, model, condition, respondents=sizes.RESPONDENTS_PER_SURVEY
):
    """How long a GPU trains an adapter of a condition."""
    return sizes.survey_minutes(
        STUDY.models[model],
        STUDY.training[STUDY.surveys[survey].training],
        GPU_TFLOPS,
        trained_on(survey, condition, respondents),
    )


def work_of_adapters(survey, model, condition):
    """What an adapter of a condition counts in a job, and how many a job holds at most, as the config or its minutes say."""
    if STUDY.engine.adapters_per_job:
        return 1, STUDY.engine.adapters_per_job
    minutes = minutes_of_adapter(survey, model, condition)
    return minutes, sizes.adapters_in_a_job(
        minutes, STUDY.folds, STUDY.engine.minutes_per_job
    )


def shared_work():
    """The least, usual and most work of a job that conditions share, as `cuts.training_jobs` takes it."""
    if STUDY.engine.adapters_per_job:
        return {"room": STUDY.engine.adapters_per_job}
    if not STUDY.engine.gpu_tflops:
        # Jobs of their own, so that all cores have work.
        return {"room": 0}
    return {
        "room": STUDY.engine.minutes_per_job - sizes.LOADING_MINUTES,
        "least": sizes.SHORTEST_JOB_MINUTES - sizes.LOADING_MINUTES,
        "most": sizes.LONGEST_JOB_MINUTES - sizes.LOADING_MINUTES,
    }


@cache
def seeds_per_table(survey, model):
    """How many seeds of a condition a job scores, each with an adapter for each fold: as above, but a seed at least."""
    if STUDY.engine.adapters_per_job:
        return max(1, STUDY.engine.adapters_per_job // STUDY.folds)
    a_seed = sizes.scoring_minutes(
        STUDY.models[model],
        STUDY.training[STUDY.surveys[survey].training],
        GPU_TFLOPS,
        tested_in(survey),
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
    jobs = cuts.training_jobs(conditions, chosen.seeds, STUDY.folds, **shared_work())
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


def lists_of_table(wildcards, seeds, arm, kind):
    """The lists of the adapters that a table of predictions comes from."""
    by_seed = lists_by_seed(wildcards.survey, wildcards.model, arm)
    condition = wildcards.condition
    names = dict.fromkeys(
        name
        for seed in seeds
        for name in by_seed.get((condition, seed), names_of(condition, seed, FOLDS))
    )
    folder = f"results/surveys/{wildcards.survey}/{kind}/{wildcards.model}"
    return [f"{folder}/{name}" for name in names]


@noted
def classifiers_of_table(wildcards):
    """The lists of the classifiers that predict."""
    seeds = seeds_of_table(wildcards)
    return lists_of_table(wildcards, seeds, "classifier", "classifiers")


@noted
def adapters_of_arm(wildcards):
    """The lists of the adapters that an arm reads with; none if it is untuned."""
    # Asked for untuned arms too: who waits for a checkpoint must say so among its input.
    seeds = seeds_of_table(wildcards)
    tuned = ARMS[wildcards.arm].tuned
    return lists_of_table(wildcards, seeds, "tuned", "adapters") if tuned else []


@cache
def blocks_of_a_week(panel):
    """How many blocks of posts a week has on the average, where that matters: then known once the panel has been read."""
    chosen = STUDY.panels[panel]
    training = STUDY.training[chosen.training]
    if not STUDY.engine.gpu_tflops or training.max_steps is not None:
        return sizes.BLOCKS_PER_WEEK
    if chosen.mix is not None:
        return sizes.blocks_of_posts(chosen.mix.n_posts, training.block_size)
    kept = reading_of(panel)["kept"]
    return sizes.blocks_of_posts(kept / len(weeks_of(panel)), training.block_size)


def minutes_of_a_week(panel, model):
    """How long a GPU trains one week's adapters."""
    return sizes.week_minutes(
        sizes.billion_parameters(STUDY.models[model]),
        STUDY.training[STUDY.panels[panel].training],
        len(STUDY.panels[panel].seeds),
        GPU_TFLOPS,
        blocks_of_a_week(panel),
    )


@cache
def weekly_jobs(panel, model):
    """The adapters of each job of a panel, by the first of them. Cut by declared weeks, so that a new one moves none of the same size."""
    seeds = STUDY.panels[panel].seeds
    weeks_per_job, seeds_per_job = STUDY.engine.weeks_per_job, len(seeds)
    if weeks_per_job is None:
        weeks_per_job, seeds_per_job = sizes.weeks_in_a_job(
            minutes_of_a_week(panel, model), len(seeds), STUDY.engine.minutes_per_job
        )
    jobs = cuts.weekly_jobs(weeks_of(panel), seeds, weeks_per_job, seeds_per_job)
    return {job[0]: job for job in jobs}
