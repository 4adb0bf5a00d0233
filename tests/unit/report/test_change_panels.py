"""A change stands in the row of what changed, with the mark of its method, and a method without changes takes no place."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from stimmung.report.change_panels import SHOWN, draw_changes
from stimmung.report.style import looks_of_present, method_looks

METHODS = ["baselines/logistic", "tiny/tuned", "tiny/zero-shot"]


@pytest.fixture
def changes():
    rows = [
        ("f1", "tiny/tuned", "b", -0.2),
        ("f1", "tiny/tuned", "a", 0.1),
        ("f1", "baselines/logistic", "a", 0.3),
        ("predicted_share", "tiny/tuned", "a", 0.05),
    ]
    table = pd.DataFrame(rows, columns=["metric", "method", "option", "difference"])
    return table.assign(ci_low=table["difference"] - 0.1, ci_high=table["difference"] + 0.1)


def test_language_models_come_first_and_look_as_among_all_methods(changes):
    looks = looks_of_present(changes, METHODS)
    assert list(looks) == ["tiny/tuned", "baselines/logistic"]
    assert looks == {method: method_looks(METHODS)[method] for method in looks}


def test_rows_follow_the_labels_and_a_gap_stays_where_nothing_changed(changes):
    pair = Figure().subplots(1, len(SHOWN), sharey=True)
    draw_changes(pair, changes, looks_of_present(changes, METHODS), "option", {"a": "A", "b": "B"}, " here")
    shown = {
        line.get_label(): line for line in pair[0].lines if line.get_label() in ("tiny/tuned", "logistic")
    }
    assert [round(y) for y in shown["tiny/tuned"].get_ydata()] == [0, 1]
    assert list(shown["tiny/tuned"].get_xdata()) == [0.1, -0.2]
    assert shown["logistic"].get_xdata()[0] == 0.3 and np.isnan(shown["logistic"].get_xdata()[1])
    assert [label.get_text() for label in pair[0].get_yticklabels()] == ["A", "B"]
    assert [axes.get_title() for axes in pair] == [f"{title} here" for title in SHOWN.values()]
    assert pair[1].xaxis.get_major_formatter()(0.05, 0) == "5", "shares are in points"
