import numpy as np
import pandas as pd
import pytest

from scripts.impute_answers import impute_answers
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.votes_schemas import IMPUTED, NO_FOLD, PREDICTIONS, PROMPTS, SPLITS, option_columns
from tests.scripts.test_ask_endpoint import ask
from tests.scripts.test_score_respondents import score
from tests.scripts.test_train_fold_adapters import train
from tests.synthetic_votes import CONDITIONS, make_votes

SILENT = 5  # of the respondents have not answered


@pytest.fixture(scope="module")
def gaps(small_study, tmp_path_factory):
    """The small study in which some did not answer."""
    from types import SimpleNamespace

    folder = tmp_path_factory.mktemp("gaps")
    prompts = read_table(small_study.prompts, PROMPTS)
    splits = read_table(small_study.splits, SPLITS)
    silent = splits.index < SILENT
    changed = SimpleNamespace(**vars(small_study))
    changed.prompts, changed.splits = folder / "prompts.parquet", folder / "splits.parquet"
    changed.silent = set(splits.respondent_id[silent])
    write_table(
        prompts.assign(target=prompts.target.astype(object).mask(silent, None)), changed.prompts, PROMPTS
    )
    splits.loc[silent, "fold"], splits.loc[silent, "in_training"] = np.int8(NO_FOLD), False
    write_table(splits, changed.splits, SPLITS)
    return changed


def test_who_did_not_answer_is_read_by_every_fold_s_adapter_and_averaged(gaps, tmp_path):
    adapters = train(gaps, tmp_path)
    table = score(gaps, tmp_path / "tuned.parquet", adapters=adapters, method="small/tuned")
    alone = [
        score(gaps, tmp_path / "one.parquet", adapters=[one, one], method="small/tuned") for one in adapters
    ]
    columns = [*option_columns(table), "option_mass"]
    silent = table[table.fold == NO_FOLD]
    assert set(silent.index) == gaps.silent and silent.target.isna().all()
    mean = sum(one.loc[silent.index, columns] for one in alone) / 2
    np.testing.assert_allclose(silent[columns], mean, atol=1e-6)
    # The others are read as before, by the adapter that was not trained on them.
    for fold in (0, 1):
        own = table.index[table.fold == fold]
        np.testing.assert_allclose(table.loc[own, columns], alone[fold].loc[own, columns], atol=1e-6)


@pytest.mark.parametrize("examples", [0, 2])
def test_a_server_is_asked_about_them_as_well(gaps, tmp_path, examples):
    from tests.endpoint_server import serving

    local = score(gaps, tmp_path / "local.parquet", examples=examples)
    with serving(gaps.base) as running:
        asked = ask(gaps, running.url, tmp_path, examples=examples)
    assert list(asked.index) == list(local.index) and set(asked.index[asked.fold == NO_FOLD]) == gaps.silent
    np.testing.assert_allclose(asked[option_columns(asked)], local[option_columns(local)], atol=1e-4)


@pytest.fixture(scope="module")
def imputed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("imputed")
    predictions, _ = make_votes(n=60, seeds=(1, 2), conditions=("full", "without-party"))
    silent = predictions.respondent_id.isin(predictions.respondent_id.unique()[:6])
    predictions.loc[silent, "fold"] = np.int8(NO_FOLD)
    predictions["target"] = predictions.target.astype(object).mask(silent, None)
    paths = []
    for (method, condition, seed), part in predictions.groupby(["method", "condition", "seed"], sort=False):
        paths.append(folder / method / condition / f"seed-{seed}.parquet")
        write_table(part, paths[-1], PREDICTIONS)
    outputs = {
        "parquet": folder / "answers.parquet",
        "csv": folder / "answers.csv",
        "readme": folder / "README.md",
    }
    impute_answers(
        predictions=paths, conditions=CONDITIONS, title="A survey", target="vote", simulated=True, **outputs
    )
    return predictions, outputs


def test_every_respondent_merges_once_with_each_method_and_condition(imputed):
    predictions, outputs = imputed
    table = read_table(outputs["parquet"], IMPUTED)
    survey = pd.DataFrame({"respondent_id": predictions.respondent_id.unique()})
    for (method, condition), part in table.groupby(["method", "condition"]):
        merged = survey.merge(part, on="respondent_id", how="left", validate="one_to_one")
        assert merged.most_probable.notna().all() and merged.answered.sum() == 54, (method, condition)
    assert (
        table[~table.answered].observed.isna().all()
        and (table.held_out_fold[~table.answered] == NO_FOLD).all()
    )


def test_seeds_are_averaged_and_the_most_probable_option_is_named(imputed):
    predictions, outputs = imputed
    table = read_table(outputs["parquet"], IMPUTED).set_index(["method", "condition", "respondent_id"])
    row = predictions.iloc[40]
    key = (row.method, row.condition, row.respondent_id)
    both = predictions[(predictions[["method", "condition", "respondent_id"]] == list(key)).all(axis=1)]
    assert len(both) == 2 and table.n_seeds[key] == 2
    columns = option_columns(predictions)
    found = table.loc[key, columns].to_numpy(dtype=float)
    np.testing.assert_allclose(found, both[columns].mean())
    assert table.most_probable[key] == columns[found.argmax()].removeprefix("p_")


def test_csv_and_parquet_hold_the_same_and_the_readme_explains_every_column(imputed):
    outputs = imputed[1]
    table, text = read_table(outputs["parquet"], IMPUTED), outputs["readme"].read_text(encoding="utf-8")
    written = pd.read_csv(outputs["csv"])
    assert list(written.columns) == list(table.columns)
    np.testing.assert_allclose(written.p_Dole, table.p_Dole)
    for column in table.columns:
        assert f"`{column}`" in text or column.startswith("p_"), column
    assert "simulated" in text and "without the items party_id" in text and "Rubin" in text
    assert "6 of whom gave no valid answer" in text
