import hashlib

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.datasets import anes96

from stimmung.data.surveys.survey_codes import code_key, find_columns
from stimmung.data.surveys.survey_files import fingerprint, read_survey_file
from stimmung.vocabulary.errors import InputError

VOTES = pd.DataFrame(
    {"v1": [1.0, 2.0, -99.0, None], "v2": ["CDU", "Grüne", "", "SPD"], "v3": [1.0, 2.0, -98.0, 99.0]}
)


def write_sav(path, **changes):
    described = {
        "column_labels": {"v1": "Wahlentscheidung: Zweitstimme", "v2": "Größe", "v3": "Alter"},
        "variable_value_labels": {"v1": {1: "Grüne", 2: "CDU", -99: "keine Angabe"}},
        "missing_ranges": {"v1": [-99], "v3": [{"lo": -99, "hi": -90}, 99]},
    }
    pyreadstat.write_sav(VOTES, str(path), compress=path.suffix == ".zsav", **{**described, **changes})
    return str(path)


@pytest.mark.parametrize("suffix", [".sav", ".zsav"])
def test_spss_codes_stay_codes_and_user_missing_ones_are_kept(tmp_path, suffix):
    survey = read_survey_file(write_sav(tmp_path / f"votes{suffix}"))
    assert survey.codes.v1.tolist()[:3] == [1, 2, -99]
    assert survey.codes.v1.isna().tolist() == [False, False, False, True]
    assert survey.codes.v3.tolist() == [1, 2, -98, 99]
    assert survey.codes.v2.tolist() == ["CDU", "Grüne", "", "SPD"]
    assert survey.value_labels["v1"] == {1: "Grüne", 2: "CDU", -99: "keine Angabe"}
    assert survey.variable_labels["v2"] == "Größe"


def test_columns_are_found_by_name_or_variable_label_and_keep_the_name_they_were_asked_by(tmp_path):
    file = write_sav(tmp_path / "votes.sav")
    survey = read_survey_file(file, ["Wahlentscheidung: Zweitstimme", "v3"])
    assert survey.codes.columns.tolist() == ["Wahlentscheidung: Zweitstimme", "v3"]
    assert survey.codes["Wahlentscheidung: Zweitstimme"].tolist()[:3] == [1, 2, -99]
    assert survey.value_labels["Wahlentscheidung: Zweitstimme"][2] == "CDU"


def test_one_column_may_be_asked_for_by_name_and_by_label(tmp_path):
    survey = read_survey_file(write_sav(tmp_path / "votes.sav"), ["v3", "Alter"])
    assert survey.codes["v3"].equals(survey.codes["Alter"].rename("v3"))


def test_a_label_of_two_columns_is_refused_and_both_are_named(tmp_path):
    file = write_sav(tmp_path / "votes.sav", column_labels={"v1": "Wahl", "v2": "x", "v3": "Wahl"})
    with pytest.raises(InputError, match=r"2 columns have the variable label 'Wahl': v1, v3"):
        read_survey_file(file, ["Wahl"])


def test_a_name_is_preferred_to_a_label():
    assert find_columns(["age"], {"age": "Alter", "v7": "age"}, "file") == {"age": "age"}


def test_all_columns_that_are_absent_or_ambiguous_are_told_at_once():
    labels = {"v1": "Alter", "v2": "Wahl", "v3": "Wahl"}
    with pytest.raises(InputError) as refused:
        find_columns(["Alder", "Wahl", "v1", "Kreis"], labels, "file")
    assert "no column is named or labelled 'Alder' (did you mean 'Alter'?)" in refused.value.what
    assert "no column is named or labelled 'Kreis'" in refused.value.what
    assert "2 columns have the variable label 'Wahl': v2, v3" in refused.value.what


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".sav", ".dta"])
def test_an_absent_column_is_named_with_the_nearest_one(tmp_path, suffix):
    path = tmp_path / f"votes{suffix}"
    frame = pd.DataFrame({"income": [1.0, 2.0]})
    write = {
        ".csv": lambda: frame.to_csv(path, index=False),
        ".parquet": lambda: frame.to_parquet(path),
        ".sav": lambda: pyreadstat.write_sav(frame, str(path)),
        ".dta": lambda: pyreadstat.write_dta(frame, str(path)),
    }
    write[suffix]()
    with pytest.raises(
        InputError, match=r"no column is named or labelled 'incme' \(did you mean 'income'\?\)"
    ):
        read_survey_file(str(path), ["incme"])


