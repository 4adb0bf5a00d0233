"""From answers to weekly series: the probability of each answer option, averaged over wordings, with its range."""

from collections.abc import Collection

import numpy as np
import pandas as pd

from stimmung.evaluation.series.series_steps import Floats, rolling_mean
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.moods_schemas import AFFECT, WORDINGS
from stimmung.vocabulary.questions import WordingWeights

BASE = "base"  # the arm of the untuned model; it has no week
# A choice. Models of a billion parameters had .01 to .06 in a wording that fitted, and 1e-5 to 2e-4 in those that did not.
SMALL_MASS = 0.01
_SERIES = ["model", "question", "option"]


def aggregate_answers(
    answers: pd.DataFrame,
    *,
    scale: str = "min-max",
    rolling_weeks: int = 3,
    wordings: WordingWeights = "equal",
    select_all: Collection[str] = (),
) -> pd.DataFrame:
    """Average the answers of each week over the wordings of a question, and report their range.

    ======================== ===================================================================================
    value                    probability of the option, mean over variants: the series that inference is about;
                             with ``wordings`` 'option-mass' weighted by :func:`wording_weights`, as base and log_ratio
    value_mean, _min, _max   of ``value`` over the week's seeds
    variant_min, variant_max over the variants, each averaged over seeds: how much the wording matters
    base                     the untuned model's probability, mean over variants; NaN if it was not asked
    log_ratio                mean over variants of ln(probability / that of the untuned model), in nats: a change by
                             the same factor counts the same for words that are likely and unlikely a priori
    scaled                   as published, for figures: ``value`` from 0 to 1 between the lowest and the highest
                             week of its seeds' mean, then the mean of ``rolling_weeks`` weeks; NaN where one of
                             them is missing, and for a constant series
    scaled_mean, _min, _max  of ``scaled`` over seeds
    ======================== ===================================================================================

    The published procedure (Ahnert et al. 2025, arXiv 2409.17990) scales and smooths. Here ``value`` is neither, because
    smoothing makes weeks dependent, and no test may then treat them as independent.

    ``answers`` is one or several ANSWERS tables, with the untuned model as the arm 'MODEL/base', without week. With the ``scale``
    'none', not 'min-max', ``scaled`` is only smoothed. The result is an AFFECT table, sorted by model, question, option, week and
    seed. A week without answers has no rows. ``select_all`` are the questions whose options are each a yes or no. Raises an InputError
    if no week has an answer, if probabilities of another question do not sum to 1 over the options, or if a week lacks seeds, variants
    or options that another one has.
    """
    tuned, base = answers[answers["week"] != ""], answers[answers["week"] == ""]
    if tuned.empty:
        raise InputError(
            "no week has an answer", "Perhaps all weeks were skipped because they have too few posts."
        )
    _check(answers[~answers["question"].isin(list(select_all))], tuned)
    week = [*_SERIES, "week"]
    tuned = _beside_base(tuned, base)
    averaged = {"value": "probability", "base": "base", "log_ratio": "log_ratio"}
    if wordings == "option-mass":
        tuned = _weighted(tuned, list(averaged.values()))
    affect = tuned.groupby([*week, "seed"], as_index=False).agg(
        **{name: (column, "mean") for name, column in averaged.items()}
    )
    over_seeds = affect.groupby(week)["value"]
    affect = affect.assign(**{f"value_{name}": over_seeds.transform(name) for name in ("mean", "min", "max")})
    by_variant = tuned.groupby([*week, "variant"])["of_wording"].mean()
    ranges = by_variant.groupby(week).agg(variant_min="min", variant_max="max").reset_index()
    affect = affect.merge(ranges, on=week, validate="many_to_one")
    scaled = [_scaled(part, scale, rolling_weeks) for _, part in affect.groupby(_SERIES, sort=False)]
    affect = affect.join(pd.concat(scaled)).sort_values([*week, "seed"], ignore_index=True)
    return affect[list(AFFECT.columns)]


def _beside_base(tuned: pd.DataFrame, base: pd.DataFrame) -> pd.DataFrame:
    """Add to each answer the untuned model's answer to the same wording."""
    tuned = tuned.assign(untuned=[f"{model.split('/')[0]}/{BASE}" for model in tuned["model"]])
    key = ["untuned", "question", "variant", "option"]
    prior = base.rename(columns={"model": "untuned", "probability": "base"})[[*key, "base"]]
    tuned = tuned.merge(prior, on=key, how="left", validate="many_to_one")
    smallest = np.finfo(float).tiny  # a probability that underflowed to 0 has no logarithm
    ratio = np.log(tuned["probability"].clip(lower=smallest)) - np.log(tuned["base"].clip(lower=smallest))
    return tuned.assign(log_ratio=ratio, of_wording=tuned["probability"])


