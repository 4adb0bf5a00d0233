"""Names that stand in paths, the leaves of the config, and what rules ask of models."""

FOLDS = range(STUDY.folds)
CODEBOOKS = {
    name: load_codebook(Path(survey.codebook))
    for name, survey in STUDY.selected_surveys().items()
}
BASELINES = STUDY.run.baselines
# Finished adapters and checkpoints, by content: a side folder that no rule owns, so that no failed job takes it along.
STORE = "results/.store"


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


def noted(function):
    """A function whose parameters are noted: Snakemake looks them up several times for each of thousands of jobs."""
    # A mapping where Snakemake asks for a list, since it looks at the kinds of parameters too.
    overwrite_function_params(function, signature(function).parameters)
    return function


@cache
def code_of(script):
    """Digest of a script and of what it needs of the library; a change of either reruns the rule. A job asks for its own only."""
    digest = cache(lambda: code_digest(Path("scripts") / f"{script}.py"))
    return noted(lambda wildcards: digest())


@cache
def plain(section, name):
    """An entry of one of the config's catalogues, as plain Python."""
    return getattr(STUDY, section)[name].model_dump(mode="json")


def leaf(section, name, *keys):
    """One value of the config, as plain Python."""
    value = plain(section, name)
    for key in keys:
        value = value[key]
    return value


def of_model(key):
    """A leaf of the wildcard's model."""
    return noted(lambda wildcards: leaf("models", wildcards.model, key))


def source_of(wildcards):
    """Where a base model's weights are."""
    source = STUDY.models[wildcards.model].source
    return "results/built-in/tiny" if source == "built-in" else source


def source_files(wildcards):
    """The files of the built-in model, which is made here, or of a local directory; a hub model has none."""
    if source_of(wildcards) == "results/built-in/tiny":
        return [f"results/built-in/tiny/{file}" for file in WEIGHTS_AND_TOKENIZER]
    model = STUDY.models[wildcards.model]
    made = f"results/models/{wildcards.model}/model.json"
    given(
        [model.directory] if model.directory else [], f"models.{wildcards.model}", made
    )
    return files_of_source(model, Path(made))
