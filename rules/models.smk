"""Base models: from a source to a 4-bit base that every job loads.

Makes results/models/{model}/, an ordinary Hugging Face directory, and model.json with its source and digest.
"""


rule build_tiny:
    """The built-in base model, made from generated text."""
    output:
        files=expand("results/built-in/tiny/{file}", file=WEIGHTS_AND_TOKENIZER),
    log:
        "logs/build_tiny/tiny.log",
    benchmark:
        "benchmarks/build_tiny/tiny.tsv"
    # Most of a study waits for its model: of jobs that could begin, these come first.
    priority: 1
    conda:
        "../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=grows(15),
    params:
        code=code_of("build_tiny"),
    script:
        "../scripts/build_tiny.py"


rule prepare_model:
    """Quantise a base model and save it, so that no job quantises again."""
    input:
        after=source_files,
    output:
        description="results/models/{model}/model.json",
        files=expand("results/models/{model}/{file}", file=WEIGHTS_AND_TOKENIZER, allow_missing=True),
    log:
        "logs/prepare_model/{model}.log",
    benchmark:
        "benchmarks/prepare_model/{model}.tsv"
    priority: 1
    conda:
        "../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=memory_of_model,
        runtime=grows(120),
    params:
        source=source_of,
        revision=of_model("revision"),
        quantization=of_model("quantization"),
        compute_dtype=of_model("compute_dtype"),
        encoder=of_model("encoder"),
        store=STORE,
        # What was proved once is not proved again: PREPARE_VERSION is raised when the proof changes.
        code=code_of("prepare_model", without=("proof.py",)),
    script:
        "../scripts/prepare_model.py"
