"""What rules ask of the study: names that stand in paths, leaves of the config, files, and limits of memory and time."""

FOLDS = range(STUDY.folds)
BASELINES = STUDY.run.baselines
# A survey of several targets has a view of each, named as a survey within it: ess11/targets/trstprt.
VIEWS = {name: survey.views(name) for name, survey in STUDY.surveys.items()}
SURVEYS = {**STUDY.surveys, **{name: view for views in VIEWS.values() for name, view in views.items()}}
# Of groups instead of respondents: rules/groups.smk makes all of these but the respondents.
GROUPED = [name for name, survey in STUDY.surveys.items() if survey.groups is not None]
SEVERAL_TARGETS = [
    name for name, survey in STUDY.surveys.items() if len(survey.targets or []) > 1 and name not in GROUPED
]
CODEBOOKS = {
    name: survey.answered(load_codebook(Path(survey.codebook)))
    for name, survey in STUDY.selected_surveys().items()
}
ASKED = {
    view: asked
    for name, codebook in CODEBOOKS.items()
    if name not in GROUPED
    for view, asked in zip(VIEWS[name], STUDY.surveys[name].asked(codebook), strict=True)
}
# The select-all items among a survey's targets: the view of each option, by survey and item.
SELECT_ALL = {
    (name, group): [name + IN_PATHS + item for item in codebook.members(group)]
    for name, codebook in CODEBOOKS.items()
    for group in codebook.select_all
    if name not in GROUPED and set(codebook.members(group)) <= set(STUDY.surveys[name].targets or [])
}
# Adapters, predictions, prepared models and checkpoints, by content: a folder that no rule owns, so that no failed job takes it along.
STORE = "results/.store"


def one_of(names):
    """A pattern for names; one that none matches, if there are none."""
    return "|".join(map(re.escape, names)) or "(?!)"


wildcard_constraints:
    survey=one_of(SURVEYS),
    model="|".join(STUDY.models),
    endpoint="|".join(STUDY.endpoints) or "(?!)",
    condition="|".join({c for s in STUDY.surveys.values() for c in s.conditions}),
    arm="|".join(ARMS),
    panel="|".join(STUDY.panels),
    week=r"\d{4}-\d{2}-\d{2}",
    seed=r"\d+",
    prediction_file="|".join({name for s in STUDY.surveys.values() for name in s.predictions}) or "(?!)",
    format="svg|pdf|png",


@cache
def digest_of(script, without):
    """Digest of a script and of what it needs of the library, but for the files named."""
    return code_digest(Path("scripts") / f"{script}.py", without=without)


def code_of(script, without=()):
    """That digest, whose change reruns the rule; only of rules that have jobs, since each job reads these rules anew."""
    return lambda wildcards: digest_of(script, without)


@cache
def plain(section, name):
    """An entry of one of the config's catalogues, as plain Python."""
    entries = SURVEYS if section == "surveys" else getattr(STUDY, section)
    return entries[name].model_dump(mode="json")


def value_of(section, wildcard):
    """A function of keys, whose value says where to find a leaf of the wildcard's model, survey or panel in the config."""
    return lambda *keys: lambda wildcards: reduce(getitem, keys, plain(section, wildcards[wildcard]))


of_model = value_of("models", "model")
of_endpoint = value_of("endpoints", "endpoint")
of_survey = value_of("surveys", "survey")
of_panel = value_of("panels", "panel")


def of_condition(key):
    """A leaf of the wildcard's condition, which a target may be learned under and not tested."""
    return lambda wildcards: plain("surveys", parent_of(wildcards.survey))["conditions"][wildcards.condition][
        key
    ]


def those_that(section, test):
    """A pattern for the names of the surveys or panels that pass a test, for a rule that only they need."""
    return one_of(name for name, one in section.items() if test(one))


def source_of(wildcards):
    """Where a base model's weights are."""
    source = STUDY.models[wildcards.model].source
    return "results/built-in/tiny" if source == "built-in" else source


def source_files(wildcards):
    """The files of the built-in model, which is made here, or of a local directory; a hub model has none."""
    if source_of(wildcards) == "results/built-in/tiny":
        return [f"results/built-in/tiny/{file}" for file in WEIGHTS_AND_TOKENIZER]
    prepared = Path(f"results/models/{wildcards.model}/model.json")
    return STUDY.models[wildcards.model].files(prepared)


def tokenizer_of(wildcards):
    """The folder of the tokenizer that an endpoint's prompts are split with: of a prepared model, or the user's; None if the server does it."""
    named = STUDY.endpoints[wildcards.endpoint].tokenizer
    return f"results/models/{named}" if named in STUDY.models else named


def tokenizer_files(folder):
    """The files of a tokenizer: those of a model are made here; of a folder that is not there, none, and the job says so."""
    names = [f"{folder}/tokenizer.json", f"{folder}/tokenizer_config.json"]
    prepared = folder is not None and folder.startswith("results/models/")
    return names if prepared else [name for name in names if Path(name).exists()]


def shown(*outputs, **names):
    """The outputs of some rules that the page shows or links to; it shows SVG, other formats are for papers."""
    files = [str(file) for output in outputs for file in output]
    return list(dict.fromkeys(expand(files, **names, format=["svg", *STUDY.report.formats])))


def own_files(wildcards):
    """The user's files besides surveys and posts, whose readers record digests: codebooks, trackers, signals, lexicons."""
    beside = [file for panel in STUDY.selected_panels().values() for file in panel.files_beside().values()]
    surveys = STUDY.selected_surveys().values()
    predicted = [file.file for survey in surveys for file in survey.predictions.values()]
    return sorted({*beside, *predicted, *(survey.codebook for survey in surveys)})


def grows(amount):
    """A resource that grows with each attempt: a job that was killed for want of it has more the next time."""
    return lambda wildcards, attempt: amount * attempt


def memory_of_model(wildcards, attempt):
    """Main memory of a job that holds a model, by the profile's table (`limits`); without one there is no cluster to be told."""
    return attempt * limit_of(STUDY, wildcards.model).mem_mb


def minutes_of_rows(n_rows):
    """Time limit of a job that passes so many rows through a model: of 400 tokens in a survey, a block in a panel."""

    def minutes(wildcards, input, attempt):
        per_1000 = limit_of(STUDY, wildcards.model).minutes_per_1000_rows
        return attempt * limit_minutes(n_rows(wildcards, input), per_1000)

    return minutes


def rows_trained(wildcards, input):
    """The rows that a survey's job passes through the model, all epochs, folds and targets; known once there are prompts."""
    rows = rows_of_training(training_preset(wildcards), sum(n_rows(Path(file)) for file in input.prompts))
    return len(FOLDS) * rows


def rows_scored(wildcards, input):
    """The rows that a survey's job reads; an example of a few-shot prompt is as long as a row."""
    return sum(n_rows(Path(file)) for file in input.prompts) * (1 + examples_of_arm(wildcards))


def rows_of_weeks(wildcards, input):
    """The blocks of posts that a panel's job passes through the model, all epochs, weeks and seeds."""
    rows = rows_of_training(training_preset(wildcards), GUESSED_BLOCKS_PER_WEEK)
    seeds = STUDY.panels[wildcards.panel].seeds
    return STUDY.engine.weeks_per_job * len(seeds) * rows
