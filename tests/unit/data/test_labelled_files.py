"""SPSS, Stata and SAS files: texts in whatever encoding, reasons for missing answers, dates."""

import datetime
import shutil
import subprocess

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from stimmung.data.surveys.survey_codes import code_key
from stimmung.data.surveys.survey_files import read_survey_file
from stimmung.vocabulary.errors import InputError


def listed(survey, column):
    return [code_key(code) for code in survey.codes[column]]


def cut(path, whole, shorter):
    """Replace a text in a file by fewer bytes, filled up so that lengths stay."""
    content, whole = path.read_bytes(), whole.encode()
    assert whole in content
    path.write_bytes(content.replace(whole, shorter.ljust(len(whole), b"\0")))


def write(path, frame, **described):
    writer = {".dta": pyreadstat.write_dta, ".sav": pyreadstat.write_sav, ".xpt": pyreadstat.write_xport}
    writer[path.suffix](frame, str(path), **described)
    return path


@pytest.mark.parametrize("version", [10, 15])
def test_fault_p_a_label_cut_inside_a_letter_costs_that_letter_only(tmp_path, capsys, version):
    path = write(
        tmp_path / "a.dta",
        pd.DataFrame({"wahl": [1.0, 2.0, 3.0]}),
        version=version,
        column_labels={"wahl": "für wen gewählt"},
        variable_value_labels={"wahl": {1: "Bündnis Grüne", 2: "Südschleswig", 3: "Piratenpä"}},
    )
    cut(path, "Piratenpä", "Piratenpä".encode()[:-1])
    survey = read_survey_file(str(path))
    assert survey.value_labels["wahl"] == {1: "Bündnis Grüne", 2: "Südschleswig", 3: "Piratenp"}
    assert survey.variable_labels["wahl"] == "für wen gewählt"
    assert "1 different texts are cut off inside their last letter" in capsys.readouterr().err


def test_fault_p_a_cell_and_a_label_of_an_spss_file_that_are_cut_are_read(tmp_path):
    path = write(
        tmp_path / "a.sav",
        pd.DataFrame({"wahl": [1.0, 2.0], "ort": ["Köln-Süd", "Würzburgü"]}),
        variable_value_labels={"wahl": {1: "Grüne", 2: "Südschleswiü"}},
    )
    cut(path, "Südschleswiü", "Südschleswiü".encode()[:-1] + b" ")
    cut(path, "Würzburgü", "Würzburgü".encode()[:-1] + b" ")
    survey = read_survey_file(str(path), ["wahl", "ort"])
    assert survey.value_labels["wahl"] == {1: "Grüne", 2: "Südschleswi"}
    assert survey.codes["ort"].tolist() == ["Köln-Süd", "Würzburg"]


def test_fault_ad_the_encoding_key_says_what_no_rule_can_know(tmp_path):
    path = write(
        tmp_path / "a.dta",
        pd.DataFrame({"v": [1.0, 2.0]}),
        version=10,
        variable_value_labels={"v": {1: "Яблоко Россия", 2: "b"}},
    )
    cut(path, "Яблоко Россия", "Яблоко Россия".encode("cp1251"))
    assert read_survey_file(str(path), encoding="cp1251").value_labels["v"][1] == "Яблоко Россия"
    # Without it, Windows-1252 is a guess, which is told.
    assert read_survey_file(str(path)).notes


def test_fault_ad_what_the_named_encoding_does_not_have_is_an_error(tmp_path):
    path = write(tmp_path / "a.dta", pd.DataFrame({"v": [1.0]}), variable_value_labels={"v": {1: "Grüne"}})
    with pytest.raises(InputError, match=r"1 of 1 different texts .* are not in the encoding ascii"):
        read_survey_file(str(path), encoding="ascii")


def test_fault_ac_a_letter_with_a_label_and_no_row_is_missing(tmp_path):
    path = write(
        tmp_path / "a.dta",
        pd.DataFrame({"vote": [1.0, 2.0, "a"], "word": ["a", "b", "c"]}),
        variable_value_labels={"vote": {1: "Yes", 2: "No", "a": "Refused", "d": "No answer"}},
        missing_user_values={"vote": ["a", "d"]},
    )
    survey = read_survey_file(str(path), ["vote", "word"])
    assert sorted(survey.missing_ranges["vote"]) == [("a", "a"), ("d", "d")]
    # A letter of a column of text is an answer.
    assert "word" not in survey.missing_ranges


def test_fault_ac_a_word_that_spss_declares_missing_is_missing_and_other_labelled_words_are_not(tmp_path):
    path = write(
        tmp_path / "a.sav",
        pd.DataFrame({"v": ["a", "b", "zz"]}),
        missing_ranges={"v": ["zz"]},
        variable_value_labels={"v": {"a": "Yes", "b": "No", "zz": "Refused"}},
    )
    assert read_survey_file(str(path)).missing_ranges == {"v": [("zz", "zz")]}