def _weighted(tuned: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Return answers whose plain mean over the wordings is the weighted mean of the given ones."""
    key = ["model", "question", "variant"]
    tuned = tuned.merge(wording_weights(tuned), on=key, validate="many_to_one")
    factor = tuned["weight"] * tuned.groupby(["model", "question"])["variant"].transform("nunique")
    return tuned.assign(**{name: factor * tuned[name] for name in names})


def wording_weights(tuned: pd.DataFrame, wordings: WordingWeights = "option-mass") -> pd.DataFrame:
    """Return the weight of each wording of a question: columns model, question, variant, weight; they sum to 1 over the wordings.

    With 'option-mass' a wording weighs as much as its options' mean probability, over weeks and seeds, to follow the question at
    all: a wording that the model hardly ever continues with an option says little about them. A weight is the same in all weeks,
    so that a change of the series is never one of the weights.
    """
    mass = tuned.groupby(["model", "question", "variant"])["option_mass"].mean()
    if wordings == "equal":
        mass = mass * 0 + 1
    total = mass.groupby(["model", "question"]).transform("sum")
    if (total == 0).any():
        model, question, _ = total[total == 0].index[0]
        raise InputError(
            f"'{model}' gives the options of question '{question}' no probability in any wording"
        )
    return (mass / total).rename("weight").reset_index()


def wording_series(answers: pd.DataFrame, wordings: WordingWeights = "equal") -> pd.DataFrame:
    """Return the series of each wording, averaged over seeds, with the mass of its options, a WORDINGS table.

    The untuned model 'MODEL/base' has week '', and the weights of the model that is tuned on it.
    """
    by = ["model", "question", "variant", "option", "week"]
    series = answers.groupby(by, as_index=False).agg(
        value=("probability", "mean"), option_mass=("option_mass", "mean")
    )
    weights = wording_weights(answers[answers["week"] != ""], wordings)
    weights = weights.assign(base=weights["model"].str.split("/").str[0]).drop(columns="model")
    series = series.assign(base=series["model"].str.split("/").str[0])
    series = series.merge(weights, on=["base", "question", "variant"], validate="many_to_one")
    return series[list(WORDINGS.columns)]


def small_masses(masses: pd.DataFrame) -> list[str]:
    """Return what to say of wordings whose options hardly ever follow the question: a line for each of model and question.

    ``masses`` has the columns model, question, variant, and option_mass, whose mean over rows counts.
    """
    mean = masses.groupby(["model", "question", "variant"])["option_mass"].mean().reset_index()
    lines = []
    for (model, question), part in mean.groupby(["model", "question"]):
        small = part[part["option_mass"] < SMALL_MASS]
        if small.empty:
            continue
        named = ", ".join(f"'{row.variant}' {row.option_mass:.1g}" for row in small.itertuples())
        lines.append(
            f"{model}, question '{question}': in {len(small)} of {len(part)} wordings the options together have a "
            f"probability below {SMALL_MASS:g} to follow the question ({named}); such answers say little. Other wordings may "
            "do better, or series.wordings: option-mass, which weighs them."
        )
    return lines


def _scaled(part: pd.DataFrame, scale: str, rolling_weeks: int) -> pd.DataFrame:
    """Return the four scaled columns of one series, with the index of ``part``."""
    weeks = pd.date_range(part["week"].min(), part["week"].max(), freq="7D").strftime("%Y-%m-%d")
    seeds = part.pivot(index="seed", columns="week", values="value").reindex(columns=weeks)
    scaled = rolling_mean(on_scale(seeds.to_numpy(), seeds.mean().to_numpy(), scale), rolling_weeks)
    wide = pd.DataFrame(scaled, index=seeds.index, columns=weeks)
    long = part.join(pd.Series(wide.stack(), name="scaled"), on=["seed", "week"])[["scaled"]]
    for name, row in (("mean", wide.mean()), ("min", wide.min()), ("max", wide.max())):
        long[f"scaled_{name}"] = part["week"].map(row)
    return long


def on_scale(series: Floats, reference: Floats, scale: str = "min-max") -> Floats:
    """Put series (..., weeks) on the scale on which ``reference`` (weeks,) runs from 0 to 1; NaN if it does not vary.

    With the scale 'none' they are returned as they are.
    """
    if scale == "none":
        return series
    low = np.nanmin(reference)
    span = np.nanmax(reference) - low
    # Rounding of a mean leaves a constant series with a span of some 1e-17.
    return np.full(series.shape, np.nan) if span <= 1e-12 * abs(low) else (series - low) / span


def _check(answers: pd.DataFrame, tuned: pd.DataFrame) -> None:
    asked = ["model", "week", "seed", "question", "variant"]
    sums = answers.groupby(asked)["probability"].sum()
    wrong = sums[(sums - 1).abs() > 1e-6]
    if not wrong.empty:
        place = ", ".join(f"{name} '{value}'" for name, value in zip(asked, wrong.index[0], strict=True))
        raise InputError(
            f"the probabilities of the options sum to {wrong.iloc[0]:.6g}, not 1: {place}",
            "A table of answers lacks options: delete it and run snakemake again.",
        )
    # A week that lacks a seed or a wording is not comparable with the others.
    for (model, question), part in tuned.groupby(["model", "question"]):
        cells = part["seed"].nunique() * part["variant"].nunique() * part["option"].nunique()
        sizes = part.groupby("week").size()
        short = sizes[sizes != cells]
        if not short.empty:
            raise InputError(
                f"'{model}', question '{question}': week {short.index[0]} has {short.iloc[0]} answers, where all "
                f"seeds, variants and options together are {cells}",
                "Its answers are older than the config: delete them and run snakemake again.",
            )
