"""csv and its relatives: cells as written, rows that do not fit, compressed files, and what Qualtrics adds."""

import bz2
import codecs
import gzip
import io
import lzma
import subprocess
import sys
import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow as pa
import pytest

from stimmung.data.surveys.survey_codes import code_key
from stimmung.data.surveys.survey_files import read_survey_file
from stimmung.vocabulary.errors import InputError


def read(path, content, columns=None, **how):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_survey_file(str(path), columns, **how)


def cells(survey):
    return survey.codes.astype(object).where(survey.codes.notna(), None).to_dict("list")


def test_rows_that_do_not_fit_the_head_row_are_counted_and_the_others_keep_their_numbers(tmp_path, capsys):
    rows = [f"{number},1" for number in range(300)]
    rows[100], rows[200] = "100", "200,1,2"
    survey = read(tmp_path / "a.csv", "id,vote\n" + "\n".join(rows), ["id"])
    assert len(survey.codes) == 298
    assert (survey.codes["id"].astype(int) == survey.codes.index).all()
    assert "2 of 300 rows do not have the 2 cells of the head row" in capsys.readouterr().err
    with pytest.raises(InputError, match="2 of 300 rows"):
        read_survey_file(str(tmp_path / "a.csv"), ["id"], max_lost_share=0.005)


def test_a_quote_that_is_never_closed_is_an_error_wherever_it_stands(tmp_path):
    for row in ('1,"2', '"1,2', '1,"2\n3,4\n5,6'):
        with pytest.raises(InputError, match="a quote is opened in some row and never closed"):
            read(tmp_path / "a.csv", f"id,vote\n0,0\n{row}\n", ["id"])
    quoted = read(tmp_path / "a.csv", 'id,vote\n1,"a ""b""\nc"\n5" pipe,2')
    assert cells(quoted) == {"id": ["1", '5" pipe'], "vote": ['a "b"\nc', "2"]}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_and_ends_of_lines_are_found(tmp_path, delimiter, end):
    rows = [["id", '"a, b; c"'], ["01", "x"], ["", "NA"]]
    survey = read(tmp_path / "a.csv", end.join(map(delimiter.join, rows)))
    assert cells(survey) == {"id": ["01", None], "a, b; c": ["x", None]}


def test_empty_lines_are_no_rows_and_no_head(tmp_path):
    survey = read(tmp_path / "a.csv", "\n\nid,vote\n\n1,2\n\n3,4\n\n")
    assert cells(survey) == {"id": ["1", "3"], "vote": ["2", "4"]}


def test_a_column_name_that_stands_twice_is_an_error_where_it_is_used(tmp_path):
    content = "id,vote,vote\n1,2,3\n"
    with pytest.raises(InputError, match="1 column names stand in the head row more than once: vote"):
        read(tmp_path / "a.csv", content, ["vote"])
    assert cells(read(tmp_path / "a.csv", content, ["id"])) == {"id": ["1"]}


