"""Everything that is wrong with a study, at once, before anything is trained: its config, codebooks, files and conditions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from stimmung.cli.item_summary import begun_by_others, item_summary, looks_missing
from stimmung.cli.model_weights import missing_experts, reach_of_adapters
from stimmung.data.surveys.group_shares import with_folds
from stimmung.data.surveys.leaks import looked_at, near_certain
from stimmung.data.surveys.splits import split_condition
from stimmung.study.named_files import read_groups, read_predictions_of, read_respondents, readings
from stimmung.study.panel_series import foresee_correlations
from stimmung.study.panels import Panel
from stimmung.study.reading import load_codebook, validated
from stimmung.study.study import Study
from stimmung.study.surveys import Survey
from stimmung.study.unasked_targets import without_baseline
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.groups import Groups
from stimmung.vocabulary.view import View
from stimmung.vocabulary.votes_schemas import NO_FOLD


@dataclass
class Findings:
    """What was found: problems, and what the study will do if there are none."""

    problems: list[tuple[str, str | None]] = field(default_factory=list)  # what, and a hint
    plan: list[str] = field(default_factory=list)

    def tried(self, function: Callable[[], Any], where: str = "") -> Any:
        """Return what a function returns; if it raises an InputError, keep that and return None."""
        try:
            return function()
        except InputError as error:
            what = f"{where}: {error.what}" if where else error.what
            if (what, error.hint) not in self.problems:
                self.problems.append((what, error.hint))
            return None


def check_study(config: Mapping[str, Any], root: Path = Path(), *, items: bool = False) -> Findings:
    """Look for mistakes in a merged config and in the files that it names, as far as one mistake does not hide the next.

    Nothing is written, and nothing about a respondent is told: only numbers of rows; with ``items`` those of each item.
    """
    found = Findings()
    study = found.tried(lambda: validated(Study, dict(config), "config"))
    if study is None:
        # The codebooks can still be checked, by the names that the config gives them.
        for path in _named_codebooks(config):
            found.tried(partial(load_codebook, root / path))
        return found
    for name, survey in study.selected_surveys().items():
        _check_survey(found, name, survey, study, root, items)
    read = {
        key: found.tried(reading, key)
        for key, reading in readings(study, root).items()
        if not key.startswith("surveys.")  # surveys were read above
    }
    for name, panel in study.selected_panels().items():
        found.plan += _panel_plan(name, panel)
        _check_correlations(found, name, panel, read)
    found.problems += missing_experts(study, root)
    for name, model in study.selected_models().items():
        found.plan += reach_of_adapters(name, model.local, root)
    return found


def _check_survey(found: Findings, name: str, survey: Survey, study: Study, root: Path, items: bool) -> None:
    place = f"surveys.{name}"
    codebook = found.tried(lambda: load_codebook(root / survey.codebook), place)
    if codebook is None:
        return
    survey = survey.expanded(codebook)
    problems = survey.problems_with(codebook)
    hint = "The codebook names the items and their answers."
    found.problems += [(f"{place}.{problem}", hint) for problem in problems]
    if survey.language not in codebook.languages:
        return
    if survey.groups is not None:
        if not problems:
            _check_groups(found, name, survey, survey.groups, codebook, study, root)
        return
    usable = [item for item in survey.targets or [] if codebook.can_ask_for(item)]
    survey = survey.model_copy(update={"targets": usable or None})
    codebook = survey.answered(codebook)
    respondents = found.tried(lambda: read_respondents(survey, codebook, root), place)
    if respondents is None:
        return
    n_before = len(found.problems)
    conditions = [] if problems else survey.conditions
    views = survey.asked(codebook)
    split = partial(_split, survey, codebook, respondents, study.folds)
    splits = {
        condition: [found.tried(partial(split, condition, view), place) for view in views]
        for condition in conditions
    }
    for method in [] if problems else survey.predictions:
        for view in views:
            if survey.predictions[method].of_target(view.item) is not None:
                reading = partial(read_predictions_of, survey, view.of(codebook), respondents, method, root)
                found.tried(reading, f"{place}.predictions.{method}")
    if len(found.problems) == n_before:
        sizes = {condition: _rows(of_views, study.folds) for condition, of_views in splits.items()}
        found.plan += _plan(name, survey, codebook, respondents, sizes)
        found.plan += _leaks(codebook, respondents, views, next(iter(splits.values()), []))
        beside = [] if problems else views
        found.plan += [f"  {line}" for view in beside for line in without_baseline(survey, view, codebook)]
        found.plan += item_summary(respondents, codebook) if items else []
        found.plan += looks_missing(respondents, codebook, survey.language)
        n = survey.n_adapters(study.folds)
        each = f"{study.folds} folds for each of {n // study.folds} (tuned arm, condition, seed)"
        found.plan.append(f"  {n} adapters: {each}")
        if survey.impute is not None and (n := survey.n_imputation_adapters()):
            and_target = ", target" if len(views) > 1 else ""
            each = f"{survey.impute.m} draws for each of {n // survey.impute.m} (tuned arm, condition{and_target})"
            found.plan.append(f"  {n} adapters for imputation: {each}")


def _check_groups(
    found: Findings, name: str, survey: Survey, settings: Groups, codebook: Codebook, study: Study, root: Path
) -> None:
    """Look for mistakes in the groups of a survey, or in the file of their shares, and say how many there are."""

    def of_folds() -> tuple[pd.DataFrame, pd.DataFrame]:
        groups, shares = read_groups(survey, codebook, settings, root)
        return with_folds(groups, shares, study.folds, survey.split_seed), shares

    read = found.tried(of_folds, f"surveys.{name}")
    if read is None:
        return
    groups, shares = read
    found.plan.append(f"survey {name}: {len(groups)} groups by {', '.join(settings.by)}")
    for item, part in shares.groupby("item", sort=False):
        n = part.groupby("group")["n"].first()
        found.plan.append(f"  {item}: shares of {len(n)} groups, {n.min():g} to {n.max():g} respondents each")
        words = survey.answered(codebook).items[str(item)].labels(survey.language)
        found.plan += begun_by_others(str(item), words)
    found.plan.append(f"  {survey.n_adapters(study.folds)} adapters: {study.folds} folds of groups")


def _split(
    survey: Survey, codebook: Codebook, respondents: pd.DataFrame, folds: int, condition: str, view: View
) -> pd.DataFrame:
    """Return the splits of a condition for one target."""
    other = survey.conditions[condition].same_size_as
    return split_condition(
        respondents,
        view.item,
        condition,
        other_targets=view.others,
        **survey.selection(condition, codebook),
        not_asked=survey.not_asked(condition, codebook),
        same_size_as=None if other is None else survey.selection(other, codebook),
        n_folds=folds,
        seed=survey.split_seed,
    )


def _rows(splits: Sequence[pd.DataFrame], folds: int) -> list[int]:
    """Return the rows that each fold of a condition is trained on, all targets together."""
    usable = [one.fold[one.in_training & (one.fold != NO_FOLD)] for one in splits]
    return [sum(int((one != fold).sum()) for one in usable) for fold in range(folds)]


def _leaks(
    codebook: Codebook, respondents: pd.DataFrame, views: Sequence[View], splits: Sequence[pd.DataFrame]
) -> list[str]:
    """Return which items of a prompt all but give its target away, among the training rows of the first condition."""
    return [
        f"  {line}"
        for view, split in zip(views, splits, strict=False)
        for line in near_certain(respondents[looked_at(split)], view.item, view.of(codebook).predictors)
    ]


def _plan(
    name: str,
    survey: Survey,
    codebook: Codebook,
    respondents: pd.DataFrame,
    sizes: Mapping[str, Sequence[int]],
) -> list[str]:
    targets = survey.targets or [codebook.target]
    made_up = ", made up" if survey.simulate is not None or codebook.simulated else ""
    lines = []
    for target in targets:
        answers = respondents[target]
        lines += [
            f"survey {name}: {len(respondents)} respondents{made_up}, {int(answers.notna().sum())} with an answer to '{target}'",
            "  " + ", ".join(f"{answer} {n}" for answer, n in answers.value_counts(sort=False).items()),
            *begun_by_others(target, codebook.items[target].labels(survey.language)),
        ]
    unused = []
    for item, answers in respondents[list(codebook.items)].select_dtypes("category").items():
        if never := [str(answer) for answer in answers.cat.categories if not (answers == answer).any()]:
            unused.append(f"{item} ({', '.join(never)})")
    if unused:
        lines.append(f"  options no respondent chose (check the labels for typos): {'; '.join(unused)}")
    return lines + [
        f"  condition {condition}: {min(rows)} to {max(rows)} training rows"
        for condition, rows in sizes.items()
    ]


def _panel_plan(name: str, panel: Panel) -> list[str]:
    weeks = len(panel.weeks.labels())
    adapters = weeks * len(panel.seeds) * len(panel.arms)
    posts = "its posts are not read here" if panel.has_posts else "no posts: signals and trackers only"
    lines = [f"panel {name}: {weeks} weeks, {adapters} adapters; {posts}"]
    if panel.files and panel.columns.author is None and panel.filters.duplicates == "same-author":
        lines.append("  filters.duplicates: same-author removes nothing, because columns.author is null")
    return lines


def _check_correlations(found: Findings, name: str, panel: Panel, read: Mapping[str, Any]) -> None:
    """Say which correlations there cannot be, before anything is trained; ``read`` are the files by their key of the config."""
    tables = {
        kind: {
            key.removeprefix(f"panels.{name}.{kind}."): table
            for key, table in read.items()
            if key.startswith(f"panels.{name}.{kind}.") and table is not None
        }
        for kind in ("trackers", "signals")
    }
    problems, notes = foresee_correlations(panel, **tables)
    hint = "Add weeks or waves. Without the tracker the series are drawn, and not correlated."
    found.problems += [(f"panels.{name}.{problem}", hint) for problem in problems]
    found.plan += [f"  {note}" for note in notes]


def _named_codebooks(config: Mapping[str, Any]) -> list[str]:
    run, surveys = config.get("run"), config.get("surveys")
    if not (isinstance(run, Mapping) and isinstance(surveys, Mapping)):
        return []
    chosen = [surveys.get(name) for name in run.get("surveys") or []]
    return [str(one["codebook"]) for one in chosen if isinstance(one, Mapping) and one.get("codebook")]
