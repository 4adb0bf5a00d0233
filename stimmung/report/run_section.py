"""The chapters about the run itself: what it was made of, and how to repeat and cite it."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import yaml

from stimmung.report.costs import BUILT_IN, costs_part
from stimmung.report.page import HERE, Code, Facts, Part, Points, Section, Text, paragraphs
from stimmung.report.tables import SIMULATED

Pairs = list[tuple[str, str]]


def notices(run: Mapping[str, Any]) -> list[str]:
    """Return what stands before all chapters: the caveats about built-in models and about made-up data, if the run has any."""
    models = [name for name in run["models"] if _is_built_in(name, run["config"])]
    data = [str(one.get("title", name)) for name, one in run["surveys"].items() if one.get("simulated")]
    data += [f"panel {name}" for name, panel in _panels_of(run).items() if _is_made_up(panel)]
    return paragraphs("notices.txt", models=models, data=data)


def run_section(run: Mapping[str, Any]) -> Section:
    """Return the chapter on code, data, models and config; ``run`` is the content of run.yaml."""
    parts = [Part("Code and software", [_code(run)])]
    data = [_survey(name, run) for name in run["surveys"]]
    data += [_panel(name, panel, run) for name, panel in _panels_of(run).items()]
    if data:
        parts.append(Part("Data", data))
    if run["models"]:
        parts.append(Part("Models", [_model(name, run) for name in run["models"]]))
    if run.get("costs", {}).get("rules"):
        parts.append(costs_part(run["costs"]))
    packages = "\n".join(f"{name}=={version}" for name, version in run["software"]["packages"].items())
    config = yaml.safe_dump(run["config"], sort_keys=False, allow_unicode=True, width=100)
    folded = [Code(config, "The whole config of this run"), Code(packages, "All installed packages")]
    parts.append(Part("Config and packages", folded))
    return Section("run", "What was run", parts)


def rerun_section(run: Mapping[str, Any]) -> Section:
    """Return the chapter on repeating and citing the run."""
    revision = run["git"]["revision"]
    again = (
        "make demo                                        # the study of config.yaml\n"
        "snakemake --cores 2 --configfile studies/NAME.yaml   # another one"
    )
    checkout = f"git checkout {revision}\n" if revision else ""
    sources = {name: _source(name, run) for name in run["models"]}
    told, *cite = paragraphs("rerun.txt", run=run, revision=revision, sources=sources)
    parts = [Part("Run it again", [Text(told), Code(checkout + again)]), Part("Cite", [Points(cite)])]
    return Section("rerun", "How to rerun and cite", parts)


def adapter_facts(branch: Mapping[str, Any], config: Mapping[str, Any]) -> Pairs:
    """Return the hyper-parameters of the adapters of a survey or panel, as a fact; none if the config has no such preset."""
    preset = branch.get("training")
    training = config.get("training", {}).get(preset, {})
    values = ", ".join(f"{key} {in_words(value)}" for key, value in training.items() if value is not None)
    return [("Adapters", f"{preset}: {values}")] if values else []


def noise_facts(branch: Mapping[str, Any], models: Mapping[str, Mapping[str, Any]]) -> Pairs:
    """Return how far rounding moves a log-odds of the models of a survey or panel, as a fact; ``models`` are run.yaml's."""
    names = sorted({arm.split("/")[0] for arm in branch.get("arms", [])})
    known = [(name, noise) for name in names if (noise := _noise(models.get(name, {})))]
    return [("Rounding", "; ".join(f"{name}: {noise}" for name, noise in known))] if known else []


def _noise(model: Mapping[str, Any]) -> str | None:
    """Return in words how far rounding moves a log-odds; None of a model that was prepared before this was measured."""
    proof = model.get("proof", {})
    if "noise_nats" not in proof:
        return None
    said = f"a log-odds of two options is right to {proof['noise_nats']:.0e} nats"
    if "noise_in_bfloat16_nats" in proof:
        said += f" (computed in bfloat16, to {proof['noise_in_bfloat16_nats']:.0e})"
    return f"{said}; smaller differences mean nothing"


