"""The panel branch: from weekly posts to what each week's adapters answer to the survey's questions.

A week's posts and adapters stand in folders that rules write to and record: a week that did not change keeps its files.
"""


def raw_posts(wildcards):
    """The files of posts as they came."""
    panel = STUDY.panels[wildcards.panel]
    if panel.simulate is not None:
        return f"results/panels/{wildcards.panel}/simulated"
    files = matching_files(panel.files, panel.weeks.labels())
    return sorted(name for named in files.values() for name in named)


def patterns_of_posts(wildcards):
    """What a panel's files of posts are found by."""
    panel = STUDY.panels[wildcards.panel]
    if panel.simulate is not None:
        return [f"results/panels/{wildcards.panel}/simulated/*.csv"]
    return panel.files


def labelled_posts(wildcards):
    """The files of posts that a mix draws from; simulated ones are no files."""
    source = STUDY.panels[wildcards.panel].mix.source
    labelled = [f"{source}/labels.txt", *sorted(map(str, Path(source).glob("*.tsv")))]
    return [] if source == "simulated" else labelled


def files_beside(section):
    """The files of trackers, signals or lexicon of the wildcard's panel."""
    return lambda wildcards: [
        file for key, file in STUDY.panels[wildcards.panel].files_beside().items() if key.startswith(section)
    ]


def posts_record(wildcards):
    """What is written once a panel's posts stand in a table for each week."""
    mixed = STUDY.panels[wildcards.panel].mix is not None
    file = "tracker.parquet" if mixed else "reading.json"
    return f"results/panels/{wildcards.panel}/{file}"


def counted_files(wildcards):
    """The record of a panel's posts, and its lexicon."""
    return [posts_record(wildcards), *files_beside("lexicon")(wildcards)]


def weeks_of(wildcards):
    """The labels of a panel's weeks, as the config declares them."""
    return STUDY.panels[wildcards.panel].weeks.labels()


def weeks_of_job(wildcards):
    """The weeks that a job trains: so many as the config says, from the one in its name."""
    weeks = weeks_of(wildcards)
    first = weeks.index(wildcards.week)
    return weeks[first : first + STUDY.engine.weeks_per_job]


def skips_small_weeks(wildcards):
    """Whether a week with too few posts has no estimate, or is an error."""
    panel = STUDY.panels[wildcards.panel]
    return panel.too_few_posts == "skip" and panel.mix is None


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


def answers_of(wildcards):
    """The answers tables of a panel, one for each model."""
    return expand(
        "results/panels/{panel}/answers/{model}.parquet",
        panel=wildcards.panel,
        model=STUDY.panels[wildcards.panel].models(),
    )


def signals_of(wildcards):
    """The other series of a panel, if it has any."""
    has_some = STUDY.panels[wildcards.panel].signals
    return [f"results/panels/{wildcards.panel}/signals.parquet"] if has_some else []


def tracker_of(wildcards):
    """The survey beside a panel: its own, or what a simulated or mixed one brings."""
    panel = STUDY.panels[wildcards.panel]
    has_one = panel.trackers or panel.simulate is not None or panel.mix is not None
    return [f"results/panels/{wildcards.panel}/tracker.parquet"] if has_one else []


def truth_of(wildcards):
    """The mood behind simulated posts."""
    simulated = STUDY.panels[wildcards.panel].simulate is not None
    return [f"results/panels/{wildcards.panel}/truth.parquet"] if simulated else []


def is_mixed(wildcards):
    """Whether a panel's weeks are mixes with known shares; these then are no survey, but what is to be found."""
    return STUDY.panels[wildcards.panel].mix is not None


rule simulate_panel:
    """Make up weekly posts and a survey from a mood that is known."""
    output:
        posts=directory("results/panels/{panel}/simulated"),
        tracker="results/panels/{panel}/tracker.parquet",
        truth="results/panels/{panel}/truth.parquet",
    log:
        "logs/simulate_panel/{panel}.log",
    benchmark:
        "benchmarks/simulate_panel/{panel}.tsv"
    wildcard_constraints:
        panel=those_that(STUDY.panels, lambda panel: panel.simulate is not None),
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=grows(1000),
        runtime=grows(10),
    params:
        weeks=of_panel("weeks"),
        simulate=of_panel("simulate"),
        code=code_of("simulate_panel"),
    script:
        "../scripts/simulate_panel.py"


rule read_panel:
    """Sort posts into weeks, clean them, and say what was dropped; how many a week has is known only then."""
    input:
        after=raw_posts,
    output:
        report="results/panels/{panel}/reading.json",
    log:
        "logs/read_panel/{panel}.log",
    benchmark:
        "benchmarks/read_panel/{panel}.tsv"
    wildcard_constraints:
        panel=those_that(STUDY.panels, lambda panel: panel.mix is None),
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=grows(240),
    params:
        files=patterns_of_posts,
        columns=of_panel("columns"),
        format=of_panel("format"),
        weeks=of_panel("weeks"),
        cleaning=of_panel("cleaning"),
        filters=of_panel("filters"),
        salt_file=of_panel("salt_file"),
        posts="results/panels/{panel}/posts",
        code=code_of("read_panel"),
    script:
        "../scripts/read_panel.py"


