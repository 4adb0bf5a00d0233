"""Which weights of a study's models its adapters reach, as far as it is known before anything is trained."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stimmung.engine.base.model_files import DESCRIPTION, expert_share_of_files, read_description
from stimmung.study.panels import Panel
from stimmung.study.study import Study
from stimmung.study.surveys import Survey
from stimmung.vocabulary.arms import arm_of
from stimmung.vocabulary.training import Training

UNLESS_NAMED = "no adapter reaches them unless target_parameters names them"


def missing_experts(study: Study, root: Path) -> list[tuple[str, str]]:
    """Return which `target_parameters` the prepared models that they are to tune lack, each with a hint of what there is."""
    problems = []
    for model, preset, training in _tuned(study):
        about = _prepared(model, root) or {}
        # A model without experts has no list; nor has one that an earlier version prepared.
        present = about.get("expert_parameters", None if about.get("expert_share", 1) else [])
        if present is None or not training.target_parameters:
            continue
        place = f"training.{preset}.target_parameters"
        if not present:
            problems.append(
                (f"{place}: '{model}' has no experts that can be tuned", "Leave it out for this model.")
            )
        elif training.target_parameters != "all-experts":
            hint = f"It has: {', '.join(present)}."
            lacking = [
                one for one in training.target_parameters if not any(_alike(one, name) for name in present)
            ]
            problems += [(f"{place}: '{model}' has no expert parameter '{one}'", hint) for one in lacking]
    return list(dict.fromkeys(problems))


def _alike(one: str, other: str) -> bool:
    """Whether a name is the end of the other, at a dot."""
    return f".{one}".endswith(f".{other}") or f".{other}".endswith(f".{one}")


def _tuned(study: Study) -> Iterator[tuple[str, str, Training]]:
    """Yield each model that LoRA adapters are trained of, with the preset that names how."""
    branches: list[Survey | Panel] = [*study.selected_surveys().values(), *study.selected_panels().values()]
    for branch in branches:
        for method in branch.arms:
            model, arm = method.split("/")[0], arm_of(method)
            if isinstance(branch, Survey) and not (arm and arm.tuned and not arm.classifies):
                continue
            preset = study.preset_of(branch, model)
            yield model, preset, study.training[preset]


def _prepared(name: str, root: Path) -> dict[str, Any] | None:
    folder = root / "results/models" / name
    return read_description(folder) if (folder / DESCRIPTION).exists() else None


def reach_of_adapters(name: str, local: str | None, root: Path) -> list[str]:
    """Return what is known of a model, prepared or in a local directory, about the weights that adapters do not reach."""
    if (about := _prepared(name, root)) is not None:
        if "adapted_share" not in about:  # an encoder, or prepared by an earlier version
            return []
        reach, packed = about["adapted_share"], about["packed_share"]
        lines = [f"model {name}: adapters of all linear layers reach {reach:.0%} of the weights"]
        lines += (
            [f"  {packed:.0%} of the weights are packed to 4 bits"] if about["quantization"] == "nf4" else []
        )
        experts, tunable = about["expert_share"], about.get("expert_parameters")
        how = UNLESS_NAMED if tunable is None else "no adapter reaches them"
        if tunable:
            named = ", ".join(tunable)
            how = f"set target_parameters ({named}) and adapters reach them too, {reach + experts:.0%} in all"
    else:
        lines, experts = [], expert_share_of_files(root / local) if local else 0.0
        how = UNLESS_NAMED
    if experts:
        where = "  " if lines else f"model {name}: "
        lines.append(f"{where}{experts:.0%} of the weights are experts: {how}; nf4 does not pack them")
    return lines
