"""What the rules of panels and series take: posts, weeks, answers, and the files beside them."""


def raw_posts(wildcards):
    """The files of posts as they came."""
    panel = STUDY.panels[wildcards.panel]
    if panel.simulate is not None:
        return f"results/panels/{wildcards.panel}/simulated"
    return sorted(set().union(*matching_files(panel.files, panel.weeks.labels()).values()))


def patterns_of_posts(wildcards):
    """What a panel's files of posts are found by."""
    panel = STUDY.panels[wildcards.panel]
    if panel.simulate is not None:
        return [f"results/panels/{wildcards.panel}/simulated/*.csv"]
    return panel.files


def labelled_posts(wildcards):
    """The files of posts that a mix draws from; simulated ones are no files."""
    source = STUDY.panels[wildcards.panel].mix.source
    if source == "simulated" or Path(source).is_file():
        return [] if source == "simulated" else [source]
    return [f"{source}/labels.txt", *sorted(map(str, Path(source).glob("*.tsv")))]


def files_beside(section):
    """The files of trackers, signals or lexicon of the wildcard's panel."""
    return lambda wildcards: [
        file for key, file in STUDY.panels[wildcards.panel].files_beside().items() if key.startswith(section)
    ]


def posts_record(wildcards):
    """What is written once a panel's posts stand in a table for each week."""
    file = "tracker.parquet" if is_mixed(wildcards) else "reading.json"
    return f"results/panels/{wildcards.panel}/{file}"


def weeks_of(wildcards):
    """The labels of a panel's weeks, as the config declares them."""
    return STUDY.panels[wildcards.panel].weeks.labels()


def weeks_of_job(wildcards):
    """The weeks that a job trains: so many as the config says, from the one in its name."""
    weeks = weeks_of(wildcards)
    first = weeks.index(wildcards.week)
    return weeks[first : first + STUDY.engine.weeks_per_job]


def manifests_of(wildcards):
    """The manifests of a panel's adapters on a model, one for each job that trains."""
    folder = f"results/panels/{wildcards.panel}/adapters/{wildcards.model}"
    return [f"{folder}/{week}.json" for week in weeks_of(wildcards)[:: STUDY.engine.weeks_per_job]]


def options_of_panel(wildcards):
    """The answer options of all questions of a panel, each once."""
    questions = STUDY.panels[wildcards.panel].questions.values()
    return list(dict.fromkeys(one for question in questions for one in question.options))


def questions_of(wildcards):
    """The answer options of each question of a panel."""
    questions = STUDY.panels[wildcards.panel].questions
    return {name: question.options for name, question in questions.items()}


def select_all_questions(wildcards):
    """The questions of a panel of which all options that apply are chosen."""
    return [name for name, question in STUDY.panels[wildcards.panel].questions.items() if question.select_all]


def periods_of(wildcards):
    """The labels of the weeks of each named part of a panel."""
    panel = STUDY.panels[wildcards.panel]
    return {name: panel.weeks_of(period) for name, period in panel.series.periods.items()}


def answers_of(wildcards):
    """The answers tables of a panel, one for each model."""
    folder = f"results/panels/{wildcards.panel}/answers"
    return [f"{folder}/{model}.parquet" for model in STUDY.panels[wildcards.panel].models()]


def table_if(has_one, name):
    """A table of the wildcard's panel, if it has one: a list of none or one."""
    tables = {
        panel: [f"results/panels/{panel}/{name}"] for panel, one in STUDY.panels.items() if has_one(one)
    }
    return lambda wildcards: tables.get(wildcards.panel, [])


words_of = table_if(lambda panel: panel.has_posts, "words.parquet")
signals_of = table_if(lambda panel: panel.signals, "signals.parquet")
# A simulated or mixed panel brings its own.
tracker_of = table_if(lambda panel: panel.trackers or panel.simulate or panel.mix, "tracker.parquet")
truth_of = table_if(lambda panel: panel.simulate, "truth.parquet")


def is_mixed(wildcards):
    """Whether a panel's weeks are mixes with known shares; these then are no survey, but what is to be found."""
    return STUDY.panels[wildcards.panel].mix is not None
