"""Names that stand in paths, and functions that give a rule the leaves of the config it uses."""

FOLDS = range(STUDY.folds)
CODEBOOKS = {
    name: load_codebook(Path(survey.codebook))
    for name, survey in STUDY.selected_surveys().items()
}
BASELINES = STUDY.run.baselines
# Finished adapters and checkpoints, by content: a side folder that no rule owns, so that no failed job takes it along.
STORE = "results/.store"
SURVEY_TABLES = [
    *["f1", "metrics", "shares", "comparisons", "left_out"],
    *["absent", "effective", "subgroups"],
]
SURVEY_FIGURES = [
    *["f1_by_class", "shares", "learning_curve", "left_out", "reliability"],
    *["absent", "effective", "subgroups"],
]
# What of a survey stands in the report, and beside it for a paper. The page itself shows SVG.
REPORTED_OF_SURVEY = [
    *[
        "fold_metrics.parquet",
        "metrics.parquet",
        "comparisons.parquet",
        "shares.parquet",
        "absent.parquet",
        "effective.parquet",
        "subgroup_metrics.parquet",
    ],
    *expand("tables/{table}.{format}", table=SURVEY_TABLES, format=["csv", "tex"]),
    *expand(
        "figures/{figure}.{format}",
        figure=SURVEY_FIGURES,
        format={"svg", *STUDY.report.formats},
    ),
]

PANEL_TABLES = ["correlations", "confirmations", "recovery"]
PANEL_FIGURES = ["series", "lags", "raw", "relative"]
REPORTED_OF_PANEL = [
    *["affect.parquet", "ccf.parquet", "confirmations.parquet", "recovery.parquet"],
    *expand("tables/{table}.{format}", table=PANEL_TABLES, format=["csv", "tex"]),
    *expand(
        "figures/{figure}.{format}",
        figure=PANEL_FIGURES,
        format={"svg", *STUDY.report.formats},
    ),
]


wildcard_constraints:
    survey="|".join(STUDY.surveys),
    model="|".join(STUDY.models),
    endpoint="|".join(STUDY.endpoints) or "(?!)",
    condition="|".join({c for s in STUDY.surveys.values() for c in s.conditions}),
    arm="|".join(name for name, arm in ARMS.items() if not arm.classifies),
    panel="|".join(STUDY.panels),
    week=r"\d{4}-\d{2}-\d{2}",
    seed=r"\d+",
    fold=r"\d+",
    format="svg|pdf|png",


def code_of(script):
    """Digest of a script and of the library rooms it needs; a change of either reruns the rule."""
    return code_digest(Path("scripts") / f"{script}.py")


def grows(amount):
    """A resource that grows with each attempt: a job that was killed for want of it has more the next time."""
    return lambda wildcards, attempt: amount * attempt


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


def memory_of_training(wildcards, input, attempt):
    """Main memory of a job that trains; known once the model has been prepared."""
    return attempt * sizes.model_mb(
        Path(input.base), preset_of(wildcards), STUDY.engine.adapters_at_once
    )


def memory_of_scoring(wildcards, input, attempt):
    """Main memory of a job that scores; known once the model has been prepared."""
    return attempt * sizes.model_mb(Path(input.base), preset_of(wildcards), 1)


def minutes_of_folds(wildcards, input, attempt):
    """Time limit of a job that trains a survey's folds; known once there are prompts."""
    training = preset_of(wildcards)
    expected = sizes.training_minutes(
        sizes.billion_parameters(STUDY.models[wildcards.model]),
        training,
        n_adapters=STUDY.folds,
        n_rows=sizes.n_rows(Path(input.prompts)),
        tokens_per_row=sizes.TOKENS_PER_PROMPT,
        gpu_tflops=STUDY.engine.gpu_tflops,
    )
    return attempt * sizes.limit_minutes(expected)


def minutes_of_scoring(wildcards, input, attempt):
    """Time limit of a job that scores a survey: a pass over each prompt is less than an epoch of training."""
    epoch = STUDY.training[STUDY.surveys[wildcards.survey].training].model_copy(
        update={"max_steps": None, "num_train_epochs": 1}
    )
    expected = sizes.training_minutes(
        sizes.billion_parameters(STUDY.models[wildcards.model]),
        epoch,
        n_adapters=1,
        n_rows=sizes.n_rows(Path(input.prompts)),
        tokens_per_row=sizes.TOKENS_PER_PROMPT,
        gpu_tflops=STUDY.engine.gpu_tflops,
    )
    return attempt * sizes.limit_minutes(expected)


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


def leaf(section, name, *keys):
    """One value of the config, as plain Python."""
    value = getattr(STUDY, section)[name].model_dump(mode="json")
    for key in keys:
        value = value[key]
    return value


def of_model(key):
    """A leaf of the wildcard's model."""
    return lambda wildcards: leaf("models", wildcards.model, key)


def of_survey(key):
    """A leaf of the wildcard's survey."""
    return lambda wildcards: leaf("surveys", wildcards.survey, key)


