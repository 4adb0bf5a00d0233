"""The tabular methods that impute, each as a function from donors and recipients to probabilities."""

from collections.abc import Mapping, Sequence
from typing import Any

from stimmung.baselines.registry import BASELINES
from stimmung.evaluation.estimates.multiple_imputation import Predict
from stimmung.vocabulary.errors import InputError, did_you_mean
from stimmung.vocabulary.imputation_settings import CHAINED_EQUATIONS, HOT_DECK
from stimmung.vocabulary.parquet_tables import BASELINE_PREFIX


def imputing_baseline(
    method: str,
    items: Sequence[str],
    target: str,
    options: Sequence[str],
    *,
    cells: Sequence[str] = (),
    grids: Mapping[str, Mapping[str, Sequence[Any]]] | None = None,
    inner_folds: int = 3,
) -> Predict:
    """Return what :func:`impute_draws` takes for ``method``: 'baselines/logistic', 'baselines/hot-deck' and so on.

    ``items`` predict, ``cells`` are the items of the hot deck's cells, of which those that are no item of this condition are left
    out. ``grids`` and ``inner_folds`` tune a baseline anew for each draw. Raises an InputError if there is no such method.
    """
    # Scikit-learn is imported where it is used: names are asked for where it is not needed.
    if method == HOT_DECK:
        from stimmung.baselines.hot_deck import hot_deck_shares

        kept = [item for item in cells if item in items]
        return lambda donors, recipients, _: hot_deck_shares(donors, recipients, kept, target, options)
    if method == CHAINED_EQUATIONS:
        from stimmung.baselines.chained_equations import chained_equations

        return lambda donors, recipients, seed: chained_equations(
            donors, recipients, items, target, options, seed
        )
    name = method.removeprefix(BASELINE_PREFIX)
    if name not in BASELINES:
        raise InputError(f"no baseline '{name}'{did_you_mean(name, BASELINES)}")
    from stimmung.baselines.tabular import predict_baseline

    grid = (grids or {}).get(name, BASELINES[name].grid)
    return lambda donors, recipients, seed: predict_baseline(
        name, donors, recipients, items, target, options, grid, inner_folds, seed
    )
