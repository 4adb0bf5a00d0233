import numpy as np
import pytest

from stimmung.evaluation.estimates.donor_scaling import donor_scaling
from stimmung.vocabulary.errors import InputError
from tests.synthetic_votes import make_votes

VOTES, _ = make_votes(n=300, conditions=("full",))
TUNED = VOTES[VOTES.method == "tiny/tuned"].reset_index(drop=True)
COLUMNS = ["p_Clinton", "p_Dole"]


def overconfident(table):
    logits = 4 * np.log(table[COLUMNS].to_numpy().clip(1e-9))
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    return table.assign(**dict(zip(COLUMNS, (p / p.sum(axis=1, keepdims=True)).T, strict=True)))


def test_probabilities_that_are_too_certain_for_the_donors_are_tempered():
    table = overconfident(TUNED)
    scale = donor_scaling(table, list(table.respondent_id[:200]), "temperature")
    assert scale(np.array([[0.99, 0.01]]))[0, 0] < 0.95


def test_the_answers_of_recipients_are_not_looked_at():
    table = overconfident(TUNED)
    donors = list(table.respondent_id[:200])
    turned = table.assign(target=table.target.where(table.index < 200, "Dole"))
    point = np.array([[0.9, 0.1]])
    one, other = (donor_scaling(each, donors, "temperature")(point) for each in (table, turned))
    np.testing.assert_array_equal(one, other)


def test_too_few_donors_leave_probabilities_as_they_are():
    scale = donor_scaling(TUNED, list(TUNED.respondent_id[:10]), "temperature")
    np.testing.assert_array_equal(scale(np.array([[0.9, 0.1]])), [[0.9, 0.1]])


def test_an_unknown_calibration_is_refused():
    with pytest.raises(InputError, match="no 'temprature'"):
        donor_scaling(TUNED, [], "temprature")
