import json
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest
import yaml

from scripts.read_survey import read_survey
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.vocabulary.row_rules import RowRule
from stimmung.vocabulary.votes_schemas import RESPONDENTS

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"


def read(folder, file, codebook, **changes):
    chosen = {"language": "en", "where": {}, "where_not": {}, "weight": None, "simulated": False, **changes}
    outputs = {"respondents": folder / "respondents.parquet", "provenance": folder / "provenance.json"}
    read_survey(file=str(file), codebook=Path(codebook), **outputs, **chosen)
    return read_table(outputs["respondents"], RESPONDENTS), json.loads(outputs["provenance"].read_text())


def small_codebook(folder):
    content = {
        "title": "Umfrage",
        "source": "made up",
        "simulated": True,
        "languages": ["de"],
        "instruction": "Eine von: {options}",
        "question": "Wahl:",
        "target": "vote",
        "items": {
            "party": {
                "column": "Parteiidentifikation (Version A)",
                "wording": "Partei",
                "options": [{"code": 1, "label": "CDU"}, {"code": 4, "label": "Grüne"}],
                "missing": [{"code": -99, "reason": "refused", "label": "keine Angabe"}],
            },
            "vote": {
                "column": "wahl",
                "wording": "Wahl",
                "options": [{"code": 0, "label": "nein"}, {"code": 1, "label": "ja"}],
            },
        },
    }
    path = folder / "codebook.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return path


def small_survey(path):
    frame = pd.DataFrame({"pid": [1.0, 4, -99, 1], "wahl": [0.0, 1, 1, 0], "gewicht": [0.5, 1, 1.5, 0]})
    labels = {"pid": "Parteiidentifikation (Version A)"}
    if path.suffix == ".dta":
        pyreadstat.write_dta(frame, str(path), column_labels=labels)
    else:
        pyreadstat.write_sav(frame, str(path), column_labels=labels, missing_ranges={"pid": [-99]})
    return path


def test_the_demo_survey_is_944_voters_in_the_words_of_the_questionnaire(tmp_path):
    respondents, provenance = read(tmp_path, "statsmodels:anes96", ROOT / "codebooks/anes1996.yaml")
    assert respondents.vote.value_counts().to_dict() == {"Clinton": 551, "Dole": 393}
    assert not respondents.drop(columns=["respondent_id"]).isna().any(axis=None)
    ordinal = [name for name in respondents if getattr(respondents[name].dtype, "ordered", False)]
    assert ordinal == [
        "education",
        "income",
        "left_right_dole",
        "left_right_clinton",
        "left_right_self",
        "party_id",
    ]
    # Codes the wrong way round would show here.
    dole = respondents.vote.eq("Dole").groupby(respondents.party_id, observed=True).mean()
    assert dole["strong Democrat"] < 0.05
    assert dole["strong Republican"] > 0.95
    assert respondents.left_right_clinton.cat.codes.mean() < respondents.left_right_dole.cat.codes.mean()
    assert provenance["n_rows_read"] == provenance["n_rows_kept"] == 944
    assert provenance["package"].startswith("statsmodels ")
    assert provenance["missing"] == {}


@pytest.mark.parametrize("suffix", [".sav", ".dta"])
def test_a_labelled_file_is_read_with_weights_and_reasons(tmp_path, suffix):
    respondents, provenance = read(
        tmp_path,
        small_survey(tmp_path / f"umfrage{suffix}"),
        small_codebook(tmp_path),
        language="de",
        where={"gewicht": [0.5, 1, 1.5]},
        weight="gewicht",
    )
    assert respondents.party.astype(object).where(respondents.party.notna(), None).tolist() == [
        "CDU",
        "Grüne",
        None,
    ]
    assert respondents["party.missing"].tolist()[2] == "refused"
    assert respondents.weight.tolist() == [0.5, 1, 1.5]
    assert provenance["missing"] == {"party": {"refused": 1}}
    assert (provenance["n_rows_read"], provenance["n_rows_kept"]) == (4, 3)
    assert provenance["simulated"] is True
    assert len(provenance["sha256"]) == 64


def test_two_runs_write_the_same_bytes(tmp_path):
    contents = []
    for run in ("first", "second"):
        read(tmp_path / run, "statsmodels:anes96", ROOT / "codebooks/anes1996.yaml")
        contents.append(
            [(tmp_path / run / name).read_bytes() for name in ("respondents.parquet", "provenance.json")]
        )
    assert contents[0] == contents[1]


def test_bad_input_leaves_nothing_behind(tmp_path):
    survey, codebook = small_survey(tmp_path / "umfrage.sav"), small_codebook(tmp_path)
    with pytest.raises(InputError, match="weight 'gewicht': zero, negative or missing in 1 of 4 rows"):
        read(tmp_path / "results", survey, codebook, language="de", weight="gewicht")
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("name", "rows", "counts"),
    [
        ("beps1997", 1525, {"Labour": 720, "Conservative": 462, "Liberal Democrat": 343}),
        ("chile1988", 2700, {"yes": 868, "no": 889, "undecided": 588, "abstain": 187}),
    ],
)
def test_a_real_csv_file_is_described_by_its_codebook_alone(tmp_path, name, rows, counts):
    file = SHARED / name / f"{name}.csv"
    if not file.exists():
        pytest.skip(f"{file} is absent; SOURCES.md says where it comes from")
    respondents, _ = read(tmp_path, file, ROOT / f"codebooks/{name}.yaml")
    assert len(respondents) == rows
    assert respondents.vote.value_counts().to_dict() == counts


def rows_of_votes(n_broken):
    rows = [f"{number},{number % 2},{number % 7 or ''}" for number in range(100 - n_broken)]
    return "\n".join(["id,vote,w", *rows, *["1,0"] * n_broken])


def test_what_is_lost_is_told_on_the_terminal_and_is_an_error_above_the_share_that_the_survey_names(
    tmp_path, capsys
):
    book = {
        "title": "t",
        "source": "s",
        "instruction": "One of: {options}",
        "question": "Vote:",
        "target": "vote",
        "items": {
            "vote": {
                "column": "vote",
                "wording": "Vote",
                "options": [{"code": 0, "label": "a"}, {"code": 1, "label": "b"}],
            }
        },
    }
    codebook, file = tmp_path / "book.yaml", tmp_path / "votes.csv"
    codebook.write_text(yaml.safe_dump(book))
    file.write_text(rows_of_votes(n_broken=3))
    with pytest.raises(InputError, match="3 of 100 rows") as refused:
        read(tmp_path, str(file), codebook)
    assert "`max_lost_share` allows a share of 0.01" in refused.value.hint
    assert not (tmp_path / "respondents.parquet").exists()
    rule = RowRule(above=0)
    table, provenance = read(
        tmp_path, str(file), codebook, max_lost_share=0.05, where={"w": rule}, weight="w"
    )
    assert len(table) == 83
    assert provenance["where"] == {"w": {"above": 0}}
    said = capsys.readouterr().err
    assert "3 of 100 rows" in said and "where w: 83 of 97 rows are left" in said
