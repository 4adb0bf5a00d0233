"""The files that a study names, read as the workflow reads them: surveys, layouts, posts, trackers, signals, lexicons, models."""

import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from stimmung.baselines.lexicon import read_lexicon
from stimmung.data.posts.post_files import find_post_files
from stimmung.data.simulate.mood_mix import read_labelled_posts
from stimmung.data.simulate.simulated_file import simulate_codes, write_simulated_sav
from stimmung.data.surveys.group_shares import shares_of_respondents
from stimmung.data.surveys.prediction_files import predictions_from_file, read_prediction_file
from stimmung.data.surveys.respondents import needed_columns, respondents_table
from stimmung.data.surveys.share_files import shares_of_file
from stimmung.data.surveys.survey_codes import SurveyFile
from stimmung.data.surveys.survey_files import BUNDLED_PREFIX, read_survey_file
from stimmung.engine.base.gguf_source import gguf_file, is_gguf
from stimmung.study.panel_series import read_panel_signal, read_panel_tracker
from stimmung.study.panels import Panel
from stimmung.study.reading import load_layout
from stimmung.study.study import Study
from stimmung.study.surveys import Survey, SurveySimulation
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.groups import Groups
from stimmung.vocabulary.layout import layout_of_items
from stimmung.vocabulary.row_rules import Wanted


def readings(study: Study, root: Path = Path()) -> dict[str, Callable[[], Any]]:
    """Return functions that read what this run names, by the key of the config that names it; each raises InputError.

    Posts and models are only looked for. Relative paths start from ``root``.
    """
    found: dict[str, Callable[[], Any]] = {}
    for name, survey in study.selected_surveys().items():
        if survey.groups is not None and survey.groups.shares is not None:
            found[f"surveys.{name}"] = partial(read_survey_file, str(root / survey.groups.shares))
        elif survey.simulate is None:
            found[f"surveys.{name}"] = partial(read_survey_file, _survey_path(survey, root))
        elif survey.simulate.layout is not None:
            found[f"surveys.{name}"] = partial(load_layout, root / survey.simulate.layout)
        for method, file in survey.predictions.items():
            here = file.model_copy(update={"file": str(root / file.file)})
            found[f"surveys.{name}.predictions.{method}"] = partial(
                read_prediction_file, here, survey.max_lost_share
            )
    for name, panel in study.selected_panels().items():
        found |= {f"panels.{name}.{key}": reading for key, reading in _panel_readings(panel, root).items()}
    for name, model in study.selected_models().items():
        if model.local is not None:
            found[f"models.{name}"] = partial(_look_for_model, model.local, root)
    asked = {model for survey in study.selected_surveys().values() for model in survey.models()}
    for name, endpoint in study.endpoints.items():
        if name in asked and endpoint.tokenizer is not None and endpoint.tokenizer not in study.models:
            found[f"endpoints.{name}.tokenizer"] = partial(_look_for_tokenizer, endpoint.tokenizer, root)
    return found


def read_respondents(
    survey: Survey, codebook: Codebook, root: Path = Path(), made_up: int | None = None
) -> pd.DataFrame:
    """Return the respondents table of a survey, from its file or made up. Raises InputError if file and codebook do not fit.

    If ``made_up`` is a number, this many respondents are made up, and the file is not read.
    """
    real = survey.simulate is None and made_up is None
    drawn = (survey.group, survey.strata, survey.clusters) if real else (None, None, None)
    columns = needed_columns(codebook, survey.where, survey.weight, survey.where_not, *drawn)
    if real:
        found = read_survey_file(_survey_path(survey, root), columns, survey.encoding, survey.max_lost_share)
    else:
        found = _made_up_file(survey, codebook, root, made_up, columns)
    chosen = survey.where, survey.weight, survey.where_not, *drawn
    more: dict[str, Any] = {"targets": survey.targets or (), "max_lost_share": survey.max_lost_share}
    return respondents_table(found, codebook, survey.language, *chosen, **more)


