"""The panel branch: from weekly posts to what each week's adapters answer to the survey's questions.

A week's posts and adapters stand in folders that rules write to and record: a week that did not change keeps its files.
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
        panel=those_that(STUDY.panels, lambda panel: panel.has_posts and panel.mix is None),
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
        format=of_panel("format"),
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
        posts_record,
        after=files_beside("lexicon"),
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
    priority: 1
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
        skip_small_weeks=lambda wildcards: of_panel("too_few_posts")(wildcards) == "skip"
        and not is_mixed(wildcards),
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
        chat=of_model("chat"),
        scoring=STUDY.scoring.model_dump(mode="json"),
        tokens_per_batch=STUDY.engine.tokens_per_batch,
        store=STORE,
        code=code_of("score_questions"),
    script:
        "../scripts/score_questions.py"
