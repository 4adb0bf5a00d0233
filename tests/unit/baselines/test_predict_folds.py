import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import cross_val_predict

from stimmung.baselines.predict_folds import predict_folds
from stimmung.baselines.tabular import predict_baseline
from stimmung.data.surveys.splits import split_condition
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.votes_schemas import NO_FOLD, PREDICTIONS, option_columns, options_of

OPTIONS = ["no", "yes", "other"]


def respondents(n=120, seed=0):
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 90, n).astype(float)
    vote = np.where(age + rng.normal(0, 20, n) > 50, "yes", "no").astype(object)
    vote[:10] = None
    return pd.DataFrame(
        {
            "respondent_id": [f"r{number}" for number in range(n)],
            "weight": rng.uniform(0.5, 2, n),
            "age": age,
            "vote": pd.Categorical(vote, OPTIONS),
        }
    )


def split(table, **condition):
    return split_condition(table, "vote", "c", n_folds=4, seed=24, **condition)


def predict(name, table, splits, grid=None):
    return predict_folds(
        name,
        table,
        splits,
        predictors=["age"],
        target="vote",
        options=OPTIONS,
        grid=grid or {},
        inner_folds=3,
        condition="c",
        seed=24,
    )


def test_the_table_keeps_its_schema_and_has_a_column_for_every_option(tmp_path):
    table = respondents()
    predictions = predict("logistic", table, split(table))
    write_table(predictions, tmp_path / "p.parquet", PREDICTIONS)
    read = read_table(tmp_path / "p.parquet", PREDICTIONS)
    assert options_of(read) == OPTIONS
    assert (read["p_other"] == 0).all()
    assert set(read.method) == {"baselines/logistic"}
    assert read[["option_mass", "n_tokens", "normalization"]].drop_duplicates().to_numpy().tolist() == [
        [1.0, 0, "none"]
    ]


def test_everybody_is_predicted_once_with_weight_and_truth():
    table = respondents()
    predictions = predict("majority", table, split(table))
    assert predictions.respondent_id.tolist() == table.respondent_id.tolist()
    assert predictions.weight.tolist() == table.weight.tolist()
    valid = table.vote.notna()
    assert predictions.target[valid].tolist() == table.vote[valid].tolist()


def test_who_did_not_answer_gets_the_mean_of_all_folds_models():
    table = respondents()
    splits = split(table)
    silent = predict("logistic", table, splits)[table.vote.isna()]
    assert (silent.fold == NO_FOLD).all() and silent.target.isna().all() and len(silent) == 10
    by_model = [
        predict_baseline(
            "logistic",
            table[(splits.fold != fold) & (splits.fold != NO_FOLD)],
            table[table.vote.isna()],
            ["age"],
            "vote",
            OPTIONS,
            {},
            3,
            24,
        )
        for fold in range(4)
    ]
    np.testing.assert_allclose(silent[option_columns(silent)], np.mean(by_model, axis=0))


def test_each_fold_is_predicted_from_the_other_folds_as_scikit_learn_does_it():
    table = respondents()
    splits = split(table)
    valid = table.vote.notna()
    folds = splits.fold[valid].to_numpy()
    cv = [(np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)) for fold in range(4)]
    model, truth = DummyClassifier(strategy="prior"), table.vote[valid].astype(str)
    expected = cross_val_predict(model, table.loc[valid, ["age"]], truth, cv=cv, method="predict_proba")
    predictions = predict("majority", table, splits)[valid]
    np.testing.assert_allclose(predictions[["p_no", "p_yes"]], expected, atol=1e-12)


def test_only_rows_in_training_are_fitted():
    table = respondents()
    splits = split(table, share=0.4)
    rows = splits.in_training & (splits.fold != 2)
    tested = splits.fold == 2
    expected = predict_baseline("logistic", table[rows], table[tested], ["age"], "vote", OPTIONS, {}, 3, 24)
    predictions = predict("logistic", table, splits)
    np.testing.assert_array_equal(
        predictions.loc[predictions.fold == 2, option_columns(predictions)], expected
    )


def test_the_answers_of_tested_respondents_do_not_reach_their_predictions():
    table = respondents()
    splits = split(table)
    turned = table.assign(vote=table.vote.where(splits.fold != 1, table.vote.map({"yes": "no", "no": "yes"})))
    before, after = predict("logistic", table, splits), predict("logistic", turned, splits)
    tested = before.fold == 1
    pd.testing.assert_frame_equal(
        before.loc[tested, option_columns(before)], after.loc[tested, option_columns(after)]
    )
    assert (before.loc[tested, "target"] != after.loc[tested, "target"]).all()


def test_splits_of_other_respondents_are_refused():
    table = respondents()
    with pytest.raises(InputError, match="condition 'c': the splits table and the respondents table"):
        predict("majority", table, split(table).iloc[1:])