def test_fault_ah_dates_of_spss_are_dates_and_their_missing_codes_stay_codes(tmp_path):
    day, moment = datetime.date(2017, 9, 24), pd.Timestamp("2017-09-24 18:30")
    seconds = (day - datetime.date(1582, 10, 14)).days * 86_400.0
    path = write(
        tmp_path / "a.sav",
        pd.DataFrame(
            {
                "day": [day, None],
                "moment": [moment, pd.NaT],
                "clock": [datetime.time(18, 30), None],
                "month": [seconds, -99.0],
                "plain": [seconds, 1.0],
            }
        ),
        variable_format={"month": "MOYR8"},
        missing_ranges={"month": [-99]},
    )
    survey = read_survey_file(str(path))
    assert listed(survey, "day") == ["2017-09-24", None]
    assert listed(survey, "moment") == ["2017-09-24 18:30:00", None]
    assert listed(survey, "clock") == ["18:30:00", None]
    assert listed(survey, "month") == ["2017-09-24", "-99"]
    assert listed(survey, "plain") == [str(int(seconds)), "1"]


def test_fault_ah_stata_s_dates_months_quarters_and_weeks_are_what_stata_shows(tmp_path):
    path = tmp_path / "a.dta"
    moments = pd.to_datetime(["2017-09-24 18:30:00", "1950-01-01 00:00:00"])
    kinds = {"td": "td", "tm": "tm", "tq": "tq", "th": "th", "tw": "tw", "tc": "tc"}
    pd.DataFrame(dict.fromkeys(kinds, moments)).to_stata(path, convert_dates=kinds, write_index=False)
    survey = read_survey_file(str(path))
    found = {kind: listed(survey, kind) for kind in kinds}
    assert found == {
        "td": ["2017-09-24", "1950-01-01"],
        "tm": ["2017-09", "1950-01"],
        "tq": ["2017q3", "1950q1"],
        "th": ["2017h2", "1950h1"],
        "tw": ["2017w39", "1950w1"],
        "tc": ["2017-09-24 18:30:00", "1950-01-01 00:00:00"],
    }


@pytest.mark.parametrize("suffix", [".sav", ".dta"])
def test_fault_ah_codes_of_text_keep_their_zeros(tmp_path, suffix):
    path = write(tmp_path / f"a{suffix}", pd.DataFrame({"land": ["01", "02", "10"]}))
    assert listed(read_survey_file(str(path)), "land") == ["01", "02", "10"]


def test_fault_ar_a_sas_transport_file_is_read_with_its_dates(tmp_path, capsys):
    frame = pd.DataFrame(
        {"VOTE": [1.0, np.nan], "ORT": ["Köln", "Bonn"], "DAY": [datetime.date(2017, 9, 24)] * 2}
    )
    path = write(tmp_path / "a.xpt", frame, column_labels={"VOTE": "Vote choice"})
    survey = read_survey_file(str(path), ["Vote choice", "ORT", "DAY"])
    assert listed(survey, "Vote choice") == ["1", None]
    assert listed(survey, "ORT") == ["Köln", "Bonn"]
    assert listed(survey, "DAY") == ["2017-09-24"] * 2
    assert "1 cells are read as empty" in capsys.readouterr().err


def portable(path, n_columns=80):
    """Write a portable SPSS file with labels and a declared missing code, which pyreadstat can read but not write."""
    pyreadstat.write_por(pd.DataFrame({"V1": [1.0, 2.0, -99.0], "V2": ["A", "B", "C"]}), str(path))
    text = path.read_bytes().replace(b"\r\n", b"").decode("latin-1").rstrip("Z")
    # Records 8 (missing value) of V1, and D (value labels) before F (data); numbers to the base of 30.
    text = text.replace("V15/8/2/5/8/2/", "V15/8/2/5/8/2/8-39/")
    text = text.replace("F1/1/A", "D1/2/V12/1/5/Green2/4/BlueF1/1/A")
    text += "Z" * (n_columns - len(text) % n_columns)
    rows = [text[start : start + n_columns] for start in range(0, len(text), n_columns)]
    path.write_bytes("".join(f"{row}\r\n" for row in rows).encode("latin-1"))
    return path


def test_fault_ar_a_portable_spss_file_is_read_and_what_it_merges_is_told(tmp_path, capsys):
    survey = read_survey_file(str(portable(tmp_path / "a.por")), ["V1", "V2"])
    assert listed(survey, "V1") == ["1", "2", None]
    assert survey.value_labels["V1"] == {1: "Green", 2: "Blue"}
    assert (
        "1 cells are read as empty; codes that the file declares missing are among them"
        in capsys.readouterr().err
    )


