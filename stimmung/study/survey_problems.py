"""What in a survey of the config cannot be: in itself, and with its codebook."""

import re
from typing import TYPE_CHECKING

from stimmung.baselines.registry import BASELINES
from stimmung.study.unasked_targets import problems_with_unasked
from stimmung.vocabulary.arms import ARMS, FILE_PREFIX
from stimmung.vocabulary.calibration_kinds import problem_with_calibration
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.condition import Condition
from stimmung.vocabulary.errors import did_you_mean, unknown
from stimmung.vocabulary.imputation_settings import CHAINED_EQUATIONS, HOT_DECK

if TYPE_CHECKING:
    from stimmung.study.surveys import Survey


def problems_within(survey: "Survey") -> list[str]:
    """Return what in a survey contradicts itself, whatever its codebook, each with its place."""
    problems = [
        f"arm '{arm}' is not MODEL/{' or MODEL/'.join(ARMS)}"
        for arm in survey.arms
        if arm.count("/") != 1 or arm.split("/")[1] not in ARMS
    ]
    known = [*survey.arms, *ARMS]
    for name, condition in survey.conditions.items():
        problems += [
            f"conditions.{name}: arm '{arm}' is not among the survey's arms{did_you_mean(arm, known)}"
            for arm in condition.arms or []
            if arm not in known
        ]
        if (other := condition.same_size_as) is not None:
            place = f"conditions.{name}.same_size_as"
            problems += unknown(place, "condition", [other], survey.conditions)
            if other in survey.conditions and survey.conditions[other].same_size_as is not None:
                problems.append(f"{place}: '{other}' takes its own size from another condition")
    if not survey.conditions:
        problems.append("conditions: needs at least one")
    targets = survey.targets or []
    problems += [
        f"targets: '{one}' is named twice" for one in dict.fromkeys(targets) if targets.count(one) > 1
    ]
    problems += [
        f"targets: '{one}' names a folder; use letters, digits, '.', '-' and '_'"
        for one in targets
        if len(targets) > 1 and not re.fullmatch(r"\w[\w.-]*", one)
    ]
    problems += _with_several(survey)
    problems += _with_imputation(survey)
    problems += _with_groups(survey)
    if survey.file is None and survey.simulate is None and not survey.of_shares:
        problems.append("needs a 'file', or 'simulate' for made-up respondents")
    if survey.weighted_training and survey.weight is None:
        problems.append("weighted_training: needs a `weight`, the column of the weights")
    for key in ("group", "strata", "clusters"):
        if getattr(survey, key) is not None and survey.simulate is not None:
            problems.append(f"{key}: made-up respondents have none; leave it out, or give a 'file'")
    return problems


def _with_groups(survey: "Survey") -> list[str]:
    """Return what only respondents can have, if the survey is of groups."""
    if survey.groups is None:
        return []
    problems = [
        f"arms: '{arm}' is for respondents; a survey of groups has MODEL/tuned and MODEL/zero-shot"
        for arm in survey.arms
        if arm.split("/")[-1] not in ("tuned", "zero-shot")
    ]
    of_respondents = ["group", "strata", "clusters", "weighted_training", "weighted_metrics"]
    of_respondents += ["subgroups", "impute", "predictions", "rectify"]
    given = [key for key in of_respondents if getattr(survey, key)]
    if survey.conditions != {"full": Condition.model_validate({})}:
        given.append("conditions")
    if survey.of_shares:
        given += [key for key in ("file", "simulate", "weight", "where", "where_not") if getattr(survey, key)]
    source = "a file of shares" if survey.of_shares else "`groups`"
    return [*problems, *(f"{key}: is for respondents, and the survey has {source}" for key in given)]


def _with_several(survey: "Survey") -> list[str]:
    """Return what asks for the one target of a survey that has several."""
    targets, problems = survey.targets or [], []
    classifiers = [arm for arm in survey.arms if arm.endswith("/classifier")]
    if len(targets) > 1 and classifiers:
        problems.append(
            f"arms: '{classifiers[0]}' learns the options of one target, and `targets` has {len(targets)}"
        )
    return problems


