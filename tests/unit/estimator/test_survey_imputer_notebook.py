import json
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[3] / "docs/survey-imputer.ipynb"


@pytest.mark.slow
def test_the_notebook_runs_and_its_imputed_share_is_nearer_to_the_truth_than_that_of_complete_cases(
    monkeypatch, capsys
):
    monkeypatch.chdir(NOTEBOOK.parent)
    space = {}
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            # Fewer draws, for time: nothing else is changed.
            exec("".join(cell["source"]).replace("m=20", "m=3").replace("m=5", "m=2"), space)
    rows = space["rows"]
    error = {name: abs(found - rows["all votes"]) for name, found in rows.items()}
    assert error["baselines/logistic"] < error["complete cases"] and len(rows) == 5
    assert "votes are hidden" in capsys.readouterr().out
    assert set(space["stacked"][".imp"]) == {0, 1, 2, 3}


def test_the_notebook_s_numbers_are_those_of_a_run_and_it_holds_no_licensed_data():
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert all(cell["outputs"] for cell in code)
    assert "shared/" not in NOTEBOOK.read_text(encoding="utf-8")
