"""What rules ask of the study: names that stand in paths, leaves of the config, files, and limits of memory and time."""

FOLDS = range(STUDY.folds)
BASELINES = STUDY.run.baselines
CODEBOOKS = {name: load_codebook(Path(survey.codebook)) for name, survey in STUDY.selected_surveys().items()}
# Adapters, predictions, prepared models and checkpoints, by content: a folder that no rule owns, so that no failed job takes it along.
STORE = "results/.store"


wildcard_constraints:
    survey="|".join(STUDY.surveys),
    model="|".join(STUDY.models),
    endpoint="|".join(STUDY.endpoints) or "(?!)",
    condition="|".join({c for s in STUDY.surveys.values() for c in s.conditions}),
    arm="|".join(ARMS),
    panel="|".join(STUDY.panels),
    week=r"\d{4}-\d{2}-\d{2}",
    seed=r"\d+",
    format="svg|pdf|png",


@cache
def code_of(script):
    """Digest of a script and of what it needs of the library: a change of either reruns the rule."""
    return code_digest(Path("scripts") / f"{script}.py")


@cache
def plain(section, name):
    """An entry of one of the config's catalogues, as plain Python."""
    return getattr(STUDY, section)[name].model_dump(mode="json")


def config_value(section, name, *keys):
    """One value of the config, as plain Python."""
    return reduce(getitem, keys, plain(section, name))


def of_model(key):
    """A leaf of the wildcard's model."""
    return lambda wildcards: config_value("models", wildcards.model, key)


def of_survey(*keys):
    """A leaf of the wildcard's survey."""
    return lambda wildcards: config_value("surveys", wildcards.survey, *keys)


def of_condition(key):
    """A leaf of the wildcard's condition."""
    return lambda wildcards: config_value("surveys", wildcards.survey, "conditions", wildcards.condition, key)


def of_panel(*keys):
    """A leaf of the wildcard's panel."""
    return lambda wildcards: config_value("panels", wildcards.panel, *keys)


def those_that(section, test):
    """A pattern for the names of the surveys or panels that pass a test, for a rule that only they need."""
    return "|".join(name for name, one in section.items() if test(one)) or "(?!)"


# Memory and time limits. A profile's table (`limits`) says them by model size; without one there is no cluster to be told.


def grows(amount):
    """A resource that grows with each attempt: a job that was killed for want of it has more the next time."""
    return lambda wildcards, attempt: amount * attempt


def memory_of_model(wildcards, attempt):
    """Main memory of a job that holds a model."""
    return attempt * limit_of(STUDY, wildcards.model).mem_mb


def minutes_of_rows(n_rows):
    """Time limit of a job that passes so many rows through a model: of 400 tokens in a survey, a block in a panel."""

    def minutes(wildcards, input, attempt):
        per_1000 = limit_of(STUDY, wildcards.model).minutes_per_1000_rows
        return attempt * limit_minutes(n_rows(wildcards, input), per_1000)

    return minutes


def rows_trained(wildcards, input):
    """The rows that a survey's job passes through the model, all epochs and folds; known once there are prompts."""
    rows = rows_of_training(training_preset(wildcards), n_rows(Path(input.prompts)))
    return len(FOLDS) * rows


def rows_scored(wildcards, input):
    """The rows that a survey's job scores; known once there are prompts."""
    return n_rows(Path(input.prompts))


def rows_of_weeks(wildcards, input):
    """The blocks of posts that a panel's job passes through the model, all epochs, weeks and seeds."""
    rows = rows_of_training(training_preset(wildcards), GUESSED_BLOCKS_PER_WEEK)
    seeds = STUDY.panels[wildcards.panel].seeds
    return STUDY.engine.weeks_per_job * len(seeds) * rows
