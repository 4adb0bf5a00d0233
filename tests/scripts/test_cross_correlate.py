import numpy as np
import pandas as pd
import pytest

from scripts.cross_correlate import cross_correlate
from scripts.plot_moods import plot_moods
from stimmung.report.panel_results import moods_results
from stimmung.report.result import read_results
from stimmung.report.result_registry import MOODS, names
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.moods_schemas import AFFECT, CCF, RECOVERY, SIGNALS, TRACKER, WORDING_MASS, WORDINGS
from stimmung.vocabulary.parquet_tables import empty_table, read_table, write_table
from tests.synthetic_moods import OPTIONS, make_moods

TABLES = names(MOODS, "data")


def run(moods_study, folder, **changes):
    outputs = [folder / f"{name}.parquet" for name in TABLES]
    cross_correlate(**{**moods_study.correlate, **changes}, results=outputs)
    return read_results(moods_results(), outputs)


def changed(moods_study, name, folder, change, schema):
    path = folder / f"changed-{name}.parquet"
    write_table(change(pd.read_parquet(moods_study.inputs[name])), path, schema)
    return path


def test_model_and_counts_stand_side_by_side_at_every_lag(moods_study):
    ccf = read_table(moods_study.tables["ccf"], CCF)
    assert set(ccf["model"]) == {"tiny/weekly", "baselines/words"}
    assert len(ccf) == 2 * len(OPTIONS) * 5
    assert (ccf["note"] == "").all()
    zero = ccf[(ccf["lag_weeks"] == 0) & (ccf["model"] == "tiny/weekly")]
    assert (zero["r_raw"] > 0.9).all() and (zero["p_prewhitened"] < 0.01).all()


def test_options_stand_in_the_order_of_the_questionnaire(moods_study):
    assert list(OPTIONS) != sorted(OPTIONS)
    for name in ("ccf", "confirmations", "recovery"):
        table = pd.read_parquet(moods_study.tables[name])
        assert list(table["option"].dropna().unique()) == list(OPTIONS)
    assert pd.isna(table["option"].iloc[0]), "the mean over options"
    rows = moods_study.for_readers["recovery.tex"].read_text()
    assert rows.index("Happy") < rows.index("Sad") < rows.index("Bored")


def test_the_known_mood_is_recovered_with_an_interval(moods_study):
    recovery = read_table(moods_study.tables["recovery"], RECOVERY)
    mean = recovery[recovery["option"].isna() & (recovery["model"] == "tiny/weekly")].iloc[0]
    assert mean["n"] == 19  # of 20 weeks one is missing
    assert 0.95 < mean["r"] <= 1
    # Weeks that follow each other tell less than so many independent ones, whose interval is Fisher's.
    independent = np.tanh(np.arctanh(mean["r"]) - 1.96 / np.sqrt(19 - 3))
    assert 0.8 < mean["ci_low"] <= independent


def test_the_same_run_is_the_same_bytes(moods_study, tmp_path):
    run(moods_study, tmp_path)
    for name in TABLES:
        assert (tmp_path / f"{name}.parquet").read_bytes() == moods_study.tables[name].read_bytes()


def test_a_panel_without_survey_and_known_mood_has_empty_tables(moods_study, tmp_path):
    made = run(moods_study, tmp_path, tracker=[], truth=[])
    assert {name for name, table in made.items() if len(table)} == {"series_weeks", "wording_mass"}
    assert made["wording_mass"]["r"].isna().all()


def test_shares_of_mixed_posts_are_to_be_recovered_and_no_survey(moods_study, tmp_path):
    """As in a mix of joyful and sad posts: the survey has two of the options that are asked."""
    two = changed(moods_study, "tracker", tmp_path, lambda table: table[table["option"] != "Bored"], TRACKER)
    made = run(moods_study, tmp_path, tracker=[two], truth=[], tracker_is_truth=True)
    recovery = made["recovery"]
    assert list(recovery["option"].dropna()) == 2 * ["Happy", "Sad"]
    worst = recovery.set_index("model")["rho_worst_seed"]
    assert worst["tiny/weekly"].notna().all() and worst["baselines/words"].isna().all()
    assert made["ccf"].empty and made["confirmations"].empty, "mixes do not follow each other in time"


def test_too_few_weeks_to_split_are_still_correlated(moods_study, tmp_path):
    weeks = moods_study.made["weeks"][:9]
    short = changed(moods_study, "words", tmp_path, lambda table: table[table["week"].isin(weeks)], SIGNALS)
    made = run(moods_study, tmp_path, words=[short])
    assert "baselines/words" in set(made["ccf"]["model"])
    assert set(made["confirmations"]["model"]) == {"tiny/weekly"}


