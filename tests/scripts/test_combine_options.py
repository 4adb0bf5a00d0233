"""A select-all target is scored as several labels, each of which is also its own target."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, log_loss

from scripts.combine_options import combine_options
from stimmung.evaluation.votes.fold_metrics import measure_folds
from stimmung.evaluation.votes.fold_summary import summarize_folds
from stimmung.evaluation.votes.option_metrics import measure_options
from stimmung.evaluation.votes.tested_rows import answered
from stimmung.report.options_table import options_table
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.votes_schemas import FOLD_METRICS, METRICS, PREDICTIONS, SELECTED, SPLITS

OPTIONS = {"media.tv": "television", "media.web": "the internet", "media.none-chosen": "a letter"}
N = 120
RNG = np.random.default_rng(3)
CHOSEN = np.column_stack([RNG.random(N) < share for share in (0.7, 0.3, 0.05)])
PROBABILITY = np.clip(0.2 + 0.6 * CHOSEN + RNG.normal(scale=0.2, size=CHOSEN.shape), 0.01, 0.99)
WEIGHTS = RNG.lognormal(sigma=0.4, size=N)


def predictions(place, method, probability, folds):
    return pd.DataFrame(
        {
            "respondent_id": [f"r{row}" for row in range(N)],
            "method": method,
            "condition": "full",
            "seed": 24,
            "fold": folds.astype("int8"),
            "target": np.where(folds < 0, None, np.where(CHOSEN[:, place], "yes", "no")),
            "weight": WEIGHTS,
            "p_no": 1 - probability,
            "p_yes": probability,
            "option_mass": 1.0,
            "normalization": "none",
            "n_unseen": 0,
        }
    )


@pytest.fixture(params=[False])
def combined(tmp_path, request):
    said, measured, splits = [], [], []
    for place, item in enumerate(OPTIONS):
        # One who did not answer the first option answered the others.
        folds = np.where((np.arange(N) == 7) & (place == 0), -1, np.arange(N) % 3)
        shares = np.full(N, CHOSEN[:, place].mean())
        for method, probability in (("tiny/tuned", PROBABILITY[:, place]), ("baselines/majority", shares)):
            path = tmp_path / f"{item}-{len(said)}.parquet"
            write_table(predictions(place, method, probability, folds), path, PREDICTIONS)
            said.append(path)
        split = pd.DataFrame({"respondent_id": [f"r{row}" for row in range(N)], "condition": "full"})
        split["fold"] = folds.astype("int8")
        splits.append(tmp_path / f"{item}-splits.parquet")
        # A condition that leaves some out tests these alone.
        left_out = {"tested": np.arange(N) % 2 == 0} if request.param else {}
        write_table(split.assign(in_training=folds >= 0, **left_out), splits[-1], SPLITS)
        of_option = pd.concat([read_table(path, PREDICTIONS) for path in said[-2:]])
        split = read_table(splits[-1], SPLITS)
        measured.append(tmp_path / f"{item}.parquet")
        write_table(measure_folds(answered(of_option, split), split), measured[-1], FOLD_METRICS)
    files = {
        "results": "all.parquet",
        "measures": "metrics.parquet",
        "csv": "metrics.csv",
        "latex": "metrics.tex",
    }
    files = {name: tmp_path / file for name, file in files.items()}
    more = {
        "item": "media",
        "options": OPTIONS,
        "sizes": [2, 2, 2],
        "n_splits": [1, 1, 1],
        "chosen": "yes",
        "weighted": False,
        "simulated": True,
    }
    combine_options(predictions=said, splits=splits, folds=measured, **files, **more)
    return {**files, "folds": measured}


def test_labels_are_measured_together_and_one_by_one_as_scikit_learn_does(combined):
    table = read_table(combined["results"], SELECTED)
    assert len(table) == 2 * 3 * N and table.chosen.isna().sum() == 2
    measured = read_table(combined["measures"], METRICS)
    tuned = (
        measured[measured.method == "tiny/tuned"]
        .fillna({"option": ""})
        .set_index(["metric", "option"])["value"]
    )
    whole = np.arange(N) != 7
    folds = [whole & (np.arange(N) % 3 == fold) for fold in range(3)]
    hits = PROBABILITY > 0.5
    for average in ("macro", "micro"):
        expected = np.mean(
            [f1_score(CHOSEN[one], hits[one], average=average, zero_division=np.nan) for one in folds]
        )
        assert tuned[f"{average}_f1", ""] == pytest.approx(expected, abs=0.01), (
            "but for the one without an answer to one option"
        )
    losses = [
        log_loss(CHOSEN[one, 1], PROBABILITY[one, 1])
        for one in (np.arange(N) % 3 == fold for fold in range(3))
    ]
    assert tuned["log_loss", "the internet"] == pytest.approx(np.mean(losses))
    shares = [
        np.average(PROBABILITY[np.arange(N) % 3 == fold, 1], weights=WEIGHTS[np.arange(N) % 3 == fold])
        for fold in range(3)
    ]
    assert tuned["predicted_share", "the internet"] == pytest.approx(np.mean(shares))
    # What knows only shares never chooses the rare options, and always the frequent one.
    majority = (
        measured[measured.method == "baselines/majority"]
        .fillna({"option": ""})
        .set_index(["metric", "option"])["value"]
    )
    assert (
        majority["f1", "the internet"] == 0 < majority["f1", "television"]
        and majority["micro_f1", ""] < tuned["micro_f1", ""]
    )
    assert majority["brier", "the internet"] > tuned["brier", "the internet"]


def test_each_option_has_the_intervals_of_its_own_target(combined):
    """Folds do not show what the shares of the training rows add: alone they held the share of `majority` in .66 of samples."""
    together = read_table(combined["measures"], METRICS).set_index(["metric", "option", "method"])
    for words, path in zip(OPTIONS.values(), combined["folds"], strict=True):
        own = summarize_folds(read_table(path, FOLD_METRICS)).set_index(["metric", "option", "method"])
        for method in ("tiny/tuned", "baselines/majority"):
            for metric in ("f1", "predicted_share", "share_error"):
                columns = ["value", "ci_low", "ci_high", "n_respondents", "n_training"]
                expected = own.loc[(metric, "yes", method), columns].to_list()
                assert together.loc[(metric, words, method), columns].to_list() == expected
    share = together.loc[("predicted_share", "the internet", "baselines/majority")]
    assert share["ci_high"] - share["ci_low"] > 2 * 1.96 * np.sqrt(0.3 * 0.7 / N) * 0.9


@pytest.mark.parametrize("combined", [True], indirect=True)
def test_of_a_condition_that_leaves_respondents_out_these_alone_are_measured(combined):
    assert len(read_table(combined["results"], SELECTED)) == 2 * 3 * N
    measured = read_table(combined["measures"], METRICS).fillna({"option": ""})
    losses = [
        log_loss(CHOSEN[one, 1], PROBABILITY[one, 1])
        for one in ((np.arange(N) % 3 == fold) & (np.arange(N) % 2 == 0) for fold in range(3))
    ]
    of_option = measured[(measured.option == "the internet") & (measured.metric == "log_loss")]
    assert of_option[of_option.method == "tiny/tuned"]["value"].item() == pytest.approx(np.mean(losses))


def test_the_tables_have_a_row_for_each_method_and_the_share_of_each_option(combined):
    latex = combined["latex"].read_text()
    assert "Simulated data." in latex and "Micro F1" in latex and "the internet" in latex
    assert set(pd.read_csv(combined["csv"])["data"]) == {"simulated"}


def measured(selected):
    """Return the metrics of a SELECTED table whose probabilities are those of everybody's own option."""
    answers = selected.assign(target=np.where(selected["chosen"], "yes", "no"), option_mass=1.0)
    answers = answers.assign(p_no=1 - selected["probability"], p_yes=selected["probability"])
    folds = {}
    for option, own in answers.groupby("option", sort=False):
        splits = own.drop_duplicates(["respondent_id", "condition"]).assign(in_training=True)
        folds[option] = measure_folds(own, splits, whole=False)
    return measure_options(selected, folds, "yes")


