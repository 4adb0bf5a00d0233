import math

import pandas as pd

from stimmung.evaluation.votes.target_summary import summarize_targets
from stimmung.report.targets_section import targets_table
from stimmung.vocabulary.parquet_tables import BASELINE_PREFIX
from stimmung.vocabulary.votes_schemas import TARGETS

FIRST, SECOND = BASELINE_PREFIX + "majority", BASELINE_PREFIX + "logistic"


def metrics(values):
    """Return the part of a METRICS table that is summarised, from method to accuracy and macro F1."""
    rows = [
        {"method": method, "condition": "full", "metric": metric, "value": value, "n_respondents": 50}
        for method, both in values.items()
        for metric, value in zip(("accuracy", "macro_f1"), both, strict=True)
    ]
    return pd.DataFrame(rows)


def test_each_target_has_the_baseline_that_is_best_by_each_metric_beside_it():
    table = summarize_targets(
        {
            "trust": metrics({"tiny/tuned": (0.5, 0.4), FIRST: (0.6, 0.1), SECOND: (0.5, 0.3)}),
            "party": metrics({"tiny/tuned": (0.3, 0.2)}),
        }
    )
    TARGETS.validate(table)
    trust, party = (
        table[table.target == one].set_index("method").loc["tiny/tuned"] for one in ("trust", "party")
    )
    assert (trust.accuracy_baseline, trust.accuracy_of_baseline) == (FIRST, 0.6)
    assert (trust.macro_f1_baseline, trust.macro_f1_of_baseline) == (SECOND, 0.3)
    assert trust.n_respondents == 50 and (trust.accuracy, trust.macro_f1) == (0.5, 0.4)
    assert pd.isna(party.accuracy_baseline) and math.isnan(party.accuracy_of_baseline)
    (group,) = targets_table(table).groups
    assert [[cell.text for cell in row] for row in group.rows] == [
        ["trust", "tiny/tuned", "50", "0.500", "0.600", "0.400", "0.300"],
        ["party", "tiny/tuned", "50", "0.300", "–", "0.200", "–"],
    ]
