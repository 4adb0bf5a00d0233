import sys

import pandas as pd
import pytest

from scripts.evaluate_votes import evaluate_votes
from stimmung.report.result import read_results
from stimmung.report.result_registry import LOOKS, VOTES, names
from stimmung.report.survey_results import votes_results
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.votes_schemas import (
    CALIBRATED,
    FIDELITY,
    METRICS,
    NO_FOLD,
    PREDICTIONS,
    SPLITS,
    option_columns,
)

pytestmark = pytest.mark.slow


def outputs(folder):
    return {name: folder / f"{name}.parquet" for name in names(VOTES, "data")}


def evaluate(votes_study, folder, **changes):
    elsewhere = {"calibrated": folder / "calibrated.parquet"}
    evaluate_votes(**{**votes_study.evaluate, **elsewhere, **changes}, results=list(outputs(folder).values()))


def test_all_tables_are_written_and_agree(votes_study):
    tables = read_results(votes_results(), list(votes_study.tables.values()))
    runs = {(path.parts[-4] + "/" + path.parts[-3], path.parts[-2]) for path in votes_study.predictions}
    for name in ("fold_metrics", "metrics", "shares", "reliability"):
        assert set(zip(tables[name]["method"], tables[name]["condition"], strict=True)) == runs, name
    accuracy = tables["fold_metrics"][tables["fold_metrics"]["metric"] == "accuracy"]
    means = tables["metrics"][tables["metrics"]["metric"] == "accuracy"]
    by_run = accuracy.groupby(["method", "condition"], sort=False)["value"].mean()
    assert means["value"].to_numpy() == pytest.approx(by_run.to_numpy())


def test_a_study_that_leaves_nobody_out_has_an_empty_table_of_what_that_changes(votes_study, tmp_path):
    full = [path for path in votes_study.predictions if path.parts[-2] == "full"]
    split = [path for path in votes_study.splits if path.stem == "full"]
    changed = {"predictions": full, "splits": split, "draws": [], "subgroups": {}}
    evaluate(votes_study, tmp_path, **changed, conditions={"full": {}})
    tables = read_results(votes_results(), list(outputs(tmp_path).values()))
    assert tables["left_out"].empty and tables["absent"].empty and not tables["metrics"].empty
    assert set(pd.read_parquet(votes_study.tables["left_out"])["condition"]) == {"no-democrats"}


def test_tables_hold_no_respondent(votes_study):
    for path in votes_study.tables.values():
        assert "respondent_id" not in pd.read_parquet(path).columns
        assert b"respondent-0" not in path.read_bytes()


def test_weights_can_count_in_every_metric(votes_study, tmp_path):
    full = [path for path in votes_study.predictions if path.parts[-2] == "full"][:1]
    split = [path for path in votes_study.splits if path.stem == "full"]
    evaluate(votes_study, tmp_path, predictions=full, splits=split, draws=[], subgroups={}, weighted=True)
    weighted = read_table(outputs(tmp_path)["metrics"], METRICS).set_index(["metric", "option"])["value"]
    plain = read_table(votes_study.tables["metrics"], METRICS)
    chosen = (plain["method"] == full[0].parts[-4] + "/" + full[0].parts[-3]) & (plain["condition"] == "full")
    plain = plain[chosen].set_index(["metric", "option"])["value"]
    assert weighted["log_loss"].item() != pytest.approx(plain["log_loss"].item(), abs=1e-6)
    assert weighted["predicted_share", "Dole"] == pytest.approx(plain["predicted_share", "Dole"])


def test_predictions_with_other_options_are_refused_and_nothing_is_written(votes_study, tmp_path):
    other = read_table(votes_study.predictions[0], PREDICTIONS).rename(columns={"p_Dole": "p_Perot"})
    write_table(other, tmp_path / "other.parquet", PREDICTIONS)
    paths = [votes_study.predictions[0], tmp_path / "other.parquet"]
    with pytest.raises(InputError, match=r"other\.parquet .* do not have the same answer options"):
        evaluate(votes_study, tmp_path, predictions=paths)
    assert not [path for path in outputs(tmp_path).values() if path.exists()]