def test_the_observed_share_is_that_of_whom_a_condition_tests():
    """Of two conditions the second leaves respondents out, and tests these alone, of whom all chose the option."""
    folds, chose = np.arange(40) % 2, np.arange(40) < 20
    rows = pd.DataFrame(
        {"respondent_id": np.arange(40).astype(str), "method": "tiny/tuned", "seed": 1, "fold": folds}
    ).assign(weight=1.0, option="television", chosen=chose, probability=0.25)
    selected = pd.concat([rows.assign(condition="full"), rows[chose].assign(condition="gap")])
    table = options_table("media", measured(selected))
    said = {group.heading: {row[0].text: row[-1].text for row in group.rows} for group in table.groups}
    assert said == {
        "full": {"observed": "0.500", "tiny/tuned": "0.250"},
        "gap": {"observed": "1.000", "tiny/tuned": "0.250"},
    }


def test_who_predicts_some_options_only_is_not_compared_over_all():
    """Macro F1 of the one option that a file has would stand beside that of two."""
    rows = pd.DataFrame(
        {"respondent_id": list("abcd") * 3, "fold": [0, 0, 1, 1] * 3, "option": ["tv"] * 8 + ["web"] * 4}
    ).assign(method=["files/gpt"] * 4 + ["tiny/tuned"] * 8, condition="full", seed=1, weight=1.0)
    found = measured(rows.assign(chosen=[True, False] * 6, probability=0.7))
    together = found[found["option"].isna()]
    assert set(together["method"]) == {"tiny/tuned"} and "macro_f1" in set(together["metric"])
    of_file = found[(found["method"] == "files/gpt") & (found["metric"] == "f1")]
    assert list(of_file["option"]) == ["tv"]
    assert [len(group.rows) for group in options_table("media", found).groups] == [3]