def read_groups(
    survey: Survey, codebook: Codebook, settings: Groups, root: Path = Path(), made_up: int | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the groups of a survey and their GROUP_SHARES table, as :func:`read_respondents` does or from a file of shares."""
    targets, codebook = survey.targets or [codebook.target], survey.answered(codebook)
    if settings.shares is not None:
        lost = survey.encoding, survey.max_lost_share
        return shares_of_file(
            settings, str(root / settings.shares), codebook, targets, survey.language, *lost
        )
    respondents = read_respondents(survey, codebook, root, made_up)
    options = {name: codebook.items[name].labels(survey.language) for name in targets}
    # A few made-up ones are in groups of one or two.
    return shares_of_respondents(respondents, settings.by, options, 1 if made_up else settings.min_n)


def read_predictions_of(
    survey: Survey, codebook: Codebook, respondents: pd.DataFrame, method: str, root: Path = Path()
) -> pd.DataFrame:
    """Return what a file of predictions says of the respondents of a survey; errors as :func:`predictions_from_file`."""
    settings = survey.predictions[method].of_target(codebook.target)
    if settings is None:
        raise ValueError(f"'{method}' has no predictions of '{codebook.target}'")
    return predictions_from_file(
        settings.model_copy(update={"file": str(root / settings.file)}),
        codebook,
        survey.language,
        list(respondents["respondent_id"]),
        _survey_path(survey, root),
        survey.encoding,
        survey.max_lost_share,
    )


def _survey_path(survey: Survey, root: Path) -> str:
    file = str(survey.file)
    return file if file.startswith(BUNDLED_PREFIX) else str(root / file)


def _made_up_file(
    survey: Survey, codebook: Codebook, root: Path, made_up: int | None, columns: Sequence[str]
) -> SurveyFile:
    simulation = survey.simulate or SurveySimulation.model_validate({})
    if simulation.layout is not None:
        layout = load_layout(root / simulation.layout)
    else:
        others: dict[str, Wanted] = {**survey.where, **survey.where_not}
        others |= {name: [] for name in (survey.weight, codebook.respondent_id) if name is not None}
        layout = layout_of_items(codebook.title, list(codebook.items.values()), others)
    how: dict[str, Any] = {
        name: getattr(survey, name) for name in ("where", "where_not", "weight", "language")
    }
    n = made_up or simulation.n_respondents
    codes = simulate_codes(codebook, layout, **how, n=n, seed=simulation.seed)
    # Written and read back, because that is what the workflow does.
    with tempfile.TemporaryDirectory() as folder:
        write_simulated_sav(codes, layout, Path(folder) / "simulated.sav")
        return read_survey_file(str(Path(folder) / "simulated.sav"), columns)


def _panel_readings(panel: Panel, root: Path) -> dict[str, Callable[[], Any]]:
    found: dict[str, Callable[[], Any]] = {}
    if panel.files:
        found["files"] = partial(find_post_files, panel.files, panel.weeks.labels(), root)
    if panel.mix is not None and panel.mix.source != "simulated":
        found["mix.source"] = partial(
            read_labelled_posts, root / panel.mix.source, panel.mix.columns, panel.format
        )
    for name, tracker in panel.trackers.items():
        options = panel.questions[name].options
        found[f"trackers.{name}"] = partial(read_panel_tracker, tracker, name, options, panel.weeks, root)
    for name, signal in panel.signals.items():
        found[f"signals.{name}"] = partial(read_panel_signal, signal, name, panel.weeks, root)
    if panel.lexicon is not None and panel.lexicon.file is not None:
        found["lexicon"] = partial(read_lexicon, root / panel.lexicon.file)
    return found


def _look_for_model(source: str, root: Path) -> None:
    if is_gguf(source):
        gguf_file(source, root)
    elif not (root / source).is_dir():
        raise InputError(
            f"no model directory at {source}",
            "A model's `source` is a path from where snakemake is started, a Hugging Face id, or 'built-in'.",
        )


def _look_for_tokenizer(directory: str, root: Path) -> None:
    absent = [
        name
        for name in ("tokenizer.json", "tokenizer_config.json")
        if not (root / directory / name).is_file()
    ]
    if absent:
        raise InputError(
            f"no {absent[0]} in {directory}",
            "An endpoint's `tokenizer` is a name in `models`, or a folder with these two files.",
        )
