import pandas as pd
import pytest

from stimmung.evaluation.votes.failed_training import less_accurate_than_untrained

CONDITIONS = {"full": {}, "share-10": {"share": 0.1}, "without-party": {"drop_items": ["party_id"]}}


def metrics(*rows):
    table = pd.DataFrame(rows, columns=["condition", "method", "value"]).assign(metric="accuracy")
    # Another metric, by which every arm is the best.
    return pd.concat([table, table.assign(metric="macro_f1", value=0.0)])


@pytest.mark.parametrize("arm", ["tuned", "classifier"])
def test_fault_ap_a_tuned_arm_below_majority_is_one_line_with_both_numbers(arm):
    table = metrics(
        ("full", f"tiny/{arm}", 0.2024), ("full", "tiny/few-shot", 0.1), ("full", "baselines/majority", 0.344)
    )
    assert less_accurate_than_untrained(table, CONDITIONS) == [
        f"tiny/{arm}, condition full: accuracy 0.202 is below 0.344 of baselines/majority"
    ]
    good = table.assign(value=table["value"].replace(0.2024, 0.344))
    assert less_accurate_than_untrained(good, CONDITIONS) == []


def test_fault_ap_the_same_model_untuned_counts_under_every_condition_with_its_prompts_and_another_model_never():
    table = metrics(
        ("full", "tiny/tuned", 0.7),
        ("full", "tiny/zero-shot", 0.6),
        ("full", "large/zero-shot", 0.9),
        ("share-10", "tiny/tuned", 0.5),
        ("share-10", "baselines/majority", 0.55),
        ("without-party", "tiny/tuned", 0.5),
        ("without-party", "baselines/logistic", 0.8),
    )
    assert less_accurate_than_untrained(table, CONDITIONS) == [
        "tiny/tuned, condition share-10: accuracy 0.500 is below 0.600 of tiny/zero-shot and 0.550 of baselines/majority"
    ]