def test_stata_extended_missing_codes_stay_apart(tmp_path):
    frame = pd.DataFrame({"vote": [1.0, 2.0, "a", "b"]})
    labels = {"vote": {1: "Grüne", 2: "CDU"}}
    path = tmp_path / "votes.dta"
    pyreadstat.write_dta(
        frame, str(path), variable_value_labels=labels, missing_user_values={"vote": ["a", "b"]}
    )
    survey = read_survey_file(str(path), ["vote"])
    assert survey.codes.vote.map(code_key).tolist() == ["1", "2", "a", "b"]
    assert survey.value_labels["vote"][1] == "Grüne"


def test_an_spss_file_whose_text_is_latin_1_is_read(tmp_path):
    path = tmp_path / "old.sav"
    write_sav(path)
    # One byte in place of two keeps the lengths that the file declares.
    path.write_bytes(path.read_bytes().replace("ü".encode(), b"\xfc ").replace("ö".encode(), b"\xf6 "))
    path.write_bytes(path.read_bytes().replace("ß".encode(), b"\xdf "))
    survey = read_survey_file(str(path))
    assert survey.codes.v2.tolist()[1] == "Grü ne"
    assert survey.value_labels["v1"][1] == "Grü ne"
    assert survey.codes.v1.tolist()[:3] == [1, 2, -99]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_csv_umlauts_are_read_in_either_encoding(tmp_path, encoding):
    path = tmp_path / "votes.csv"
    path.write_bytes("größe;wahl\n1;Grüne\n".encode(encoding))
    assert read_survey_file(str(path)).codes.to_dict("list") == {"größe": ["1"], "wahl": ["Grüne"]}


def test_csv_codes_are_read_as_they_stand(tmp_path):
    path = tmp_path / "votes.csv"
    path.write_text("id,religion,vote\n007,None,1\n7,NA,\n")
    codes = read_survey_file(str(path)).codes
    assert codes.id.tolist() == ["007", "7"]
    assert codes.religion.tolist()[0] == "None"
    assert codes.isna().to_numpy().tolist() == [[False, False, False], [False, True, True]]


def test_parquet_is_read_with_its_own_types(tmp_path):
    path = tmp_path / "votes.parquet"
    pd.DataFrame({"vote": [1, 2], "age": [30.5, None]}, index=[7, 9]).to_parquet(path)
    codes = read_survey_file(str(path), ["age", "vote"]).codes
    assert codes.columns.tolist() == ["age", "vote"]
    assert codes.index.tolist() == [0, 1]
    assert codes.vote.tolist() == [1, 2]


def test_bundled_data_is_that_of_statsmodels():
    codes = read_survey_file("statsmodels:anes96", ["PID", "vote"]).codes
    original = anes96.load_pandas().data
    assert len(codes) == 944
    assert codes.equals(original[["PID", "vote"]])


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("statsmodels:anes69", r"no data set 'anes69' \(did you mean 'anes96'\?\)"),
        ("absent.sav", "no survey file at absent.sav"),
        ("votes.xyz", "votes.xyz is not a survey file that can be read"),
    ],
)
def test_a_source_that_is_not_there_is_refused(source, said):
    with pytest.raises(InputError, match=said):
        read_survey_file(source)


@pytest.mark.parametrize(
    "name", ["v.sav", "v.zsav", "v.por", "v.dta", "v.sas7bdat", "v.xpt", "v.xlsx", "v.parquet"]
)
def test_a_damaged_file_is_refused(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"no such format" * 50)
    with pytest.raises(InputError, match=r"is not a readable \.\w+ file"):
        read_survey_file(str(path), ["vote"])


def test_a_cut_off_spss_file_is_refused(tmp_path):
    path = tmp_path / "votes.sav"
    pyreadstat.write_sav(pd.DataFrame({"vote": range(2000)}, dtype=float) / 7, str(path))
    path.write_bytes(path.read_bytes()[:-4000])
    with pytest.raises(InputError, match="is not a readable"):
        read_survey_file(str(path), ["vote"])


@pytest.mark.parametrize("content", ["", "\n", "vote,age\n1,2,3\n", "vote,age\n1\n", 'vote,age\n1,"2\n'])
def test_a_csv_file_without_columns_or_with_shifted_rows_is_refused(tmp_path, content):
    path = tmp_path / "votes.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=r"is not a readable \.csv file|a quote is opened"):
        read_survey_file(str(path), ["vote"])


@given(st.integers(-(10**9), 10**9))
@settings(max_examples=50, deadline=None)
def test_an_integer_code_is_the_same_in_every_file_format(code):
    assert (
        code_key(code) == code_key(float(code)) == code_key(str(code)) == code_key(f" {code}.0 ") == str(code)
    )


