import pytest

from stimmung.vocabulary.arms import ARMS, arm_of, sees_training_rows


@pytest.mark.parametrize(
    ("method", "learns"),
    [
        ("tiny/tuned", True),
        ("tiny/classifier", True),
        ("tiny/few-shot", True),
        ("tiny/zero-shot", False),
        ("gpt/persona", False),
        ("baselines/majority", True),
        ("files/gpt", False),
        ("files/tuned", False),
    ],
)
def test_only_arms_without_adapters_and_examples_are_blind_to_training_rows(method, learns):
    assert sees_training_rows(method) == learns


def test_a_file_of_predictions_is_no_arm_whatever_its_name():
    assert arm_of("files/tuned") is None and arm_of("baselines/logistic") is None
    assert arm_of("tiny/tuned") is ARMS["tuned"]


def test_every_arm_that_classifies_is_tuned_because_a_fresh_head_knows_nothing():
    assert all(arm.tuned for arm in ARMS.values() if arm.classifies)
