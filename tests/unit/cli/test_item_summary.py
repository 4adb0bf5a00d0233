"""`check --items`: each item in numbers, and what looks like a missing answer."""

import pandas as pd
import pytest

from stimmung.cli.check import check_study
from stimmung.cli.item_summary import item_summary, looks_missing
from stimmung.data.surveys.respondents import respondents_table
from stimmung.data.surveys.survey_codes import SurveyFile
from stimmung.study.reading import merged_config
from stimmung.vocabulary.codebook import Codebook
from tests.unit.cli.test_check import folder, study  # noqa: F401


@pytest.fixture
def codebook():
    options = [{"code": 1, "label": "yes"}, {"code": 2, "label": "no"}]
    unsure = [*options, {"code": 3, "label": "Don't know"}]
    missing = [{"code": [-9], "reason": "refused"}]
    items = {
        "age": {"column": "age", "wording": "Age", "scale": "numeric"},
        "q": {"column": "q", "wording": "Q", "options": options, "missing": missing},
        "vote": {"column": "vote", "wording": "Vote", "options": unsure},
    }
    return Codebook.model_validate(
        {
            "title": "t",
            "source": "s",
            "instruction": "?",
            "question": "Vote:",
            "target": "vote",
            "items": items,
        }
    )


@pytest.fixture
def respondents(codebook):
    ages = [18.0, *range(20, 90), 999, None]
    n = len(ages)
    frame = pd.DataFrame({"age": ages, "q": ([1, 1, -9, None] * n)[:n], "vote": ([1, 2] * n)[:n]})
    return respondents_table(SurveyFile(frame), codebook, "en")


def test_fault_ae_each_item_is_told_with_missing_reasons_extremes_and_options_that_occur(
    respondents, codebook
):
    age, q, vote = item_summary(respondents, codebook)
    assert age == "  item age: 72 answers from 18 to 999; missing: 1 empty"
    assert q == "  item q: 37 answers: yes 37; missing: 18 refused, 18 no-answer"
    assert vote == "  item vote: 73 answers: yes 37, no 36"


def test_fault_ae_what_looks_missing_is_told_without_being_asked(respondents, codebook):
    age, vote = looks_missing(respondents, codebook, "en")
    assert age == "  item age: 999 stands apart from the other values: a missing code?"
    assert vote == "  item vote: the option 'Don't know' reads like a missing answer"


def test_items_are_told_where_they_are_asked_for(folder):  # noqa: F811
    import yaml

    (folder / "study.yaml").write_text(yaml.safe_dump(study(folder / "no-model")))
    config = merged_config([folder / "study.yaml"], folder)
    short, long = (check_study(config, folder, items=items).plan for items in (False, True))
    told = [line for line in long if line not in short]
    assert [line.split(":")[0] for line in told] == ["  item party", "  item age", "  item vote"]