def of_condition(key):
    """A leaf of the wildcard's condition."""
    return lambda wildcards: leaf(
        "surveys", wildcards.survey, "conditions", wildcards.condition, key
    )


def codebook_of(wildcards):
    """The YAML file that words the survey."""
    return STUDY.surveys[wildcards.survey].codebook


def survey_file(wildcards):
    """The survey's file; one that comes with a library is no file of ours."""
    if STUDY.surveys[wildcards.survey].simulate is not None:
        return f"results/surveys/{wildcards.survey}/simulated.sav"
    file = STUDY.surveys[wildcards.survey].file
    return [] if file.startswith("statsmodels:") else file


def survey_source(wildcards):
    """Where the survey is read from: its file, the made-up one, or a library's."""
    return survey_file(wildcards) or STUDY.surveys[wildcards.survey].file


def layout_of(wildcards):
    """How the archive writes the file that is made up; without it the codebook says all."""
    return STUDY.surveys[wildcards.survey].simulate.layout or []


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


def subgroups_of(wildcards):
    """Parts of the tested respondents that are measured alone, in the words of the survey's language."""
    return STUDY.surveys[wildcards.survey].subgroups_in_words(
        CODEBOOKS[wildcards.survey]
    )


def other_selection(wildcards):
    """What the condition does whose number of training rows this one takes, if it takes one."""
    survey = STUDY.surveys[wildcards.survey]
    other = survey.conditions[wildcards.condition].same_size_as
    return other and survey.selection(other, CODEBOOKS[wildcards.survey])


def conditions_of(wildcards):
    """What a survey tries, by name, as plain Python."""
    return leaf("surveys", wildcards.survey, "conditions")


def target_of(wildcards):
    """The item that is predicted."""
    return CODEBOOKS[wildcards.survey].target


def is_simulated(wildcards):
    """Whether the survey's respondents are made up; then every figure and table says so."""
    made_up = STUDY.surveys[wildcards.survey].simulate is not None
    return made_up or CODEBOOKS[wildcards.survey].simulated


def prompts_of(wildcards):
    """The prompts of a condition; conditions that leave out the same items share them."""
    twin = STUDY.surveys[wildcards.survey].prompt_twin(wildcards.condition)
    folder = "personas" if is_persona(wildcards) else "prompts"
    return f"results/surveys/{wildcards.survey}/{folder}/{twin}.parquet"


def is_persona(wildcards):
    """Whether the arm reads backstories in the first person."""
    return "arm" in wildcards.keys() and ARMS[wildcards.arm].persona


def training_of(wildcards):
    """The hyper-parameters of a survey's adapters."""
    return leaf("training", STUDY.surveys[wildcards.survey].training)


def source_of(wildcards):
    """Where a base model's weights are."""
    source = STUDY.models[wildcards.model].source
    return "results/built-in/tiny" if source == "built-in" else source


def source_files(wildcards):
    """The files of the built-in model, which is made here; others are not ours."""
    return (
        "results/built-in/tiny/model.safetensors"
        if source_of(wildcards) == "results/built-in/tiny"
        else []
    )


def fold_files(name, kind="adapters"):
    """The path of a file of each fold's adapter, or of each fold's classifier."""
    folder = f"results/surveys/{{survey}}/{kind}/{{model}}/{{condition}}/seed-{{seed}}"
    return expand(f"{folder}/fold-{{fold}}/{name}", fold=FOLDS, allow_missing=True)


def adapters_of_arm(wildcards):
    """The adapters that an arm reads with: one for each fold if it is tuned, none else."""
    return fold_files("adapter_model.safetensors") if ARMS[wildcards.arm].tuned else []


def examples_of_arm(wildcards):
    """How many examples stand in an arm's prompts."""
    shows = ARMS[wildcards.arm].shows_examples
    return STUDY.surveys[wildcards.survey].few_shot_k if shows else 0


def predictions_of(wildcards):
    """All predictions tables of a survey."""
    return STUDY.surveys[wildcards.survey].prediction_files(wildcards.survey, BASELINES)


def splits_of(wildcards):
    """The splits tables of a survey's conditions."""
    return expand(
        "results/surveys/{survey}/splits/{condition}.parquet",
        survey=wildcards.survey,
        condition=STUDY.surveys[wildcards.survey].conditions,
    )


def panels_that(test):
    """A pattern for the names of the panels that pass a test, for a rule that only they need."""
    return (
        "|".join(name for name, panel in STUDY.panels.items() if test(panel)) or "(?!)"
    )


def of_panel(*keys):
    """A leaf of the wildcard's panel."""
    return lambda wildcards: leaf("panels", wildcards.panel, *keys)


def raw_posts(wildcards):
    """The files of posts as they came. If there are none, the job says so, with the pattern."""
    panel = STUDY.panels[wildcards.panel]
    if panel.simulate is not None:
        return f"results/panels/{wildcards.panel}/simulated"
    patterns = {
        file.replace("{week}", week)
        for file in panel.files
        for week in panel.weeks.labels()
    }
    return sorted(
        {name for pattern in patterns for name in glob(pattern, recursive=True)}
    )