def test_a_constant_count_has_a_note_and_the_others_their_numbers(moods_study, tmp_path):
    def freeze(table):
        return table.assign(value=table["value"].mask(table["option"] == "Bored", 0.0))

    frozen = changed(moods_study, "words", tmp_path, freeze, SIGNALS)
    ccf = run(moods_study, tmp_path, words=[frozen])["ccf"]
    noted = ccf[ccf["note"] != ""]
    assert set(noted["note"]) == {"constant series"}
    assert set(zip(noted["model"], noted["option"], strict=True)) == {("baselines/words", "Bored")}
    assert noted["r"].isna().all() and ccf.loc[ccf["note"] == "", "p_family"].notna().all()


def earlier(table):
    return table.assign(
        week=(pd.to_datetime(table["week"]) - pd.Timedelta(weeks=200)).dt.strftime("%Y-%m-%d")
    )


def a_day_later(table):
    return table.assign(week=(pd.to_datetime(table["week"]) + pd.Timedelta(days=1)).dt.strftime("%Y-%m-%d"))


@pytest.mark.parametrize(
    "change, message",
    [
        (a_day_later, "start on different days"),
        (lambda table: table[table["option"] != "Sad"], "has no option 'Sad'"),
    ],
    ids=["other-weekday", "option-missing"],
)
def test_a_survey_that_does_not_fit_is_refused_and_nothing_is_written(moods_study, tmp_path, change, message):
    tracker = changed(moods_study, "tracker", tmp_path, change, TRACKER)
    with pytest.raises(InputError, match=message):
        run(moods_study, tmp_path, tracker=[tracker])
    assert [path.name for path in tmp_path.iterdir()] == [tracker.name]


def test_fault_nn_a_survey_of_other_weeks_leaves_rows_with_notes(moods_study, tmp_path):
    made = run(moods_study, tmp_path, tracker=[changed(moods_study, "tracker", tmp_path, earlier, TRACKER)])
    assert set(made["ccf"]["note"]) == {"no week in common with the survey"}
    assert made["confirmations"].empty and len(made["recovery"]) == 8


def test_fault_nn_two_weeks_and_a_tracker_come_to_an_end(moods_study, tmp_path):
    """It once ended with an error after all training, and wrote nothing."""
    weeks = moods_study.made["weeks"][:2]
    short = {
        name: changed(moods_study, name, tmp_path, lambda table: table[table["week"].isin(weeks)], schema)
        for name, schema in (("words", SIGNALS), ("tracker", TRACKER), ("truth", SIGNALS))
    }
    tables = {}
    for name, schema in (("affect", AFFECT), ("wordings", WORDINGS)):
        table = pd.read_parquet(moods_study.tables[name])
        tables[name] = tmp_path / f"short-{name}.parquet"
        write_table(table[table["week"].isin([*weeks, ""])], tables[name], schema)
    made = run(moods_study, tmp_path, **{name: [path] for name, path in short.items()}, **tables)
    assert set(made["ccf"]["note"]) == {"fewer than 5 weeks"} and set(made["ccf"]["n_raw"]) == {0, 1, 2}
    assert made["recovery"]["r"].isna().all() and (made["recovery"]["n"] == 2).all()
    results = [tables["affect"].rename(tmp_path / "affect.parquet"), tmp_path / "ccf.parquet"]
    results += [tmp_path / f"{name}.parquet" for name in ("recovery", "periods")]
    figures = [tmp_path / f"{name}.svg" for name in ("series", "lags", "raw")]
    about = {"tracker": [short["tracker"]], "weeks": weeks, "results": results, "constructed": None}
    plot_moods(**{**moods_study.draw, **about}, figures=figures)
    assert "fewer than 5 weeks" in figures[0].read_text()


def test_fault_mm_series_side_by_side_are_of_the_same_weeks(moods_study, tmp_path, capsys):
    """The language model skipped a week that the counts have."""
    made = run(moods_study, tmp_path)
    assert set(made["ccf"].query("lag_weeks == 0")["n_raw"]) == {19} == set(made["recovery"]["n"])
    weeks = made["series_weeks"].set_index("model")
    assert weeks["n_own"].to_dict() == {"tiny/weekly": 19, "baselines/words": 20}
    assert (weeks["n_compared"] == 19).all()
    assert "compared over the 19 weeks that all of them have" in capsys.readouterr().err
    gap = changed(moods_study, "words", tmp_path, lambda table: table[table["week"] != "2020-01-02"], SIGNALS)
    with_gap = run(moods_study, tmp_path, words=[gap])["ccf"]
    pd.testing.assert_frame_equal(with_gap, made["ccf"], check_exact=True)