rule mix_posts:
    """Mix joyful and sad posts with known shares, which are then the survey to compare with."""
    input:
        after=labelled_posts,
    output:
        tracker="results/panels/{panel}/tracker.parquet",
    log:
        "logs/mix_posts/{panel}.log",
    benchmark:
        "benchmarks/mix_posts/{panel}.tsv"
    wildcard_constraints:
        panel=those_that(STUDY.panels, lambda panel: panel.mix is not None),
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=grows(1000),
        runtime=grows(10),
    params:
        mix=of_panel("mix"),
        weeks=of_panel("weeks"),
        cleaning=of_panel("cleaning"),
        posts="results/panels/{panel}/posts",
        code=code_of("mix_posts"),
    script:
        "../scripts/mix_posts.py"


rule read_tracker:
    """Bring the surveys that the questions are compared with to the panel's weeks."""
    input:
        after=files_beside("trackers"),
    output:
        tracker="results/panels/{panel}/tracker.parquet",
    log:
        "logs/read_tracker/{panel}.log",
    benchmark:
        "benchmarks/read_tracker/{panel}.tsv"
    wildcard_constraints:
        panel=those_that(STUDY.panels, lambda panel: panel.trackers),
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=grows(1000),
        runtime=grows(5),
    params:
        trackers=of_panel("trackers"),
        options=questions_of,
        weeks=of_panel("weeks"),
        code=code_of("read_tracker"),
    script:
        "../scripts/read_tracker.py"


rule read_signals:
    """Bring other weekly and daily series to the panel's weeks."""
    input:
        after=files_beside("signals"),
    output:
        table="results/panels/{panel}/signals.parquet",
    log:
        "logs/read_signals/{panel}.log",
    benchmark:
        "benchmarks/read_signals/{panel}.tsv"
    wildcard_constraints:
        panel=those_that(STUDY.panels, lambda panel: panel.signals),
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=grows(1000),
        runtime=grows(5),
    params:
        signals=of_panel("signals"),
        weeks=of_panel("weeks"),
        code=code_of("read_signals"),
    script:
        "../scripts/read_signals.py"


rule count_words:
    """Count the words of the answer options in each week's posts: what a language model must beat."""
    input:
        after=counted_files,
    output:
        signals="results/panels/{panel}/words.parquet",
    log:
        "logs/count_words/{panel}.log",
    benchmark:
        "benchmarks/count_words/{panel}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=grows(1000),
        runtime=grows(60),
    params:
        posts="results/panels/{panel}/posts",
        weeks=weeks_of,
        options=options_of_panel,
        lexicon=of_panel("lexicon"),
        code=code_of("count_words"),
    script:
        "../scripts/count_words.py"


rule train_week_adapters:
    """Tune an adapter for each seed of some weeks, those of a job as one cohort on one base."""
    input:
        base="results/models/{model}/model.json",
        record=posts_record,
    output:
        manifest="results/panels/{panel}/adapters/{model}/{week}.json",
    log:
        "logs/train_week_adapters/{panel}/{model}/{week}.log",
    benchmark:
        "benchmarks/train_week_adapters/{panel}/{model}/{week}.tsv"
    conda:
        "../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=memory_of_model,
        runtime=minutes_of_rows(rows_of_weeks),
    params:
        posts="results/panels/{panel}/posts",
        weeks=weeks_of_job,
        seeds=of_panel("seeds"),
        min_posts=of_panel("min_posts"),
        skip_small_weeks=skips_small_weeks,
        training=training_of,
        pace=STUDY.engine.pace(),
        store=STORE,
        code=code_of("train_week_adapters"),
    script:
        "../scripts/train_week_adapters.py"


rule score_questions:
    """Read the probability of each answer to each question from every week's adapters, and from the untuned base."""
    input:
        base="results/models/{model}/model.json",
        manifests=manifests_of,
    output:
        answers="results/panels/{panel}/answers/{model}.parquet",
    log:
        "logs/score_questions/{panel}/{model}.log",
    benchmark:
        "benchmarks/score_questions/{panel}/{model}.tsv"
    conda:
        "../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=memory_of_model,
        runtime=grows(240),
    params:
        panel="{panel}",
        model="{model}",
        questions=of_panel("questions"),
        scoring=STUDY.scoring.model_dump(mode="json"),
        tokens_per_batch=STUDY.engine.tokens_per_batch,
        store=STORE,
        code=code_of("score_questions"),
    script:
        "../scripts/score_questions.py"