def test_a_damaged_table_is_named(votes_study, tmp_path):
    damaged = tmp_path / "damaged.parquet"
    damaged.write_bytes(votes_study.predictions[0].read_bytes()[:-40])
    with pytest.raises(InputError, match=r"damaged\.parquet"):
        evaluate(votes_study, tmp_path, predictions=[damaged])


def test_fault_ap_a_tuned_arm_below_majority_is_told_on_the_terminal_and_the_tables_are_the_same(
    votes_study, tmp_path, capsys
):
    conditions = ("full", "share-10")
    few = {"splits": [path for path in votes_study.splits if path.stem in conditions], "subgroups": {}}
    few |= {
        "draws": [],
        "conditions": {name: votes_study.evaluate["conditions"][name] for name in conditions},
    }
    predictions = [
        path
        for path in votes_study.predictions
        if path.parts[-2] in conditions and path.parts[-3] in ("tuned", "majority")
    ]
    evaluate(votes_study, tmp_path / "as-it-is", **few, predictions=predictions)
    assert "WARNING: tiny/tuned" not in capsys.readouterr().err
    turned = []
    for path in predictions:
        table = read_table(path, PREDICTIONS)
        if path.parts[-4:-1] == ("tiny", "tuned", "full"):
            # Certain of what they did not choose.
            first, second = option_columns(table)
            wrong = (table["target"] != first.removeprefix("p_")).astype(float)
            table = table.assign(**{first: wrong, second: 1 - wrong})
        turned.append(tmp_path / "turned" / path.relative_to(votes_study.results))
        write_table(table, turned[-1], PREDICTIONS)
    evaluate(votes_study, tmp_path, **few, predictions=turned)
    told = capsys.readouterr().err.splitlines()
    assert [
        line
        for line in told
        if line.startswith("WARNING: tiny/tuned, condition full: accuracy 0.000 is below")
    ]
    assert len([line for line in told if line.startswith("WARNING")]) == 1
    assert "respondent-0" not in "".join(told)


def test_a_second_run_gives_the_same_bytes_without_what_says_how_figures_and_pages_look(
    votes_study, tmp_path, monkeypatch
):
    """An edit of these files computes nothing anew (LOOKS), so they may not matter to a number."""
    assert {"style.py", "page.py"} <= set(LOOKS)
    for module in [name for name in sys.modules if name.startswith("stimmung.report")]:
        for name, thing in vars(sys.modules[module]).copy().items():
            if getattr(thing, "__module__", None) in ("stimmung.report.style", "stimmung.report.page"):
                monkeypatch.setattr(sys.modules[module], name, lambda *_, **__: pytest.fail("was used"))
    evaluate(votes_study, tmp_path)
    for name, path in outputs(tmp_path).items():
        assert path.read_bytes() == votes_study.tables[name].read_bytes(), name


def test_every_prediction_is_calibrated_also_of_who_did_not_answer(votes_study, tmp_path):
    chosen = [path for path in votes_study.predictions if path.parts[-4:-1] == ("tiny", "tuned", "full")]
    split = [path for path in votes_study.splits if path.stem == "full"]
    table, splits = read_table(chosen[0], PREDICTIONS), read_table(split[0], SPLITS)
    absent = table["respondent_id"] < "respondent-0020"
    table.loc[absent, "fold"], splits.loc[absent, ["fold", "in_training"]] = NO_FOLD, [NO_FOLD, False]
    table["target"] = table["target"].where(~absent)
    write_table(table, tmp_path / "predictions.parquet", PREDICTIONS)
    write_table(splits, tmp_path / "splits.parquet", SPLITS)
    changed = {"predictions": [tmp_path / "predictions.parquet"], "splits": [tmp_path / "splits.parquet"]}
    changed |= {"draws": []}
    evaluate(votes_study, tmp_path, **changed, conditions={"full": {}}, subgroups={})
    calibrated = read_table(tmp_path / "calibrated.parquet", CALIBRATED)
    assert calibrated["respondent_id"].tolist() == table["respondent_id"].tolist()
    assert calibrated["calibrated_on"][absent].unique().tolist() == ["140 respondents of folds 0, 1, 2, 3, 4"]
    assert read_table(outputs(tmp_path)["fidelity"], FIDELITY)["n_respondents"].unique().tolist() == [140]
