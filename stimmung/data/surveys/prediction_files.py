"""Predictions that somebody made elsewhere, read from a file: a probability of each answer option for each respondent."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stimmung.data.surveys.coding import places_of_options, resolve_codes, shortened
from stimmung.data.surveys.survey_codes import SurveyFile, code_key
from stimmung.data.surveys.survey_files import read_survey_file
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.errors import InputError, did_you_mean, warn
from stimmung.vocabulary.number_bins import bin_of
from stimmung.vocabulary.prediction_file import PredictionFile
from stimmung.vocabulary.survey_item import SurveyItem
from stimmung.vocabulary.votes_schemas import OPTION_PREFIX

logger = logging.getLogger(__name__)

Floats = NDArray[np.float64]

ROUNDING = 0.005  # of a probability with two digits, the fewest that are sensible
_SHOWN = 5  # values in one message


def read_prediction_file(settings: PredictionFile, max_lost_share: float) -> SurveyFile:
    """Read the file with all its columns. Raises an InputError if it cannot be read, or one that is named is not there."""
    survey = read_survey_file(settings.file, None, settings.encoding, max_lost_share)
    known = [str(name) for name in survey.codes.columns]
    named = [settings.id, *settings.columns]
    if absent := [f"'{name}'{did_you_mean(name, known)}" for name in named if name not in known]:
        raise InputError(
            f"{settings.file}: no column is named {', '.join(absent)}",
            "`id`, `item`, `answer` and `probabilities` under the survey's `predictions` name columns of this file.",
        )
    return survey


def file_predictions(
    settings: PredictionFile,
    survey: SurveyFile,
    codebook: Codebook,
    language: str,
    respondents: Sequence[str],
    others: Collection[str],
    max_lost_share: float,
) -> pd.DataFrame:
    """Return the probability of each answer option for each respondent, in their order.

    What was dropped, scaled or filled in is told on the terminal.

    Parameters
    ----------
    survey
        What :func:`read_prediction_file` returned.
    respondents
        The ``respondent_id`` of everybody that the survey is about.
    others
        Those of rows of the survey's file that `where` left out: their predictions are dropped.
    max_lost_share
        Largest share of respondents that may have no prediction. They get equal probabilities and are marked.

    Returns
    -------
    pandas.DataFrame
        ``respondent_id``, the probability columns in the order of the codebook, and ``n_unseen``: 0, or the number of options for
        who has no prediction.

    Raises
    ------
    InputError
        If an identifier is missing, doubled or of nobody; a value is not an option; probabilities are no numbers from 0 to 1,
        incomplete or do not sum to 1; or too many respondents have no prediction.
    """
    survey = _of_target(survey, settings, codebook.target)
    ids = _identifiers(survey, settings, set(respondents), others)
    kept = ids[ids.isin(list(respondents))]
    codes = survey.codes.loc[kept.index]
    item = codebook.items[codebook.target]
    if isinstance(settings.answer, str):
        table = _certain(codes, survey, settings, settings.answer, item, codebook.languages)
        warn(
            logger,
            f"{settings.file}: one answer for each respondent, which counts as certain: each wrong one costs 36 nats of log-loss (a "
            "probability of 0 counts as 2.2e-16); judge it by accuracy, F1, Brier score and shares",
        )
    else:
        table = _stated(codes, settings, codebook)
    frame = pd.DataFrame(table, index=kept.to_numpy()).reindex(list(respondents))
    absent = frame.isna().any(axis=1).to_numpy()
    _tell_absent(settings, int(absent.sum()), len(respondents), max_lost_share)
    frame = frame.fillna(1 / frame.shape[1])
    frame.columns = pd.Index([OPTION_PREFIX + option for option in codebook.target_labels(language)])
    frame.insert(0, "respondent_id", list(respondents))
    return frame.assign(n_unseen=np.where(absent, frame.shape[1] - 1, 0)).reset_index(drop=True)


def predictions_from_file(
    settings: PredictionFile,
    codebook: Codebook,
    language: str,
    respondents: Sequence[str],
    source: str,
    encoding: str | None,
    max_lost_share: float,
) -> pd.DataFrame:
    """Return :func:`file_predictions` of a file; errors as there and in :func:`read_prediction_file`.

    ``source`` and ``encoding`` are those of the survey's own file, which is read for its identifiers if some are not among the
    ``respondents``.
    """
    survey = read_prediction_file(settings, max_lost_share)
    others: list[str] = []
    if not survey.codes[settings.id].map(code_key).isin(list(respondents)).all():
        column = codebook.respondent_id
        codes = read_survey_file(source, None if column is None else [column], encoding, max_lost_share).codes
        keys = pd.Series(codes.index + 1) if column is None else codes[column]
        others = [key for key in keys.map(code_key) if key is not None]
    return file_predictions(settings, survey, codebook, language, respondents, others, max_lost_share)


def _of_target(survey: SurveyFile, settings: PredictionFile, target: str) -> SurveyFile:
    """Return the rows of a target in a file with a row for each of several; any other file as it is."""
    if settings.item is None:
        return survey
    named = survey.codes[settings.item].map(code_key)
    rows = survey.codes[named == target]
    if rows.empty:
        found = ", ".join(f"'{shortened(name)}'" for name in sorted(named.dropna().unique())[:_SHOWN])
        raise InputError(
            f"{settings.file}, column '{settings.item}': no row is of the target '{target}'; there are {found}",
            "It has the names of the survey's `targets`, as in the codebook.",
        )
    return replace(survey, codes=rows)


def _identifiers(
    survey: SurveyFile, settings: PredictionFile, respondents: Collection[str], others: Collection[str]
) -> "pd.Series[str]":
    """Return the identifier of each row that is about somebody of the survey."""
    keys = survey.codes[settings.id].map(code_key)
    place = f"{settings.file}, column '{settings.id}'"
    if n := int(keys.isna().sum()):
        raise InputError(f"{place}: {n} of {len(keys)} rows have no identifier", "Leave these rows out.")
    if n := int(keys.duplicated().sum()):
        raise InputError(
            f"{place}: {n} of {len(keys)} rows repeat the identifier of an earlier row",
            "A file has one prediction for each respondent. Give files of their own to several runs of a model.",
        )
    known = keys.isin(list(respondents))
    left_out = ~known & keys.isin(list(others))
    if n := int((~known & ~left_out).sum()):
        raise InputError(
            f"{place}: {n} of {len(keys)} identifiers are of no respondent of the survey",
            "They must be those of the codebook's `respondent_id`; without that, numbers of the rows in the survey's file, from 1.",
        )
    if n := int(left_out.sum()):
        warn(
            logger,
            f"{settings.file}: {n} of {len(keys)} predictions are of respondents whom `where` leaves out; not used",
        )
    return keys


def _certain(
    codes: pd.DataFrame,
    survey: SurveyFile,
    settings: PredictionFile,
    column: str,
    item: SurveyItem,
    languages: Sequence[str],
) -> Floats:
    """Return 1 for the predicted option and 0 for others, NaN where there is no prediction; shape (rows, options).

    A number of a numeric item counts for the bin that it lies in. If the options are values, it is shared by the two that it lies
    between, so that their mean is the number.
    """
    keys = codes[column].map(code_key).astype(object)
    labels, where = survey.value_labels.get(column, {}), f"{settings.file}, column '{column}'"
    place_of = places_of_options(item, labels, languages, where)
    none = {code_key(code) for code in settings.no_answer}
    none |= {key for missing in item.missing for key in resolve_codes(missing.codes, labels, where)}
    silent = keys.isna() | (keys.isin(list(none)) & ~keys.isin(list(place_of)))
    numbers = pd.to_numeric(keys, errors="coerce")
    for low, high in (missing.range for missing in item.missing if missing.range is not None):
        silent |= numbers.between(low, high) & ~keys.isin(list(place_of))
    between = keys.index.isin([])
    if item.is_number and item.range is not None:
        between = (numbers.between(*item.range) & ~silent & ~keys.isin(list(place_of))).to_numpy()
    unknown = keys[~silent & ~keys.isin(list(place_of)) & ~between]
    if not unknown.empty:
        counts = unknown.value_counts()
        shown = [f"'{shortened(value)}' in {n} rows" for value, n in counts.head(_SHOWN).items()]
        more = f" and {len(counts) - _SHOWN} more values" if len(counts) > _SHOWN else ""
        what = f"{where}: {len(unknown)} of {len(keys)} predictions are no answer option: {', '.join(shown)}{more}"
        if settings.unknown_answers == "refuse":
            raise InputError(
                what,
                "Options are those of the codebook's target, by code or in words. What means that there is no prediction belongs "
                "under `no_answer`; with `unknown_answers: drop` all of these mean it.",
            )
        warn(logger, f"{what}; they count as no prediction")
        silent |= keys.index.isin(unknown.index)
    table = np.full((len(keys), len(item.options)), np.nan)
    exact = ~silent & ~between
    table[exact] = np.eye(len(item.options))[[place_of[key] for key in keys[exact]]]
    if between.any():
        table[between] = _between_options(numbers[between].to_numpy(dtype=float), item)
    return table


def _between_options(numbers: Floats, item: SurveyItem) -> Floats:
    """Return the probability of each option of a numeric item that is predicted to be a number, shape (rows, options)."""
    bins, every = item.number_bins, np.eye(len(item.options))
    if not item.has_single_numbers:
        return every[bin_of(numbers, bins)]
    values = [one.value for one in bins]
    below = np.searchsorted(values, numbers, side="right") - 1
    above = np.minimum(below + 1, len(values) - 1)
    share = (numbers % 1)[:, None]
    return np.asarray((1 - share) * every[below] + share * every[above])


def _stated(codes: pd.DataFrame, settings: PredictionFile, codebook: Codebook) -> Floats:
    """Return the probabilities in the order of the codebook, NaN where there is no prediction; shape (rows, options)."""
    words = [codebook.target_labels(language) for language in codebook.languages]
    columns = [
        str(next(settings.probabilities[name] for name in names if name in settings.probabilities))
        for names in zip(*words, strict=True)
    ]
    keys = codes[columns].map(code_key)
    table = keys.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
    empty = keys.isna().to_numpy()
    place = f"{settings.file}, probabilities"
    if n := int((np.isnan(table) & ~empty).any(axis=1).sum()):
        raise InputError(
            f"{place}: no number in {n} of {len(table)} rows", "Write numbers with a point, from 0 to 1."
        )
    if n := int((empty.any(axis=1) & ~empty.all(axis=1)).sum()):
        raise InputError(
            f"{place}: some options have one and others do not in {n} of {len(table)} rows",
            "Give each option a number, 0 if it is impossible; or leave all of them empty where there is no prediction.",
        )
    if n := int(((table < 0) | (table > 1)).any(axis=1).sum()):
        hint = (
            "Per cent must be divided by 100." if np.nanmax(table) > 1 else "A probability is not negative."
        )
        raise InputError(f"{place}: below 0 or above 1 in {n} of {len(table)} rows", hint)
    sums = table.sum(axis=1)
    allowed = ROUNDING * len(columns) + 1e-9
    if n := int((np.abs(sums - 1) > allowed).sum()):
        raise InputError(
            f"{place}: they do not sum to 1 in {n} of {len(table)} rows; sums are {np.nanmin(sums):.3g} to {np.nanmax(sums):.3g}",
            f"Rounding to two digits explains a difference of {allowed:.3f}. Is there a column for every option?",
        )
    if n := int((np.abs(sums - 1) > 1e-6).sum()):
        warn(logger, f"{place}: scaled to sum to 1 in {n} of {len(table)} rows, by less than {allowed:.3f}")
    return np.asarray(table / sums[:, None])


def _tell_absent(settings: PredictionFile, n: int, of: int, max_lost_share: float) -> None:
    what = f"{settings.file}: {n} of {of} respondents have no prediction"
    if n > max_lost_share * of:
        raise InputError(
            what,
            f"The survey's `max_lost_share` allows a share of {max_lost_share:g}. Add their predictions, or allow more: they then "
            "count as equal probabilities.",
        )
    if n:
        warn(logger, f"{what}; all answer options count as equally probable for them")