def has_pretrained(branch: Mapping[str, Any], config: Mapping[str, Any]) -> bool:
    """Return whether a survey or panel has a language model that the workflow did not build itself."""
    return not all(_is_built_in(arm.split("/")[0], config) for arm in branch.get("arms", []))


def _is_built_in(model: str, config: Mapping[str, Any]) -> bool:
    return bool(config.get("models", {}).get(model, {}).get("source") == BUILT_IN)


def _panels_of(run: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    config = run["config"]
    return {name: config["panels"][name] for name in config.get("run", {}).get("panels", [])}


def _is_made_up(panel: Mapping[str, Any]) -> bool:
    return bool(panel.get("simulate") or (panel.get("mix") or {}).get("source") == "simulated")


def _code(run: Mapping[str, Any]) -> Facts:
    git, packages = run["git"], run["software"]["packages"]
    revision = git["revision"] or "unknown (not in a git repository)"
    changed = ", with uncommitted changes" if git["dirty"] else ""
    main = [f"{name} {packages[name]}" for name in _labels()["main packages"] if name in packages]
    own = {"revision": revision + changed, "date": git["date"], "packages": main}
    return _facts("code", {**run["software"], **own})


def _survey(name: str, run: Mapping[str, Any]) -> Facts:
    data, survey = run["surveys"][name], run["config"].get("surveys", {}).get(name, {})
    own = {
        "survey": f"{data.get('title', name)} ({name})",
        "note": SIMULATED if data.get("simulated") else None,
        "weight": data.get("weight") or "none: every respondent counts 1",
        "codebook": survey.get("codebook"),
        "seeds": survey.get("seeds"),
        "split_seed": str(survey.get("split_seed", "")),  # 0 is one
    }
    return _facts("survey", {**data, **own})


def _panel(name: str, panel: Mapping[str, Any], run: Mapping[str, Any]) -> Facts:
    weeks = panel["weeks"]
    own = {
        "panel": name,
        "note": SIMULATED if _is_made_up(panel) else None,
        "weeks": f"{weeks['first']} to {weeks['last']}, from each {weeks['anchor']}",
        "trackers": {question: one["file"] for question, one in panel.get("trackers", {}).items()},
    }
    return _facts("panel", {**run.get("panels", {}).get(name, {}), **panel, **own})


def _model(name: str, run: Mapping[str, Any]) -> Facts:
    model = run["models"][name]
    own = {
        "source": _source(name, run),
        "reach": _reach(model),
        "proof": _proof(model),
        "noise": _noise(model),
    }
    return _facts("model", {**model, "model": name, **own})


def _reach(model: Mapping[str, Any]) -> str | None:
    """Return in words how much of a model adapters reach and 4 bits pack."""
    if "adapted_share" not in model:  # an encoder, or prepared before this was measured
        return None
    said = f"those of all linear layers reach {model['adapted_share']:.0%} of the weights"
    if model["expert_share"]:
        # One that an earlier version prepared has no list of those that can be tuned.
        tunable = model.get("expert_parameters") != []
        reached = "none without target_parameters reaches" if tunable else "none reaches"
        said += f"; {model['expert_share']:.0%} are experts, which {reached}"
    return said + (
        f"; {model['packed_share']:.0%} are packed to 4 bits" if model["quantization"] == "nf4" else ""
    )


def _proof(model: Mapping[str, Any]) -> str | None:
    """Return in words how a model's scores were compared with plain transformers'."""
    proof = model.get("proof")
    if not proof:
        return None
    short, long = proof["passes"]["short"], proof["passes"]["long"]
    read = short if short == long else f"{short}; beyond a layer's window, {long}"
    scores, loss = (f"{proof[name]:.0e}" for name in ("largest_difference", "loss_difference"))
    return f"equal to one forward pass for each option to {scores} nats, its loss to {loss} ({read})"


def _facts(kind: str, record: Mapping[str, Any]) -> Facts:
    labels = _labels()[kind]
    return Facts([(label, in_words(record[key])) for key, label in labels.items() if record.get(key)])


@cache
def _labels() -> Any:
    return yaml.safe_load((HERE / "record_labels.yaml").read_text(encoding="utf-8"))


def _source(name: str, run: Mapping[str, Any]) -> str:
    if _is_built_in(name, run["config"]):
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
