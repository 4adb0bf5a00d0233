"""All that is wrong with a study, at once, before anything is trained: its config, codebooks, files and conditions."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from stimmung.baselines.lexicon import read_lexicon
from stimmung.data.posts.post_files import find_post_files
from stimmung.data.simulate.mood_mix import read_goemotions
from stimmung.data.simulate.simulated_file import simulate_codes, write_simulated_sav
from stimmung.data.surveys.respondents import needed_columns, respondents_table
from stimmung.data.surveys.splits import split_condition
from stimmung.data.surveys.survey_files import BUNDLED_PREFIX, SurveyFile, read_survey_file
from stimmung.study.panel_series import read_panel_signal, read_panel_tracker
from stimmung.study.panels import Panel
from stimmung.study.reading import load_codebook, load_layout, validated
from stimmung.study.study import Study
from stimmung.study.surveys import Survey
from stimmung.vocabulary.codebook import Code, Codebook
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.layout import layout_of_items
from stimmung.vocabulary.votes_schemas import NO_FOLD


@dataclass
class Findings:
    """What was found: mistakes, and what the study will do if there are none."""

    problems: list[tuple[str, str | None]] = field(default_factory=list)  # what, and a hint
    plan: list[str] = field(default_factory=list)

    def tried(self, function: Callable[[], Any], where: str = "") -> Any:
        """Return what a function returns; if it tells of a mistake, keep that and return None."""
        try:
            return function()
        except InputError as error:
            what = f"{where}: {error.what}" if where else error.what
            if (what, error.hint) not in self.problems:
                self.problems.append((what, error.hint))
            return None


def merged_config(files: Sequence[Path], root: Path = Path()) -> dict[str, Any]:
    """Return config.yaml with the files over it, as Snakemake merges ``--configfile``: maps key by key, later ones win.

    Raises
    ------
    InputError
        If a file is absent, no YAML or no map.
    """
    config: dict[str, Any] = {}
    for path in [root / "config.yaml", *files]:
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        except FileNotFoundError as error:
            raise InputError(f"no config at {path}", "Start from the folder of the Snakefile.") from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise InputError(f"{path} is not valid YAML: {error}") from error
        if not isinstance(content, dict):
            raise InputError(f"{path} is no map of keys", "config.yaml shows what a study's file looks like.")
        config = _merged(config, content)
    return config


def check_study(config: Mapping[str, Any], root: Path = Path()) -> Findings:
    """Look for mistakes in a study and in what it names, as far as each lets the next be looked at.

    Nothing is written, and nothing of a respondent is told: numbers of rows only.

    Parameters
    ----------
    config
        The merged config.
    root
        The folder that relative paths start from.
    """
    found = Findings()
    study = found.tried(lambda: validated(Study, dict(config), "config"))
    if study is None:
        # The codebooks can still be looked at, by what the config calls them.
        for path in _named_codebooks(config):
            found.tried(partial(load_codebook, root / path))
        return found
    for name, survey in study.selected_surveys().items():
        _check_survey(found, name, survey, study, root)
    for key, reading in readings(study, root).items():
        if not key.startswith("surveys."):  # these are read, above
            found.tried(reading, key)
    for name, panel in study.selected_panels().items():
        found.plan.append(f"panel {name}: {len(panel.weeks.labels())} weeks; its posts are not read here")
    return found


def read_respondents(
    survey: Survey, codebook: Codebook, root: Path = Path(), made_up: int | None = None
) -> pd.DataFrame:
    """Return the respondents table of a survey, of its file or made up.

    Parameters
    ----------
    survey, codebook
        The survey and its words.
    root
        The folder that relative paths start from.
    made_up
        So many made-up respondents, and the file is not read. None: those of the study.

    Raises
    ------
    InputError
        If file and codebook do not go together.
    """
    columns = needed_columns(codebook, survey.where, survey.weight, survey.where_not)
    if survey.simulate is None and made_up is None:
        file = str(survey.file)
        found = read_survey_file(file if file.startswith(BUNDLED_PREFIX) else str(root / file), columns)
    else:
        found = _file_of_nobody(survey, codebook, root, made_up, columns)
    return respondents_table(found, codebook, survey.language, survey.where, survey.weight, survey.where_not)


def _file_of_nobody(
    survey: Survey, codebook: Codebook, root: Path, made_up: int | None, columns: Sequence[str]
) -> SurveyFile:
    path = survey.simulate.layout if survey.simulate is not None else None
    if path is not None:
        layout = load_layout(root / path)
    else:
        others: dict[str, list[Code]] = {**survey.where, **survey.where_not}
        others |= {name: [] for name in (survey.weight, codebook.respondent_id) if name is not None}
        layout = layout_of_items(codebook.title, list(codebook.items.values()), others)
    n, seed = (survey.simulate.n_respondents, survey.simulate.seed) if survey.simulate else (0, 1)
    codes = simulate_codes(
        codebook,
        layout,
        where=survey.where,
        where_not=survey.where_not,
        weight=survey.weight,
        language=survey.language,
        n=made_up or n,
        seed=seed,
    )
    # By way of a file, because that is what the workflow does.
    with tempfile.TemporaryDirectory() as folder:
        write_simulated_sav(codes, layout, Path(folder) / "simulated.sav")
        return read_survey_file(str(Path(folder) / "simulated.sav"), columns)


def readings(study: Study, root: Path = Path()) -> dict[str, Callable[[], Any]]:
    """Return functions that read what this run's surveys, panels and models name, by the place in the config.

    Each raises InputError if a file is absent. Posts and the directories of models are looked for only.

    Parameters
    ----------
    study
        The study.
    root
        The folder that relative paths start from.
    """
    found: dict[str, Callable[[], Any]] = {}
    for name, survey in study.selected_surveys().items():
        if survey.simulate is None:
            file = str(survey.file)
            file = file if file.startswith(BUNDLED_PREFIX) else str(root / file)
            found[f"surveys.{name}"] = partial(read_survey_file, file)
        elif survey.simulate.layout is not None:
            layout = root / survey.simulate.layout
            found[f"surveys.{name}"] = partial(load_layout, layout)
    for name, panel in study.selected_panels().items():
        found |= {f"panels.{name}.{place}": reading for place, reading in _readings(panel, root).items()}
    for name, model in study.selected_models().items():
        if model.directory is not None:
            found[f"models.{name}"] = partial(_look_for_model, model.directory, root)
    return found


def _look_for_model(directory: str, root: Path) -> None:
    if not (root / directory).is_dir():
        raise InputError(
            f"no model directory at {directory}",
            "A model's `source` is a path from where snakemake is started, a Hugging Face id, or 'built-in'.",
        )


def _check_survey(found: Findings, name: str, survey: Survey, study: Study, root: Path) -> None:
    place = f"surveys.{name}"
    codebook = found.tried(lambda: load_codebook(root / survey.codebook), place)
    if codebook is None:
        return
    problems = survey.problems_with(codebook)
    found.problems += [
        (f"{place}.{problem}", "The codebook names the items and their answers.") for problem in problems
    ]
    if survey.language not in codebook.languages:
        return
    respondents = found.tried(lambda: read_respondents(survey, codebook, root), place)
    if respondents is None:
        return
    n_before = len(found.problems)
    sizes = {
        condition: found.tried(
            partial(_training_rows, survey, codebook, respondents, condition, study.folds),
            place,
        )
        for condition in ([] if problems else survey.conditions)
    }
    if len(found.problems) == n_before:
        found.plan += _plan(name, survey, codebook, respondents, sizes, study.folds)


def _readings(panel: Panel, root: Path) -> dict[str, Callable[[], Any]]:
    """Return, by the key of the config, functions that read what the panel names there; posts are looked for only."""
    found: dict[str, Callable[[], Any]] = {}
    if panel.files:
        found["files"] = lambda: find_post_files(panel.files, panel.weeks.labels(), root)
    if panel.mix is not None and panel.mix.source != "simulated":
        folder = root / panel.mix.source
        found["mix.source"] = lambda: read_goemotions(folder)
    for question, tracker in panel.trackers.items():
        options = panel.questions[question].options
        found[f"trackers.{question}"] = partial(
            read_panel_tracker, tracker, question, options, panel.weeks, root
        )
    for name, signal in panel.signals.items():
        found[f"signals.{name}"] = partial(read_panel_signal, signal, name, panel.weeks, root)
    if panel.lexicon is not None and panel.lexicon.file is not None:
        lexicon = root / panel.lexicon.file
        found["lexicon"] = lambda: read_lexicon(lexicon)
    return found


def _training_rows(
    survey: Survey, codebook: Codebook, respondents: pd.DataFrame, condition: str, folds: int
) -> list[int]:
    """Return the rows that each fold of a condition is trained on."""
    other = survey.conditions[condition].same_size_as
    splits = split_condition(
        respondents,
        codebook.target,
        condition,
        **survey.selection(condition, codebook),
        same_size_as=None if other is None else survey.selection(other, codebook),
        n_folds=folds,
        seed=survey.split_seed,
    )
    usable = splits.fold[splits.in_training & (splits.fold != NO_FOLD)]
    return [int((usable != fold).sum()) for fold in range(folds)]


def _plan(
    name: str,
    survey: Survey,
    codebook: Codebook,
    respondents: pd.DataFrame,
    sizes: Mapping[str, Sequence[int]],
    folds: int,
) -> list[str]:
    target = respondents[codebook.target]
    made_up = ", made up" if survey.simulate is not None or codebook.simulated else ""
    lines = [
        f"survey {name}: {len(respondents)} respondents{made_up}, {int(target.notna().sum())} with an answer to '{codebook.target}'",
        "  " + ", ".join(f"{answer} {n}" for answer, n in target.value_counts(sort=False).items()),
    ]
    unused = [
        f"{item} ({', '.join(answers)})"
        for item in codebook.items
        if isinstance(respondents[item].dtype, pd.CategoricalDtype)
        and (answers := _never_given(respondents[item]))
    ]
    if unused:
        lines.append(f"  answers that nobody gave, if a value label was misspelt: {'; '.join(unused)}")
    lines += [
        f"  condition {condition}: {min(rows)} to {max(rows)} training rows"
        for condition, rows in sizes.items()
    ]
    n_adapters = survey.n_adapters(folds)
    lines.append(
        f"  {n_adapters} adapters: {n_adapters // folds} cohorts (tuned arms, conditions, seeds) of {folds} folds"
    )
    return lines


def _never_given(answers: "pd.Series[Any]") -> list[str]:
    counts = answers.value_counts(sort=False)
    return [str(answer) for answer, n in counts.items() if n == 0]


def _named_codebooks(config: Mapping[str, Any]) -> list[str]:
    run, surveys = config.get("run"), config.get("surveys")
    if not (isinstance(run, Mapping) and isinstance(surveys, Mapping)):
        return []
    chosen = [surveys.get(name) for name in run.get("surveys") or []]
    return [str(one["codebook"]) for one in chosen if isinstance(one, Mapping) and one.get("codebook")]


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        mine = merged.get(key)
        merged[key] = _merged(mine, value) if isinstance(mine, dict) and isinstance(value, dict) else value
    return merged
