import numpy as np
import pytest
from scipy import stats

from stimmung.evaluation.estimates.interview_plan import plan_interviews

QUANTILE = stats.norm.ppf(0.975)


def half_width(sd, r, n, total):
    return QUANTILE * sd * np.sqrt((1 - r**2) / n + r**2 / total)


def cheapest(sd, r, wanted, interview, prediction):
    """Every number of interviews is tried."""
    alone = int(np.ceil((sd * QUANTILE / wanted) ** 2))
    costs = [alone * interview]
    for n in range(10, alone):
        room = (wanted / (QUANTILE * sd)) ** 2 - (1 - r**2) / n
        if room > 0:
            costs.append(n * interview + max(int(np.ceil(r**2 / room)), n) * prediction)
    return min(costs)


@pytest.mark.parametrize("r", [0.0, 0.2, 0.5, 0.8, 0.99])
@pytest.mark.parametrize("prediction", [0.001, 0.05, 0.6, 1.0])
def test_a_plan_reaches_the_half_width_and_no_other_is_cheaper(r, prediction):
    plan = plan_interviews(0.5, r, 0.03, 1.0, prediction)
    if plan.n_predictions:
        assert half_width(0.5, r, plan.n_interviews, plan.n_predictions) <= 0.03
        assert plan.n_predictions >= plan.n_interviews
    else:
        assert plan.n_interviews == plan.n_interviews_alone
    # To a single interview: both numbers are whole.
    assert plan.cost <= cheapest(0.5, r, 0.03, 1.0, prediction) + 1
    assert QUANTILE * 0.5 / np.sqrt(plan.n_interviews_alone) <= 0.03


def test_useless_and_misleading_predictions_are_not_bought():
    for r in (0.0, -0.7):
        plan = plan_interviews(1.0, r, 0.1, 20.0, 0.001)
        assert plan.n_predictions == 0 and plan.cost == plan.cost_alone == 385 * 20


def test_a_perfect_predictor_needs_only_as_many_interviews_as_tune_it():
    plan = plan_interviews(1.0, 1.0, 0.1, 20.0, 0.001)
    assert plan.n_interviews == 10 and plan.n_predictions == 385
