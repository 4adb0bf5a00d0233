"""The chapters about the run itself: what it was made of, and how to repeat and cite it."""

from collections.abc import Mapping
from typing import Any

import yaml

from stimmung.report.costs import BUILT_IN, costs_part
from stimmung.report.page import Code, Facts, Part, Points, Section, Text
from stimmung.report.tables import SIMULATED

# The packages that results may depend on. All others are in run.yaml.
MAIN_PACKAGES = (
    "torch", "transformers", "tokenizers", "peft", "bitsandbytes", "accelerate", "safetensors",
    "scikit-learn", "xgboost-cpu", "xgboost", "catboost", "statsmodels", "arch", "scipy", "numpy", "pandas",
    "pyarrow", "matplotlib", "snakemake",
)  # fmt: skip
# Keys of records and what they are called in the report.
SURVEY_LABELS = {
    "source": "Source", "file": "File", "package": "Package", "sha256": "SHA-256", "n_rows_read": "Rows in the file",
    "n_rows_kept": "Respondents kept", "where": "Kept where", "target": "Item to predict",
    "language": "Language of the prompts", "missing": "Missing answers",
}  # fmt: skip
READING_LABELS = {"rows": "Rows read", "kept": "Posts kept", "dropped": "Dropped", "warnings": "Warnings"}
MODEL_LABELS = {
    "architecture": "Architecture", "n_parameters": "Parameters", "quantization": "Quantisation",
    "compute_dtype": "Compute type", "max_length": "Context, tokens", "digest": "SHA-256",
}  # fmt: skip
Pairs = list[tuple[str, str]]


def tiny_notice(run: Mapping[str, Any]) -> list[str]:
    """Return the caveat about built-in models, if the run has one."""
    models = run["config"].get("models", {})
    names = [name for name in run["models"] if models.get(name, {}).get("source") == BUILT_IN]
    if not names:
        return []
    return [
        f"The model {' and '.join(names)} was built by this workflow, from text that it generated itself. "
        "It knows nothing of the world: its results show that the pipeline works, not what language models "
        "know. Without tuning it can only guess."
    ]


def simulated_notice(run: Mapping[str, Any]) -> list[str]:
    """Return the caveat about made-up data, if the run has any."""
    names = [str(one.get("title", name)) for name, one in run["surveys"].items() if one.get("simulated")]
    names += [f"panel {name}" for name, panel in panels_of(run).items() if is_made_up(panel)]
    return [f"{SIMULATED.rstrip('.')}, not answers of real people: {'; '.join(names)}."] if names else []