def test_an_identifier_with_more_digits_than_a_number_of_the_file_holds_is_an_error(tmp_path):
    path = write(tmp_path / "a.sav", pd.DataFrame({"id": [12345678901234567.0, 1.0], "age": [30.0, 40.0]}))
    with pytest.raises(InputError, match="column 'id': 1 of 2 numbers have more digits"):
        read_survey_file(str(path), ["id"])
    # The columns that are not used do not matter, and a user may allow it.
    assert read_survey_file(str(path), ["age"]).losses == ()
    assert len(read_survey_file(str(path), ["id"], max_lost_share=0.5).codes) == 2


def test_columns_are_those_that_were_asked_for_in_whatever_order(tmp_path):
    path = write(tmp_path / "a.sav", pd.DataFrame({"a": [1.0], "b": [2.0], "c": [3.0]}))
    assert read_survey_file(str(path), ["c", "a"]).codes.to_dict("list") == {"c": [3.0], "a": [1.0]}


@pytest.mark.parametrize("encoding", ["gb18030", "windows-1251"])
def test_fault_p_in_an_encoding_that_the_file_declares_a_cut_label_garbles_no_other(tmp_path, encoding):
    words = {"gb18030": ["非常满意", "模型", "不满意"], "windows-1251": ["Яблоко", "Россия", "Другая"]}[
        encoding
    ]
    path = write(
        tmp_path / "a.sav",
        pd.DataFrame({"v": [1.0, 2.0, 3.0]}),
        variable_value_labels={"v": dict(enumerate(words, 1))},
    )
    for word in words:
        content = path.read_bytes()
        shorter = word.encode(encoding)[: -1 if word == words[2] else None]
        path.write_bytes(content.replace(word.encode(), shorter.ljust(len(word.encode()))))
    # The name of the encoding is as long as it is said to be.
    name = encoding.encode()
    old = b"\x05\0\0\0UTF-8"
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, len(name).to_bytes(4, "little") + name))
    labels = read_survey_file(str(path)).value_labels["v"]
    assert [labels[1], labels[2], labels[3]] == [*words[:2], words[2][:-1]]


def test_fault_ah_the_formats_of_sas_that_show_a_date_are_known_and_others_are_not(tmp_path):
    days, seconds = (datetime.date(2017, 9, 24) - datetime.date(1960, 1, 1)).days, 86_400.0
    shown = {
        "A": ("MMDDYY10.", days, "2017-09-24"),
        "B": ("E8601DA10.", days, "2017-09-24"),
        "C": ("MONYY7.", days, "2017-09-24"),
        "D": ("DATETIME20.", days * seconds + 3600, "2017-09-24 01:00:00"),
        "E": ("TIME8.", 3600, "01:00:00"),
        "F": ("BEST12.", days, str(days)),
        "G": ("DOLLAR8.", days, str(days)),
    }
    path = tmp_path / "a.xpt"
    frame = pd.DataFrame({name: [float(number)] for name, (_, number, _) in shown.items()})
    formats = {name: how for name, (how, _, _) in shown.items()}
    pyreadstat.write_xport(frame, str(path), variable_format=formats)
    survey = read_survey_file(str(path))
    assert {name: listed(survey, name) for name in shown} == {
        name: [text] for name, (_, _, text) in shown.items()
    }


def test_fault_ar_a_sas_data_set_keeps_letters_of_missing_answers_dates_and_umlauts(tmp_path):
    """Written by R's haven: no library of Python writes .sas7bdat."""
    if shutil.which("Rscript") is None:
        pytest.skip("no Rscript")
    script = """
        if (!requireNamespace("haven", quietly = TRUE)) quit(status = 77)
        people <- data.frame(
            age = c(33, NA, haven::tagged_na("A"), 71),
            born = as.Date(c("1991-02-28", NA, "1950-01-01", "1960-12-31")),
            town = c("Köln", "", "Würzburg", "a"))
        attr(people$age, "label") <- "Age in years"
        suppressWarnings(haven::write_sas(people, "people.sas7bdat"))
    """
    ran = subprocess.run(["Rscript", "-e", script], cwd=tmp_path, capture_output=True, text=True)
    if ran.returncode == 77:
        pytest.skip("R has no package haven (Debian: r-cran-haven)")
    assert ran.returncode == 0, ran.stderr
    survey = read_survey_file(str(tmp_path / "people.sas7bdat"), ["town", "born", "age"])
    assert survey.codes["age"].tolist()[::3] == [33, 71]
    assert np.isnan(survey.codes["age"][1])
    assert survey.codes["age"][2] == "A"
    assert survey.missing_ranges == {"age": [("A", "A")]}
    assert survey.codes["born"].tolist() == ["1991-02-28", None, "1950-01-01", "1960-12-31"]
    assert survey.codes["town"].tolist() == ["Köln", "", "Würzburg", "a"]
    assert survey.variable_labels == {"age": "Age in years"}
