"""What of a survey cannot be left out, or would then not be tested, and which baselines belong to what is left out."""

from typing import TYPE_CHECKING

from stimmung.baselines.registry import UNASKED_BASELINES, WAVE_BASELINES
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.errors import unknown
from stimmung.vocabulary.not_asked import with_giveaways
from stimmung.vocabulary.similar_items import same_options
from stimmung.vocabulary.view import View

if TYPE_CHECKING:
    from stimmung.study.surveys import Survey


def problems_with_unasked(survey: "Survey", codebook: Codebook) -> list[str]:
    """Return what in ``left_out`` and ``not_asked`` of the survey's conditions cannot be, each with its place."""
    targets = survey.targets or [codebook.target]
    problems = []
    for name, condition in survey.conditions.items():
        place = f"conditions.{name}.not_asked"
        named = [item for item in condition.not_asked if item not in targets]
        problems += unknown(place, "target", named, targets, " among the survey's targets")
        if condition.unasked and not named:
            hidden = with_giveaways(list(condition.not_asked), codebook)
            if set(targets) <= set(hidden):
                also = [item for item in hidden if item not in condition.not_asked and item in targets]
                why = f" ({', '.join(also)} would give them away)" if also else ""
                problems.append(
                    f"{place}: nothing is left to learn; of {len(targets)} targets none stays{why}. Name fewer, or add `left_out`"
                )
            if survey.rectify is not None:
                problems.append(
                    f"{place}: `rectify` needs answers to {', '.join(condition.not_asked)} to start from"
                )
        own = [item for item in condition.left_out if item in targets]
        problems += [
            f"conditions.{name}.left_out: '{item}' is a target; leave respondents out by another item"
            for item in own
        ]
    problems += [
        f"targets: '{item}' is tested under no condition, as each names others under `not_asked`; add `full: {{}}`, or leave it out"
        for item in targets
        if survey.conditions and not survey.testing(item)
    ]
    return problems


def baselines_beside(survey: "Survey", view: View, codebook: Codebook) -> dict[str, list[str]]:
    """Return for each condition that ``view`` is tested under the baselines that belong to what it leaves out."""
    found: dict[str, list[str]] = {}
    for name, condition in survey.testing(view.item).items():
        waves = [item for item in condition.left_out if codebook.items[item].scale == "ordinal"]
        found[name] = list(WAVE_BASELINES) if waves else []
        if condition.unasked:
            dropped = [*condition.drop_items, *with_giveaways(list(condition.not_asked), codebook)]
            similar = same_options(view.of(codebook), dropped, survey.language)
            found[name] += list(UNASKED_BASELINES) if similar else []
    return found


def without_baseline(survey: "Survey", view: View, codebook: Codebook) -> list[str]:
    """Return a line for each condition under which ``view`` has no baseline, as no item has its options."""
    beside = baselines_beside(survey, view, codebook)
    return [
        f"condition {name}: no baseline for '{view.item}', which nobody was asked; no other item of its prompt has the same options"
        for name, condition in survey.testing(view.item).items()
        if condition.unasked and not beside[name]
    ]