PEAK_OF_READING = """
import sys
from pathlib import Path
from stimmung.data.surveys.survey_files import read_survey_file

def peak_kb():
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])

before = peak_kb()
shape = read_survey_file(sys.argv[1], ["v3", "v999"]).codes.shape
print(*shape, peak_kb() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs the kernel's figure of memory")
def test_fault_an_only_the_columns_that_are_used_are_held_in_memory(tmp_path):
    n_rows, n_columns = 10_000, 1_000
    row = ",".join(["123456789"] * n_columns)
    head = ",".join(f"v{number}" for number in range(n_columns))
    (tmp_path / "a.csv").write_text("\n".join([head] + [row] * n_rows))
    command = [sys.executable, "-c", PEAK_OF_READING, str(tmp_path / "a.csv")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    rows, columns, kb = map(int, done.stdout.split())
    assert (rows, columns) == (n_rows, 2)
    # The file has 100 MB, of which some blocks are held; with all its cells it was more than 1 GB.
    assert kb < 250_000


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (b"", "utf-16-le"),
        (b"", "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF8, "utf-8"),
        (b"", "utf-8"),
        (b"", "cp1252"),
    ],
)
def test_fault_ad_the_encoding_of_a_csv_file_is_found(tmp_path, mark, encoding):
    content = mark + '"wähl, er",ort\n1,Köln\n2,"Café"\n'.encode(encoding)
    assert cells(read(tmp_path / "a.csv", content)) == {"wähl, er": ["1", "2"], "ort": ["Köln", "Café"]}


def test_fault_ad_one_broken_cell_does_not_garble_the_others(tmp_path, capsys):
    whole = "ort,v\nKöln,1\nWürzburg,2\nDüsseldorf,3\nMünchö,4\n".encode()
    survey = read(tmp_path / "a.csv", whole.replace("Münchö".encode(), "Münchö".encode()[:-1]))
    assert survey.codes["ort"].tolist() == ["Köln", "Würzburg", "Düsseldorf", "Münch"]
    assert "1 different texts are cut off" in capsys.readouterr().err
    west = read(tmp_path / "a.csv", whole.replace("Münchö".encode(), "Münchö!".encode("cp1252")))
    assert west.codes["ort"].tolist()[-1] == "Münchö!"
    assert "1 different texts are not UTF-8 as the rest is" in capsys.readouterr().err


def test_fault_ad_the_encoding_key_holds_for_csv_and_what_does_not_fit_is_an_error(tmp_path):
    content = "ort,v\nМосква,1\n".encode("cp1251")
    assert read(tmp_path / "a.csv", content, encoding="cp1251").codes["ort"].tolist() == ["Москва"]
    japanese = "票,v\n公明党,1\n".encode("shift_jis")
    assert cells(read(tmp_path / "b.csv", japanese, encoding="shift_jis"))["票"] == ["公明党"]
    with pytest.raises(InputError, match=r"different texts .* are not in the encoding utf-8"):
        read(tmp_path / "a.csv", content, encoding="utf-8")


def zipped(content):
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("__MACOSX/._a.csv", "x")
        archive.writestr("a.csv", content)
    return written.getvalue()


@pytest.mark.parametrize(
    ("suffix", "compress"),
    [
        (".csv.gz", gzip.compress),
        (".csv.bz2", bz2.compress),
        (".tsv.xz", lzma.compress),
        (".csv.zst", lambda content: pa.compress(content, "zstd", asbytes=True)),
        (".csv.zip", zipped),
        (".TAB", bytes),
    ],
)
def test_fault_ar_compressed_files_are_read(tmp_path, suffix, compress):
    survey = read(tmp_path / f"a{suffix}", compress("id\tvote\n01\tGrüne\n".encode()), ["vote", "id"])
    assert cells(survey) == {"vote": ["Grüne"], "id": ["01"]}


@pytest.mark.parametrize(
    ("name", "compress"), [("a.csv.gz", gzip.compress), ("a.csv.xz", lzma.compress), ("a.csv.zip", zipped)]
)
def test_a_damaged_compressed_file_is_an_error(tmp_path, name, compress):
    content = compress(b"id,vote\n" + b"1,2\n" * 1000)
    with pytest.raises(InputError, match=r"is not a readable \.csv file"):
        read(tmp_path / name, content[: len(content) // 2])


QUALTRICS = [
    ["ResponseId", "Q1", "Q2"],
    ["Response ID", "How do you vote, really?", "How old are you?"],
    ['{"ImportId":"_recordId"}', '{"ImportId":"QID1"}', '{"ImportId":"QID2_TEXT"}'],
    ["R_1", "CDU", "41"],
    ["R_2", "SPD", ""],
]


def as_excel(path, rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_fault_ar_the_head_rows_of_qualtrics_are_no_respondents(tmp_path, capsys, suffix):
    path = tmp_path / f"a{suffix}"
    if suffix == ".csv":
        pd.DataFrame(QUALTRICS).to_csv(path, header=False, index=False)
    else:
        as_excel(path, QUALTRICS)
    survey = read_survey_file(str(path), ["Q1", "Q2"])
    assert cells(survey) == {"Q1": ["CDU", "SPD"], "Q2": ["41", None]}
    assert survey.codes.index.tolist() == [0, 1]
    assert survey.variable_labels["Q1"] == "How do you vote, really?"
    assert "2 rows of Qualtrics below the column names are no respondents" in capsys.readouterr().err


def test_an_answer_in_braces_is_no_head_row(tmp_path):
    survey = read(tmp_path / "a.csv", 'id,q\n1,{}\n2,{"ImportId": 3}\n')
    assert len(survey.codes) == 2


def test_fault_ar_an_excel_file_is_read_as_csv_is(tmp_path, capsys):
    rows = [
        ["id", "land", "vote", "share", "ok", "day", "moment"],
        ["0012", "01", 1, 0.5, True, pd.Timestamp("2017-09-24"), pd.Timestamp("2017-09-24 18:30")],
        ["0013", "02", 2, None, False, None, pd.Timestamp("2017-09-25")],
        ["0014", "NA", "#N/A", 2.5, None, pd.Timestamp("2018-01-01"), None],
    ]
    path = as_excel(tmp_path / "a.xlsx", rows)
    with_sheets = openpyxl.load_workbook(path)
    with_sheets.create_sheet("notes")
    with_sheets.save(path)
    survey = read_survey_file(str(path), ["moment", "day", "ok", "share", "vote", "land", "id"])
    found = {name: [code_key(code) for code in column] for name, column in survey.codes.items()}
    assert found == {
        "moment": ["2017-09-24 18:30:00", "2017-09-25 00:00:00", None],
        "day": ["2017-09-24", None, "2018-01-01"],
        "ok": ["true", "false", None],
        "share": ["0.5", None, "2.5"],
        "vote": ["1", "2", "#N/A"],
        "land": ["01", "02", None],
        "id": ["0012", "0013", "0014"],
    }
    assert "of its 2 sheets the first, 'Sheet', is read" in capsys.readouterr().err


def test_an_identifier_that_excel_has_rounded_is_an_error(tmp_path):
    path = as_excel(tmp_path / "a.xlsx", [["id"], [12345678901234500], [12345678901234600]])
    with pytest.raises(InputError, match="column 'id': 2 of 2 numbers have more digits"):
        read_survey_file(str(path))


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_a_row_without_a_cell_is_a_respondent_without_answers_if_others_follow(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    if suffix == ".xlsx":
        as_excel(path, [["id", "v"], [1, 2], [None, None], [3, 4]])
    else:
        path.write_text("id,v\n1,2\n,\n3,4\n")
    codes = read_survey_file(str(path)).codes
    assert len(codes) == 3
    assert [code_key(one) for one in codes["id"]] == ["1", None, "3"]


@pytest.mark.parametrize(
    ("name", "hint"), [("a.rds", "write_parquet"), ("a.RData", "write_parquet"), ("a.xls", r"\.xlsx")]
)
def test_fault_ar_what_no_library_here_reads_has_a_way_that_is_named(tmp_path, name, hint):
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(InputError, match=hint):
        read_survey_file(str(tmp_path / name))


def test_fault_ah_parquet_keeps_dates_booleans_and_the_order_of_categories(tmp_path):
    frame = pd.DataFrame(
        {
            "interest": pd.Categorical(["some", "none"], ["none", "some", "much"], ordered=True),
            "party": pd.Categorical(["b", "a"], ["b", "a"]),
            "day": pd.to_datetime(["2017-09-24", None]),
            "moment": pd.to_datetime(["2017-09-24 18:30", "2017-09-25"], format="mixed"),
            "voted": pd.array([True, None], "boolean"),
            "land": ["01", "02"],
        }
    )
    frame.to_parquet(tmp_path / "a.parquet")
    survey = read_survey_file(str(tmp_path / "a.parquet"))
    assert survey.orders == {"interest": ["none", "some", "much"]}
    found = {name: [code_key(code) for code in column] for name, column in survey.codes.items()}
    assert found["interest"] == ["some", "none"]
    assert found["day"] == ["2017-09-24", None]
    assert found["moment"] == ["2017-09-24 18:30:00", "2017-09-25 00:00:00"]
    assert found["voted"] == ["true", None]
    assert found["land"] == ["01", "02"]


def test_a_parquet_column_of_lists_is_refused_where_it_is_used(tmp_path):
    pd.DataFrame({"tv": [["a"], ["a", "b"]], "vote": [1, 2]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError, match="column 'tv' holds list"):
        read_survey_file(str(tmp_path / "a.parquet"), ["tv"])
    assert read_survey_file(str(tmp_path / "a.parquet"), ["vote"]).codes["vote"].tolist() == [1, 2]