def _with_imputation(survey: "Survey") -> list[str]:
    if survey.impute is None:
        return []
    known = [*survey.arms, *(FILE_PREFIX + name for name in survey.predictions)]
    known += [*(f"baselines/{name}" for name in BASELINES), CHAINED_EQUATIONS, HOT_DECK]
    problems = unknown("impute.arms", "arm or baseline", survey.impute.arms, known)
    chosen = survey.impute.conditions or []
    problems += unknown("impute.conditions", "condition", chosen, survey.conditions)
    problems += [
        f"impute.conditions: nobody was asked for the target under '{name}', so that no answer can be learned from"
        for name in chosen
        if name in survey.conditions and survey.conditions[name].unasked
    ]
    problems += [
        f"impute.arms: '{arm}' has a classification head, of which no imputation is drawn; use MODEL/tuned"
        for arm in survey.impute.arms
        if arm in survey.arms and ARMS[arm.split("/")[1]].classifies
    ]
    if HOT_DECK in survey.impute.arms and not survey.impute.cells:
        problems.append(f"impute.cells: '{HOT_DECK}' needs the items that make its cells")
    return problems


def problems_with_codebook(survey: "Survey", codebook: Codebook) -> list[str]:
    """Return what in this survey does not fit its codebook, each with its place."""
    if survey.language not in codebook.languages:
        return [f"language: '{survey.language}' is not in the codebook ({', '.join(codebook.languages)})"]
    if survey.groups is not None:
        return survey.groups.problems_with(codebook, survey.targets or [codebook.target])
    if problems := _with_targets(survey, codebook):
        return problems
    codebook = survey.answered(codebook)
    shown = survey.in_prompts(codebook)
    for words in [view.of(codebook) for view in survey.asked(codebook)]:
        n_options = len(words.items[words.target].options)
        if problem := problem_with_calibration(survey.calibration, n_options):
            problems.append(". ".join(problem))
        for name, file in survey.predictions.items():
            problems += file.problems_with(words, f"predictions.{name}")
        if survey.rectify is not None:
            problems += survey.rectify.problems_with(words, "rectify")
    problems = list(dict.fromkeys(problems))
    personas = [arm for arm in survey.arms if ARMS[arm.split("/")[1]].persona]
    said = any(codebook.items[name].has_persona for name in shown)
    if personas and (codebook.persona is None or not said):
        problems.append(
            f"arms: '{personas[0]}' needs `persona` in the codebook: its frame, and sentences of its items"
        )
    elif personas:
        problems += [
            f"arms: '{personas[0]}' has no last sentence for '{one}': items.{one}.persona in the codebook must end with {{answer}}"
            for one in survey.targets or []
            if codebook.persona_of(one) is None
        ]
    for name, subgroup in survey.subgroups.items():
        problems += subgroup.problems_with(codebook, f"subgroups.{name}")
    cells = survey.impute.cells if survey.impute else []
    problems += unknown("impute.cells", "predictor", cells, shown, " in the codebook")
    for name, condition in survey.conditions.items():
        place, known = f"conditions.{name}", [*shown, *codebook.select_all]
        problems += condition.problems_with(codebook, place)
        problems += unknown(
            f"{place}.drop_items", "predictor", condition.drop_items, known, " in the codebook"
        )
    problems += problems_with_unasked(survey, codebook)
    return problems


def _with_targets(survey: "Survey", codebook: Codebook) -> list[str]:
    """Return which targets cannot be asked for, or stand in their own prompt by another name."""
    problems = codebook.problems_with_targets(survey.targets or []) + _with_several(survey)
    for name, file in survey.predictions.items():
        problems += file.problems_with_targets(survey.targets or [codebook.target], f"predictions.{name}")
    if problems:
        return problems
    for view in survey.asked(codebook):
        words, item = view.of(codebook), codebook.items[view.item]
        for name in words.predictors:
            if shared := set(item.own_columns) & set(codebook.items[name].own_columns):
                problems.append(
                    f"target '{view.item}': its own prompt gives it away, as '{name}' is read from the same column "
                    f"{', '.join(sorted(shared))}; name '{name}' under `gives_away.{view.item}` in the codebook"
                )
    return problems
