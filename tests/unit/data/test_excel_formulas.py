import openpyxl
import pytest

from stimmung.data.series.series_files import sheet_rows
from stimmung.data.surveys.survey_files import read_survey_file
from stimmung.vocabulary.errors import InputError


@pytest.fixture
def with_formulas(tmp_path):
    book = openpyxl.Workbook()
    for row in [
        ["age", "year", "note"],
        [30, 1990, "=1+1"],
        ["=2020-B3", 1980, "x"],
        ["=2020-B4", 1970, "y"],
    ]:
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    return tmp_path / "a.xlsx"


@pytest.mark.parametrize("read", [lambda path: read_survey_file(str(path), ["age", "year"]), sheet_rows])
def test_a_formula_without_a_stored_value_is_an_error_and_not_a_missing_answer(with_formulas, read):
    with pytest.raises(InputError, match=r"cell (A3|C2) and [12] more: a formula without a stored value"):
        read(with_formulas)


def test_formulas_in_columns_that_are_not_read_do_not_matter(with_formulas):
    assert list(read_survey_file(str(with_formulas), ["year"]).codes["year"]) == [1990, 1980, 1970]
