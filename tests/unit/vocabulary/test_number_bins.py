"""A numeric item as a target: its values or bins, each number in exactly one."""

import numpy as np
import pytest

from stimmung.vocabulary.number_bins import bin_of, number_bins
from stimmung.vocabulary.survey_item import SurveyItem

BAD = {
    "needs a `range`": (None, None),
    "82 values from 15 to 96": ((15, 96), None),
    "not whole from 0.5 to 3": ((0.5, 3), None),
    "do not rise": ((18, 90), [18, 40, 30]),
    "first begins at 20": ((18, 90), [20, 40]),
    "the last at 95": ((18, 90), [18, 95]),
    "makes less than two": ((18, 90), 100),
    "0 makes less": ((18, 90), 0),
    "makes 1000 of the range": ((0, 1), 0.001),
}


@pytest.mark.parametrize("said", BAD)
def test_what_makes_no_answers_is_told(said):
    with pytest.raises(ValueError, match=said):
        number_bins(*BAD[said])


def test_each_number_of_the_range_has_exactly_one_bin():
    for bins in ([18, 25, 35, 50, 65], 10, [18, 30.5]):
        made = number_bins((18, 95), bins)
        assert made[0].low == 18 and made[-1].high == 95
        numbers = np.arange(18, 95.25, 0.25)
        assert (np.diff(bin_of(numbers, made)) >= 0).all() and set(bin_of(numbers, made)) == set(
            range(len(made))
        )
        for place, one in enumerate(made):
            assert bin_of([one.low, (one.low + one.high) / 2], made).tolist() == [place, place]
    ten = number_bins((0, 10), None)
    assert bin_of([0, 10, 3.5, np.nan], ten).tolist() == [0, 10, -1, -1] and len(ten) == 11


def test_a_width_leaves_no_whole_number_out_and_of_1_makes_each_an_answer():
    assert number_bins((0, 10), 1) == number_bins((0, 10), None)
    assert [(one.low, one.high) for one in number_bins((0, 100), 25)] == [
        (0, 24),
        (25, 49),
        (50, 74),
        (75, 100),
    ]
    assert [one.low for one in number_bins((0, 0.6), 0.2, 1)] == pytest.approx([0, 0.2, 0.4])


def test_the_words_of_a_bin_are_in_each_language_and_its_code_is_its_midpoint():
    about = {"column": "AGE", "wording": "Age", "scale": "numeric", "range": [18, 95], "bins": [18, 25, 65]}
    words = {
        "format": {"en": "{value} years", "de": "{value} Jahre"},
        "bin_label": {"en": "{low} to {high}", "de": "{low} bis {high}"},
    }
    item = SurveyItem.model_validate(about | words).with_options()
    assert item.labels("de")[0] == "18 bis 24 Jahre" and item.labels("en")[2] == "65 to 95 years"
    assert [option.code for option in item.options] == [21, 44.5, 80] and item.scale == "ordinal"
    scale = SurveyItem.model_validate(
        {"column": "TRUST", "wording": "Trust", "scale": "numeric", "range": [0, 10]}
    )
    assert scale.with_options().labels("en") == [str(step) for step in range(11)]