def test_fault_mm_a_short_series_takes_no_weeks_from_the_others(moods_study, tmp_path):
    weeks = moods_study.made["weeks"][:7]
    short = changed(moods_study, "words", tmp_path, lambda table: table[table["week"].isin(weeks)], SIGNALS)
    ccf = run(moods_study, tmp_path, words=[short])["ccf"].query("lag_weeks == 0")
    assert ccf.groupby("model")["n_raw"].unique().str[0].to_dict() == {
        "tiny/weekly": 19,
        "baselines/words": 7,
    }


def test_a_period_is_correlated_on_its_own_weeks_of_both_sides(moods_study, tmp_path):
    weeks = moods_study.made["weeks"]
    made = run(moods_study, tmp_path, periods={"late": weeks[10:], "short": weeks[:3]})
    periods = made["periods"]
    assert list(periods["period"].unique()) == ["late", "short"]
    assert set(periods.query("period == 'short'")["note"]) == {"fewer than 5 weeks"}
    late = periods.query("period == 'late' and lag_weeks == 0")
    assert set(late["n_raw"]) == {10} and set(
        periods.query("period == 'late' and lag_weeks == 2")["n_raw"]
    ) == {8}
    cut = {
        name: changed(
            moods_study, name, tmp_path, lambda table: table[table["week"].isin(weeks[10:])], schema
        )
        for name, schema in (("words", SIGNALS), ("tracker", TRACKER))
    }
    affect = pd.read_parquet(moods_study.tables["affect"])
    write_table(affect[affect["week"].isin(weeks[10:])], tmp_path / "cut.parquet", AFFECT)
    alone = run(
        moods_study,
        tmp_path,
        affect=tmp_path / "cut.parquet",
        words=[cut["words"]],
        tracker=[cut["tracker"]],
        periods={},
    )
    assert alone["periods"].empty
    same = periods.query("period == 'late'").drop(columns="period").reset_index(drop=True)
    pd.testing.assert_frame_equal(same, alone["ccf"])


def test_fault_ll_mass_and_correlation_of_each_wording_stand_in_a_table(moods_study):
    mass = read_table(moods_study.tables["wording_mass"], WORDING_MASS)
    assert list(mass["option"].unique()) == list(OPTIONS) and set(mass["variant"]) == {"upper", "lower"}
    assert (mass["r"] > 0.9).all() and (mass["n"] == 19).all() and (mass["mass"] == 1).all()
    rows = moods_study.for_readers["wording_mass.tex"].read_text()
    assert "3 of 3, n 19" in rows


def test_fault_oo_signals_and_a_survey_alone_are_correlated(moods_study, tmp_path):
    for name, schema in (("affect", AFFECT), ("wordings", WORDINGS)):
        write_table(empty_table(schema), tmp_path / f"none-{name}.parquet", schema)
    made = run(
        moods_study,
        tmp_path,
        affect=tmp_path / "none-affect.parquet",
        wordings=tmp_path / "none-wordings.parquet",
        words=[],
        signals=[moods_study.inputs["words"]],
        truth=[],
    )
    assert set(made["ccf"]["model"]) == {"signals/words"} and made["wording_mass"].empty
    assert (made["ccf"].query("lag_weeks == 0")["r_raw"] > 0.9).all()


def test_a_question_without_survey_is_left_out_not_guessed(moods_study, tmp_path):
    tracker = changed(moods_study, "tracker", tmp_path, lambda table: table.assign(question="other"), TRACKER)
    assert run(moods_study, tmp_path, tracker=[tracker])["ccf"].empty


def test_independent_series_are_not_found():
    """What the panel is not about must not be significant: the survey of another simulation."""
    from stimmung.evaluation.series.affect import aggregate_answers
    from stimmung.evaluation.series.cross_correlation import cross_correlate_series
    from stimmung.evaluation.series.weekly_series import affect_series

    posts = affect_series(aggregate_answers(make_moods(n_weeks=24, seed=1)["answers"]))
    survey = make_moods(n_weeks=24, seed=2)["tracker"]
    ccf = cross_correlate_series(posts, survey, max_lag_weeks=2, n_simulations=199, seed=0)
    assert ccf["p_family"].min() > 0.05
