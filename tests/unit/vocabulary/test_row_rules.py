import datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from stimmung.study.reading import validated
from stimmung.study.surveys import Survey
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.row_rules import RowRule, Wanted

NAN = float("nan")


@pytest.mark.parametrize(
    ("rule", "allowed"),
    [
        ({"empty": False}, [17, 18, 99]),
        ({"empty": True}, [NAN]),
        ({"at_least": 18}, [18, 99]),
        ({"above": 18}, [99]),
        ({"at_most": 18}, [17, 18]),
        ({"below": 18}, [17]),
        ({"at_least": 18, "below": 99}, [18]),
    ],
)
def test_a_rule_allows_the_numbers_that_it_names(rule, allowed):
    found = [number for number in (NAN, 17, 18, 99) if RowRule(**rule).allows(number)]
    assert str(found) == str(allowed)


def test_a_date_that_yaml_read_as_one_is_a_bound():
    assert RowRule(at_least=datetime.date(2017, 9, 24)).bounds == {"at_least": "2017-09-24"}


@pytest.mark.parametrize("rule", [{}, {"empty": True, "above": 1}, {"at_least": True}])
def test_a_rule_that_says_nothing_or_contradicts_itself_is_refused(rule):
    with pytest.raises(ValidationError):
        RowRule(**rule)


def test_codes_and_rules_survive_the_way_through_the_workflow():
    where = {"wave": ["post", 2], "w": RowRule(empty=False, above=0)}
    types = TypeAdapter(dict[str, Wanted])
    assert types.validate_python(types.dump_python(where, mode="json")) == where


def test_a_misspelt_comparison_is_told_with_the_nearest_one_and_nothing_else():
    content = {"file": "a.csv", "codebook": "a.yaml", "where": {"age": {"at_leest": 18}}}
    with pytest.raises(InputError) as refused:
        validated(Survey, content, "config")
    assert refused.value.what == "config: unknown key 'where.age.at_leest' (did you mean 'at_least'?)"
