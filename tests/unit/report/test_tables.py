import csv
import io

import numpy as np
import pandas as pd
import pytest

from stimmung.report.tables import (
    Cell,
    Group,
    Table,
    escape_latex,
    interval,
    number,
    p_value,
    to_csv,
    to_latex,
)


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.91249, 3, "0.912"),
        (-0.0004, 3, "0.000"),
        (-0.0126, 3, "−0.013"),
        (np.nan, 3, "–"),
        (41.63, 1, "41.6"),
    ],
)
def test_numbers_are_rounded_with_a_true_minus_and_no_minus_zero(value, digits, text):
    assert number(value, digits) == text


def test_interval_has_the_digits_of_its_number_or_is_absent():
    assert interval(0.1, 0.25) == "[0.100, 0.250]"
    assert interval(np.nan, 0.25) == ""


@pytest.mark.parametrize(("p", "text"), [(0.0004, "<.001"), (0.0234, "0.023"), (1.0, "1.000"), (np.nan, "–")])
def test_p_values(p, text):
    assert p_value(p) == text


def test_latex_shows_what_is_written():
    assert escape_latex("50 % of A_B & C {x} #1 $2 ~^\\") == (
        r"50 \% of A\_B \& C \{x\} \#1 \$2 \textasciitilde{}\textasciicircum{}\textbackslash{}"
    )
    assert escape_latex("Grüne −1 <.001") == "Grüne $-$1 $<$.001"


@pytest.fixture
def table():
    rows = [[Cell("A & B"), Cell("0.912", "[0.880, 0.944]", "logistic, p 0.012")], [Cell("C"), Cell("–")]]
    return Table("What it is.", ["Method", "F1, 50 %"], [Group("full", rows), Group("share_10", rows)])


def test_latex_has_one_table_for_each_group_and_one_row_for_each_row(table):
    latex = to_latex(table, "tab:f1")
    assert latex.count(r"\begin{table}") == latex.count(r"\end{table}") == 2
    assert latex.count(r"\toprule") == latex.count(r"\midrule") == latex.count(r"\bottomrule") == 2
    assert r"\label{tab:f1}" in latex and r"\label{tab:f1-2}" in latex
    assert r"\caption{share\_10. What it is.}" in latex
    lines = latex.splitlines()
    header = lines.index(r"Method & F1, 50 \% \\")
    assert lines[header + 2].startswith(r"A \& B & ") and lines[header + 2].endswith(r" \\")
    assert lines[header + 3] == r"C & – \\"
    assert "[0.880, 0.944]" in lines[header + 2] and "p 0.012" in lines[header + 2]
    assert latex.count("{") == latex.count("}")


def test_simulated_data_is_marked_in_every_form(table):
    simulated = table.marked("simulated")
    assert to_latex(simulated, "x").count("Simulated data.") == 2
    assert "Simulated" not in to_latex(table, "x")
    frame = pd.DataFrame({"method": ["a"], "value": [1 / 3]})
    rows = list(csv.DictReader(io.StringIO(to_csv(frame, "simulated"))))
    assert rows == [{"method": "a", "value": "0.333333", "data": "simulated"}]
    assert "data" not in to_csv(frame, None)


def test_a_table_can_be_divided_by_its_headings(table):
    first, rest = table.only({"share_10"}, without=True), table.only({"share_10"})
    assert [group.heading for group in first.groups] == ["full"]
    assert [group.heading for group in rest.groups] == ["share_10"]
