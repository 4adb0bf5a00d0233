"""The panel branch: from weekly posts to what each week's adapters answer to the survey's questions.

Needs files of posts, or makes them. Makes a table of posts and adapters for each week, answers, and the series that stand beside them.
Posts and adapters of a week stand in folders that rules write to and list: a week that did not change keeps its files.
"""


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
        panel=panels_that(lambda panel: panel.simulate is not None),
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


checkpoint read_panel:
    """Sort posts into weeks, clean them, and say what was dropped; how many a week has is known only then."""
    input:
        files=raw_posts,
    output:
        report="results/panels/{panel}/reading.json",
    log:
        "logs/read_panel/{panel}.log",
    benchmark:
        "benchmarks/read_panel/{panel}.tsv"
    wildcard_constraints:
        panel=panels_that(lambda panel: panel.mix is None),
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


checkpoint mix_posts:
    """Mix joyful and sad posts with known shares, which are then the survey to compare with."""
    input:
        files=labelled_posts,
    output:
        tracker="results/panels/{panel}/tracker.parquet",
    log:
        "logs/mix_posts/{panel}.log",
    benchmark:
        "benchmarks/mix_posts/{panel}.tsv"
    wildcard_constraints:
        panel=panels_that(lambda panel: panel.mix is not None),
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
        files=files_of("trackers", "tracker.parquet"),
    output:
        tracker="results/panels/{panel}/tracker.parquet",
    log:
        "logs/read_tracker/{panel}.log",
    benchmark:
        "benchmarks/read_tracker/{panel}.tsv"
    wildcard_constraints:
        panel=panels_that(lambda panel: panel.trackers),
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=grows(1000),
        runtime=grows(5),
    params:
        trackers=of_panel("trackers"),
        options=lambda wildcards: {
            name: question.options
            for name, question in STUDY.panels[wildcards.panel].questions.items()
        },
        weeks=of_panel("weeks"),
        code=code_of("read_tracker"),
    script:
        "../scripts/read_tracker.py"


rule read_signals:
    """Bring other weekly and daily series to the panel's weeks."""
    input:
        files=files_of("signals", "signals.parquet"),
    output:
        signals="results/panels/{panel}/signals.parquet",
    log:
        "logs/read_signals/{panel}.log",
    benchmark:
        "benchmarks/read_signals/{panel}.tsv"
    wildcard_constraints:
        panel=panels_that(lambda panel: panel.signals),
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
        posts=lambda wildcards: posts_of(wildcards.panel, weeks_of(wildcards.panel)),
        lexicon=files_of("lexicon", "words.parquet"),
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
        weeks=lambda wildcards: weeks_of(wildcards.panel),
        options=options_of_panel,
        lexicon=of_panel("lexicon"),
        code=code_of("count_words"),
    script:
        "../scripts/count_words.py"


rule train_week_adapters:
    """Tune an adapter for each seed of some weeks, those of a job as one cohort on one base.

    The wildcards are the first of the adapters; `engine.weeks_per_job` says how many there are. The output is a list of
    them: which weeks have posts enough is known only now. They stand beside it; one that gets lost is made again from the store.
    """
    input:
        base="results/models/{model}/model.json",
        posts=lambda wildcards: posts_of(wildcards.panel, weeks_in_job(wildcards)),
    output:
        trained="results/panels/{panel}/adapters/{model}/{week}-seed-{seed}.json",
    log:
        log="logs/train_week_adapters/{panel}/{model}/{week}-seed-{seed}.log",
        cost="benchmarks/train_week_adapters/{panel}/{model}/{week}-seed-{seed}.tsv",
    cache: CACHED.results
    conda:
        "../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=memory_of_training,
        runtime=minutes_of_weeks,
    params:
        adapters=tuned_in_job,
        min_posts=of_panel("min_posts"),
        training=lambda wildcards: leaf(
            "training", STUDY.panels[wildcards.panel].training
        ),
        pace=STUDY.engine.pace(),
        store=STORE,
        code=code_of("train_week_adapters"),
    script:
        "../scripts/train_week_adapters.py"


rule score_questions:
    """Read the probability of each answer to each question from every week's adapters, and from the untuned base."""
    input:
        base="results/models/{model}/model.json",
        trained=trained_lists,
    output:
        answers="results/panels/{panel}/answers/{model}.parquet",
    log:
        log="logs/score_questions/{panel}/{model}.log",
        cost="benchmarks/score_questions/{panel}/{model}.tsv",
    cache: CACHED.results
    conda:
        "../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=memory_of_scoring,
        runtime=grows(240),
    params:
        panel="{panel}",
        model="{model}",
        questions=of_panel("questions"),
        normalization=STUDY.scoring.normalization,
        readout=STUDY.scoring.readout,
        tokens_per_batch=STUDY.engine.tokens_per_batch,
        store=STORE,
        code=code_of("score_questions"),
    script:
        "../scripts/score_questions.py"
