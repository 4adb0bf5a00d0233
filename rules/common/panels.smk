"""What rules ask of panels, in the order of these rules: posts, weeks, answers, series."""


def of_panel(*keys):
    """A leaf of the wildcard's panel."""
    return lambda wildcards: leaf("panels", wildcards.panel, *keys)


def panels_that(test):
    """A pattern for the names of the panels that pass a test, for a rule that only they need."""
    return (
        "|".join(name for name, panel in STUDY.panels.items() if test(panel)) or "(?!)"
    )


def raw_posts(wildcards):
    """The files of posts as they came."""
    panel = STUDY.panels[wildcards.panel]
    if panel.simulate is not None:
        return f"results/panels/{wildcards.panel}/simulated"
    found = []
    for file in panel.files:
        patterns = {file.replace("{week}", week) for week in panel.weeks.labels()}
        named = [name for pattern in patterns for name in glob(pattern, recursive=True)]
        if not named:  # a pattern that nothing matches is an absent file
            made = f"results/panels/{wildcards.panel}/reading.json"
            given(file, f"panels.{wildcards.panel}.files", made)
        found += named
    return sorted(set(found))


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
    if source == "simulated":
        return []
    files = [f"{source}/labels.txt", *sorted(map(str, Path(source).glob("*.tsv")))]
    made = f"results/panels/{wildcards.panel}/tracker.parquet"
    return given(files, f"panels.{wildcards.panel}.mix.source", made)


def files_beside(panel, section, made):
    """The files of a panel's trackers, of its signals or of its lexicon, of which `made` is made."""
    return [
        given(file, f"panels.{panel}.{key}", made)
        for key, file in STUDY.panels[panel].files_beside().items()
        if key.startswith(section)
    ]


def files_of(section, made):
    """The files of trackers, signals or lexicon of the wildcard's panel."""
    return lambda wildcards: files_beside(
        wildcards.panel, section, f"results/panels/{wildcards.panel}/{made}"
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


def reading_of(panel):
    """What was kept and dropped of a panel's posts. Known once it has been read: Snakemake waits for that here."""
    written = checkpoints.read_panel.get(panel=panel).output.report
    return json.loads(Path(written).read_text(encoding="utf-8"))


def tuned_weeks(panel):
    """The weeks that get adapters: all, but those with too few posts if the config says to skip them."""
    chosen = STUDY.panels[panel]
    if chosen.too_few_posts == "refuse" or chosen.mix is not None:
        return weeks_of(panel)
    weeks = reading_of(panel)["weeks"]
    return [week for week in weeks_of(panel) if weeks[week]["kept"] >= chosen.min_posts]


def tuned_in_job(wildcards):
    """The adapters that a job trains, each as week and seed; its wildcards are the first that was declared for it."""
    panel = wildcards.panel
    first = (wildcards.week, int(wildcards.seed))
    job = weekly_jobs(panel, wildcards.model).get(first, [first])
    tuned = tuned_weeks(panel)
    return [(week, seed) for week, seed in job if week in tuned]


def weeks_in_job(wildcards):
    """The weeks whose posts a job needs."""
    return list(dict.fromkeys(week for week, seed in tuned_in_job(wildcards)))


def trained_lists(wildcards):
    """The lists of trained adapters, one of each job that has a week to train."""
    panel, model = wildcards.panel, wildcards.model
    jobs = weekly_jobs(panel, model)
    tuned = set(tuned_weeks(panel))
    return [
        f"results/panels/{panel}/adapters/{model}/{week}-seed-{seed}.json"
        for (week, seed), job in jobs.items()
        if not tuned.isdisjoint(week for week, seed in job)
    ]


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
