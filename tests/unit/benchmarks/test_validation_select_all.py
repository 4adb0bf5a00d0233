import numpy as np
import pandas as pd
import pytest

pytestmark = pytest.mark.usefixtures("benchmarks")


def test_the_truth_is_what_the_library_measures_in_the_population():
    import validation_select_all as part
    from simulated_folds import METHODS, as_predictions, fold_model, main_effects

    from stimmung.evaluation.votes.fold_metrics import measure_folds
    from stimmung.evaluation.votes.option_metrics import RANGES, measure_options, stack_options

    table = part.draw_choices(1000, np.random.default_rng(1))
    x, method = main_effects(table), METHODS[0]
    models = {one: (method, fold_model(method, x, table[one].cat.codes, 2)) for one in part.OPTIONS}
    truth = part.metrics_of_all(models, table)
    half = np.arange(len(table)) % 2
    tables, folds = {}, {}
    for option, (_, model) in models.items():
        tables[option] = as_predictions(table, option, model(x), half, method, "full")
        split = tables[option][["respondent_id", "condition", "fold"]].assign(in_training=True)
        folds[option] = measure_folds(tables[option], split)
    found = measure_options(stack_options(tables, part.CHOSEN), folds, part.CHOSEN)
    assert set(found["metric"]) == set(RANGES)
    for row in found.itertuples():
        option = None if pd.isna(row.option) else row.option
        assert row.value == pytest.approx(truth[row.metric, option], abs=0.02), row.metric


def test_options_hang_together():
    from validation_select_all import CHOSEN, OPTIONS, draw_choices

    table = draw_choices(20_000, np.random.default_rng(2))
    alike = table[(table["party"] == "red") & (table["education"] == "low") & (table["age"] == "35-59")]
    correlations = (alike[list(OPTIONS)] == CHOSEN).corr().to_numpy()
    assert (correlations[np.triu_indices(len(OPTIONS), 1)] > 0.02).all()
