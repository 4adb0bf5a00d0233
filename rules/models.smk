"""Base models: from a source to a 4-bit base that every job loads.

Makes results/models/{model}/, an ordinary Hugging Face directory, and model.json with its source and digest.

These rules can be cached between workflows (rules/common/cache.smk).
"""


rule build_tiny:
    """The built-in base model, made from generated text."""
    output:
        weights="results/built-in/tiny/model.safetensors",
        config="results/built-in/tiny/config.json",
        tokenizer="results/built-in/tiny/tokenizer.json",
        tokenizer_config="results/built-in/tiny/tokenizer_config.json",
    log:
        log="logs/build_tiny/tiny.log",
        cost="benchmarks/build_tiny/tiny.tsv",
    cache: CACHED.models
    conda:
        "../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=grows(15),
    params:
        store=STORE,
        code=code_of("build_tiny"),
    script:
        "../scripts/build_tiny.py"


rule prepare_model:
    """Quantise a base model and save it, so that no job quantises again."""
    input:
        source=source_files,
    output:
        description="results/models/{model}/model.json",
        weights="results/models/{model}/model.safetensors",
        config="results/models/{model}/config.json",
        tokenizer="results/models/{model}/tokenizer.json",
        tokenizer_config="results/models/{model}/tokenizer_config.json",
    log:
        log="logs/prepare_model/{model}.log",
        cost="benchmarks/prepare_model/{model}.tsv",
    cache: CACHED.models
    conda:
        "../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=memory_of_preparing,
        runtime=grows(120),
    params:
        source=source_of,
        revision=of_model("revision"),
        quantization=of_model("quantization"),
        compute_dtype=of_model("compute_dtype"),
        encoder=of_model("encoder"),
        store=STORE,
        code=code_of("prepare_model"),
    script:
        "../scripts/prepare_model.py"