def panels_of(run: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the panels of this run as the config declares them."""
    config = run["config"]
    return {name: config["panels"][name] for name in config.get("run", {}).get("panels", [])}


def is_made_up(panel: Mapping[str, Any]) -> bool:
    """Return whether a panel's posts are simulated."""
    return bool(panel.get("simulate") or (panel.get("mix") or {}).get("source") == "simulated")


def run_section(run: Mapping[str, Any]) -> Section:
    """Return the chapter on code, data, models and config; ``run`` is the content of run.yaml."""
    parts = [Part("Code and software", [Facts(_code_facts(run))])]
    data = [Facts(_data_facts(name, run)) for name in run["surveys"]]
    data += [Facts(_panel_facts(name, panel, run)) for name, panel in panels_of(run).items()]
    if data:
        parts.append(Part("Data", data))
    if run["models"]:
        parts.append(Part("Models", [Facts(_model_facts(name, run)) for name in run["models"]]))
    if run.get("costs", {}).get("rules"):
        parts.append(costs_part(run["costs"]))
    packages = "\n".join(f"{name}=={version}" for name, version in run["software"]["packages"].items())
    config = yaml.safe_dump(run["config"], sort_keys=False, allow_unicode=True, width=100)
    folded = [Code(config, "The whole config of this run"), Code(packages, "All installed packages")]
    parts.append(Part("Config and packages", folded))
    return Section("run", "What was run", parts)


def rerun_section(run: Mapping[str, Any]) -> Section:
    """Return the chapter on repeating and citing the run."""
    git, version = run["git"], run["software"]["stimmung"]
    checkout = f"git checkout {git['revision']}\n" if git["revision"] else ""
    again = (
        f"{checkout}make demo                                        # the study of config.yaml\n"
        "snakemake --cores 2 --configfile studies/NAME.yaml   # another one"
    )
    revision = f", revision {git['revision'][:12]}" if git["revision"] else ""
    cite = [f"Stimmung {version}{revision}; see CITATION.cff."]
    cite += [
        f"Data: {data.get('title', name)}. {data.get('source', '')}" for name, data in run["surveys"].items()
    ]
    cite += [f"Model: {name}, {_source(name, run)}." for name in run["models"]]
    told = (
        "The config above and the revision of the code determine the results. On the same kind of processor, and with the same "
        "packages, predictions are the same to the byte; elsewhere they agree within floating-point precision."
    )
    parts = [Part("Run it again", [Text(told), Code(again)]), Part("Cite", [Points(cite)])]
    return Section("rerun", "How to rerun and cite", parts)


def adapter_facts(branch: Mapping[str, Any], config: Mapping[str, Any]) -> Pairs:
    """Return the hyper-parameters of the adapters of a survey or panel, as a fact; none if the config has no such preset."""
    preset = branch.get("training")
    training = config.get("training", {}).get(preset, {})
    values = ", ".join(f"{key} {in_words(value)}" for key, value in training.items() if value is not None)
    return [("Adapters", f"{preset}: {values}")] if values else []


def _code_facts(run: Mapping[str, Any]) -> Pairs:
    git, software = run["git"], run["software"]
    revision = git["revision"] or "unknown (not in a git repository)"
    if git["dirty"]:
        revision += ", with uncommitted changes"
    packages = software["packages"]
    main = ", ".join(f"{name} {packages[name]}" for name in MAIN_PACKAGES if name in packages)
    date = [("Date of the revision", str(git["date"]))] if git["date"] else []
    own = [("Stimmung", software["stimmung"]), ("Git revision", revision), *date]
    return [*own, ("Python", software["python"]), ("Platform", software["platform"]), ("Main packages", main)]


def _data_facts(name: str, run: Mapping[str, Any]) -> Pairs:
    data, survey = run["surveys"][name], run["config"].get("surveys", {}).get(name, {})
    facts = [("Survey", f"{data.get('title', name)} ({name})")]
    if data.get("simulated"):
        facts.append(("Note", SIMULATED))
    facts += _labelled(data, SURVEY_LABELS)
    facts.append(("Survey weight", str(data.get("weight") or "none: every respondent counts 1")))
    if survey.get("codebook"):
        facts.append(("Codebook", survey["codebook"]))
    facts.append(("Seeds", in_words(survey.get("seeds", []))))
    if "split_seed" in survey:
        facts.append(("Seed of folds and shares", str(survey["split_seed"])))
    return facts


def _panel_facts(name: str, panel: Mapping[str, Any], run: Mapping[str, Any]) -> Pairs:
    weeks, reading = panel["weeks"], run.get("panels", {}).get(name, {})
    facts = [("Panel", name)]
    if is_made_up(panel):
        facts.append(("Note", SIMULATED))
    facts += _labelled(panel, {"files": "Files of posts", "simulate": "Simulated", "mix": "Mixed"})
    facts.append(("Weeks", f"{weeks['first']} to {weeks['last']}, from each {weeks['anchor']}"))
    facts += _labelled(reading, READING_LABELS)
    trackers = {question: tracker["file"] for question, tracker in panel.get("trackers", {}).items()}
    if trackers:
        facts.append(("Surveys to correlate with", in_words(trackers)))
    facts.append(("Seeds", in_words(panel.get("seeds", []))))
    return facts


def _model_facts(name: str, run: Mapping[str, Any]) -> Pairs:
    return [("Model", name), ("Source", _source(name, run)), *_labelled(run["models"][name], MODEL_LABELS)]


def _labelled(record: Mapping[str, Any], labels: Mapping[str, str]) -> Pairs:
    return [(label, in_words(record[key])) for key, label in labels.items() if record.get(key)]


def _source(name: str, run: Mapping[str, Any]) -> str:
    declared = run["config"].get("models", {}).get(name, {})
    if declared.get("source") == BUILT_IN:
        return "built by this workflow from generated text"
    source, revision = run["models"][name].get("source", "unknown"), run["models"][name].get("revision")
    return f"{source}, revision {revision}" if revision else str(source)


def in_words(value: Any) -> str:
    """Return a value of the config as text without brackets."""
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {in_words(one)}" for key, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(in_words(one) for one in value)
    return f"{value:,}" if isinstance(value, int) and value >= 10_000 else str(value)