def patterns_of_posts(wildcards):
    """What a panel's files of posts are found by."""
    panel = STUDY.panels[wildcards.panel]
    return (
        [f"results/panels/{wildcards.panel}/simulated/*.csv"]
        if panel.simulate is not None
        else panel.files
    )


def labelled_posts(wildcards):
    """The files of posts that a mix draws from; simulated ones are no files."""
    source = STUDY.panels[wildcards.panel].mix.source
    return (
        []
        if source == "simulated"
        else [f"{source}/labels.txt", *sorted(map(str, Path(source).glob("*.tsv")))]
    )


def posts_of(panel, weeks):
    """The posts tables of some weeks. They are known once the panel has been read: Snakemake waits for that here."""
    ready = (
        checkpoints.mix_posts
        if STUDY.panels[panel].mix is not None
        else checkpoints.read_panel
    )
    ready.get(panel=panel)
    return expand(
        "results/panels/{panel}/posts/{week}.parquet", panel=panel, week=weeks
    )


def weeks_of(panel):
    """The labels of a panel's weeks, as the config declares them."""
    return STUDY.panels[panel].weeks.labels()


def tuned_weeks(panel):
    """The weeks that get adapters: all, but those with too few posts if the config says to skip them."""
    chosen = STUDY.panels[panel]
    if chosen.too_few_posts == "refuse" or chosen.mix is not None:
        return weeks_of(panel)
    reading = Path(checkpoints.read_panel.get(panel=panel).output.report).read_text(
        encoding="utf-8"
    )
    kept = {
        week: counts["kept"] for week, counts in json.loads(reading)["weeks"].items()
    }
    return [week for week in weeks_of(panel) if kept[week] >= chosen.min_posts]


def weeks_per_job(panel, model):
    """How many weeks a job trains: as the config says, or as many as take it about the minutes that it says."""
    return STUDY.engine.weeks_per_job or sizes.weeks_in_a_job(
        minutes_of_a_week(panel, model), STUDY.engine.minutes_per_job
    )


def weeks_of_job(panel, model, first):
    """The weeks that the job of the week ``first`` trains. Jobs are cut by the declared weeks, so that a new one moves none."""
    weeks = weeks_of(panel)
    start = weeks.index(first)
    tuned = tuned_weeks(panel)
    return [
        week
        for week in weeks[start : start + weeks_per_job(panel, model)]
        if week in tuned
    ]


def trained_lists(wildcards):
    """The lists of trained adapters, one of each job that has a week to train."""
    panel, model = wildcards.panel, wildcards.model
    firsts = weeks_of(panel)[:: weeks_per_job(panel, model)]
    return expand(
        "results/panels/{panel}/adapters/{model}/{week}.json",
        panel=panel,
        model=model,
        week=[first for first in firsts if weeks_of_job(panel, model, first)],
    )


def options_of_panel(wildcards):
    """The answer options of all questions of a panel, each once."""
    questions = STUDY.panels[wildcards.panel].questions.values()
    return list(
        dict.fromkeys(option for question in questions for option in question.options)
    )


def questions_of(wildcards):
    """The answer options of each question of a panel."""
    questions = STUDY.panels[wildcards.panel].questions
    return {name: question.options for name, question in questions.items()}


def answers_of(wildcards):
    """The answers tables of a panel, one for each model."""
    models = STUDY.panels[wildcards.panel].models()
    return expand(
        "results/panels/{panel}/answers/{model}.parquet",
        panel=wildcards.panel,
        model=models,
    )


def signals_of(wildcards):
    """The other series of a panel, if it has any."""
    has_some = STUDY.panels[wildcards.panel].signals
    return f"results/panels/{wildcards.panel}/signals.parquet" if has_some else []


def tracker_of(wildcards):
    """The survey beside a panel: its own, or what a simulated or mixed one brings."""
    panel = STUDY.panels[wildcards.panel]
    has_one = panel.trackers or panel.simulate is not None or panel.mix is not None
    return f"results/panels/{wildcards.panel}/tracker.parquet" if has_one else []


def truth_of(wildcards):
    """The mood behind simulated posts."""
    simulated = STUDY.panels[wildcards.panel].simulate is not None
    return f"results/panels/{wildcards.panel}/truth.parquet" if simulated else []


def is_mixed(wildcards):
    """Whether a panel's weeks are mixes with known shares; these then are no survey, but what is to be found."""
    return STUDY.panels[wildcards.panel].mix is not None


def panels_read():
    """The panels of this run that have posts to be read; mixed ones say in the config what they are."""
    return [
        name for name, panel in STUDY.selected_panels().items() if panel.mix is None
    ]


def own_files():
    """The user's files besides surveys and posts, whose readers record digests: codebooks, trackers, signals, lexicons."""
    files = {survey.codebook for survey in STUDY.selected_surveys().values()}
    for panel in STUDY.selected_panels().values():
        files |= {
            one.file for one in (*panel.trackers.values(), *panel.signals.values())
        }
        if panel.lexicon is not None and panel.lexicon.file is not None:
            files.add(panel.lexicon.file)
    return sorted(files)