@given(st.floats(allow_nan=False, allow_infinity=False))
@settings(max_examples=50, deadline=None)
def test_a_number_keeps_its_value(code):
    assert float(code_key(code)) == code


def test_codes_that_differ_stay_apart():
    keys = [code_key(code) for code in ("01", 1, 1.5, -1, "a", "A", "1a")]
    assert len(set(keys)) == len(keys)
    assert [code_key(code) for code in (None, float("nan"), pd.NA, "", " ")] == [None] * 5


def test_a_fingerprint_is_the_digest_of_the_file(tmp_path):
    path = tmp_path / "votes.csv"
    path.write_bytes(b"vote\n1\n")
    expected = {"file": str(path), "sha256": hashlib.sha256(b"vote\n1\n").hexdigest(), "size_bytes": 7}
    assert fingerprint(str(path)) == expected
    assert fingerprint("statsmodels:anes96")["package"].startswith("statsmodels 0.")


IDS = ["12345678901234567", "12345678901234568", "98765432109876543210"]


def test_fault_n_long_identifiers_and_codes_keep_every_digit(tmp_path):
    assert [code_key(one) for one in IDS] == IDS
    assert code_key("12345678901234567.0") == code_key(12345678901234567) == IDS[0]
    pd.DataFrame({"id": IDS}).to_csv(tmp_path / "a.csv", index=False)
    pd.DataFrame({"id": pd.array([int(IDS[0]), int(IDS[1]), None], "Int64")}).to_parquet(
        tmp_path / "a.parquet"
    )
    assert read_survey_file(str(tmp_path / "a.csv")).codes["id"].map(code_key).tolist() == IDS
    assert (
        read_survey_file(str(tmp_path / "a.parquet")).codes["id"].map(code_key).dropna().tolist() == IDS[:2]
    )


def test_fault_r_an_identifier_that_is_the_index_of_a_parquet_file_is_found(tmp_path):
    pd.DataFrame({"vote": [1, 2]}, index=pd.Index([7, 9], name="id")).to_parquet(tmp_path / "a.parquet")
    assert read_survey_file(str(tmp_path / "a.parquet"), ["id"]).codes["id"].tolist() == [7, 9]


@pytest.mark.parametrize("suffix", [".dta", ".parquet"])
def test_fault_o_a_number_of_single_precision_is_its_shortest_decimal(tmp_path, suffix):
    frame = pd.DataFrame({"income": np.array([3.7, 0.1, np.nan], "float32")})
    path = tmp_path / f"a{suffix}"
    frame.to_stata(path, write_index=False) if suffix == ".dta" else frame.to_parquet(path)
    assert read_survey_file(str(path)).codes["income"].map(code_key).dropna().tolist() == ["3.7", "0.1"]


def test_fault_p2_a_csv_file_that_is_not_utf_8_is_in_windows_1252(tmp_path):
    (tmp_path / "a.csv").write_bytes("vote\nwon’t say\nGrüne\n".encode("cp1252"))
    assert read_survey_file(str(tmp_path / "a.csv")).codes["vote"].tolist() == ["won’t say", "Grüne"]


def test_fault_q_the_delimiter_is_looked_for_outside_of_quotes(tmp_path):
    (tmp_path / "a.csv").write_text('"Trust, in, general";vote\n1;2\n')
    assert list(read_survey_file(str(tmp_path / "a.csv")).codes) == ["Trust, in, general", "vote"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_fault_ad_a_utf_16_file_is_known_by_its_mark(tmp_path, encoding):
    mark = "" if encoding == "utf-16" else "\ufeff"
    (tmp_path / "a.csv").write_bytes(f"{mark}vote,id\nGrüne,1\n".encode(encoding))
    assert read_survey_file(str(tmp_path / "a.csv"), ["vote"]).codes["vote"].tolist() == ["Grüne"]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_fault_ad_labels_of_an_old_stata_file_are_read_as_what_they_are(tmp_path, encoding):
    path = tmp_path / "a.dta"
    pyreadstat.write_dta(
        pd.DataFrame({"vote": [1.0]}),
        str(path),
        version=10,
        variable_value_labels={"vote": {1: "Grüne ßßßß"}},
    )
    written = path.read_bytes()
    path.write_bytes(written.replace("Grüne ßßßß".encode(), "Grüne ßßßß".encode(encoding).ljust(15, b"\0")))
    assert read_survey_file(str(path)).value_labels["vote"] == {1: "Grüne ßßßß"}
