import re
import shutil
import subprocess
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from scripts.stack_answers import stack_answers
from stimmung.evaluation.estimates.multiple_imputation import impute_draws
from stimmung.evaluation.estimates.stacked_files import stata_names
from stimmung.vocabulary.parquet_tables import write_table
from stimmung.vocabulary.votes_schemas import DRAWS, RESPONDENTS
from tests.stacked_votes import OPTIONS, make_respondents, predict

HIDDEN = np.arange(90) % 3 == 0


@pytest.fixture(scope="module")
def stacked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stacked")
    people = make_respondents(90, seed=8).rename(columns={"sex": "sex at birth"})
    people["age"] = people.age.mask(people.index == 4)
    plain = people.rename(columns={"sex at birth": "sex"}).assign(age=people.age.fillna(50.0))
    drawn = impute_draws(plain, ~HIDDEN, predict, target="vote", options=OPTIONS, m=3)
    write_table(people, folder / "respondents.parquet", RESPONDENTS)
    about = {"method": "baselines/logistic", "condition": "share-67", "uncertainty": "bootstrap"}
    write_table(drawn.assign(**about), folder / "draws.parquet", DRAWS)
    stack_answers(
        respondents=folder / "respondents.parquet",
        draws=folder / "draws.parquet",
        csv=folder / "stacked.csv",
        dta=folder / "stacked.dta",
        readme=folder / "README.md",
        method=about["method"],
        condition=about["condition"],
        changes={"share": 0.67},
        title="A survey",
        target="vote",
        simulated=True,
    )
    return SimpleNamespace(folder=folder, drawn=drawn, people=people)


def test_csv_and_stata_hold_the_data_with_its_gaps_and_each_completed_copy(stacked):
    csv = pd.read_csv(stacked.folder / "stacked.csv", dtype={"respondent_id": str}, na_values="")
    assert list(csv.columns) == [".imp", "respondent_id", "age", "sex at birth", "vote", "weight"]
    assert csv.respondent_id[0] == "000000" and len(csv) == 4 * 90
    assert csv.vote.isna().equals((csv[".imp"] == 0) & np.tile(HIDDEN, 4))
    stata = pd.read_stata(stacked.folder / "stacked.dta")
    assert list(stata.columns) == ["imp", "respondent_id", "age", "sex_at_birth", "vote", "weight"]
    assert (
        stata.vote.astype(object)
        .where(stata.vote.notna(), None)
        .equals(csv.vote.astype(object).where(csv.vote.notna(), None))
    )
    assert stata.age.isna().sum() == 4, "only the target is imputed"


def test_in_stata_the_target_is_a_number_with_labels_as_mi_import_needs_it(stacked):
    codes = pd.read_stata(stacked.folder / "stacked.dta", convert_categoricals=False)
    assert codes.vote.dropna().isin([0, 1, 2]).all() and codes.vote.isna().sum() == HIDDEN.sum()


def test_the_readme_says_how_it_was_imputed_and_has_the_commands(stacked):
    text = (stacked.folder / "README.md").read_text(encoding="utf-8")
    for said in ("is proper", "30 respondents `vote` was drawn by `baselines/logistic`", "67 %", "simulated"):
        assert said in text, said
    for command in ("as.mids", "imputationList", "mi import flong, m(imp) id(respondent_id) imputed(vote)"):
        assert command in text
    assert "`sex at birth` is `sex_at_birth`" in text


def test_r_reads_the_data_by_the_readme_s_own_commands(stacked):
    if shutil.which("Rscript") is None:
        pytest.skip("R is not installed")
    text = (stacked.folder / "README.md").read_text(encoding="utf-8")
    commands = "\n".join(re.findall(r"^    (.*)", text.split("## Stata")[0], re.M)).replace("~ ...", "~ age")
    lines = "cat('imputations', imputed$m, sum(is.na(imputed$data$vote)), '\\n')"
    needed = "for (name in c('mice', 'mitools', 'survey', 'nnet')) if (!requireNamespace(name, quietly = TRUE)) quit(status = 77)"
    script = f"{needed}\n{commands}\n{lines}"
    done = subprocess.run(["Rscript", "-e", script], cwd=stacked.folder, capture_output=True, text=True)
    if done.returncode == 77:
        pytest.skip("R lacks mice, mitools, survey or nnet")
    assert done.returncode == 0, done.stderr
    assert f"imputations 3 {HIDDEN.sum()}" in done.stdout and "voteSPD" in done.stdout


def test_names_that_stata_refuses_are_changed_and_stay_apart():
    long = "a very long name of an item that goes on"
    names = stata_names([".imp", "1st", "Größe", "x y", "x-y", "X_y", long, f"{long}!", "如何", "class"])
    assert (
        names[".imp"] == "imp"
        and names["1st"] == "v1st"
        and names["如何"] == "item"
        and names["class"] == "vclass"
    )
    assert len({one.casefold() for one in names.values()}) == 10
    assert all(re.fullmatch(r"[A-Za-z]\w{0,31}", one, re.ASCII) for one in names.values())
