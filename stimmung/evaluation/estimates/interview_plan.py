"""How many respondents to interview and how many to predict, for an interval of a wanted length at the lowest price."""

import math
from dataclasses import dataclass

from scipy import stats

from stimmung.evaluation.estimates.rectification import FEWEST_TO_TUNE
from stimmung.evaluation.estimates.survey_design import LEVEL


@dataclass(frozen=True)
class InterviewPlan:
    """Two ways to the same interval: interviews and predictions, and interviews alone."""

    n_interviews: int
    n_predictions: int  # the interviewed included, since the bias is estimated on them
    cost: float
    n_interviews_alone: int
    cost_alone: float


def plan_interviews(
    sd: float, correlation: float, half_width: float, price_interview: float, price_prediction: float
) -> InterviewPlan:
    """Return the cheapest plan whose 95 % interval reaches ``half_width`` to either side.

    With n interviews and T predictions, a rectified mean has the variance sd^2 ((1 - r^2) / n + r^2 / T) at the best power
    (Angelopoulos, Duchi and Zrnic 2023, arXiv 2311.01453, example 6.1). Its minimum at a given price is Neyman's allocation: n goes
    with the root of (1 - r^2) / price of an interview, T with the root of r^2 / price of a prediction. Where predictions cost more
    than they save, there are none.

    Parameters
    ----------
    sd
        Standard deviation of the answers, times the root of the design effect.
    correlation
        Of answers and predictions; one that is not positive is of no use.
    half_width
        In the unit of the answers.
    price_interview, price_prediction
        Above 0, in the same currency.
    """
    wanted = (half_width / float(stats.norm.ppf((1 + LEVEL) / 2))) ** 2
    ratio = sd**2 / wanted  # respondents that interviews alone need
    alone = max(math.ceil(ratio), 1)
    cost_alone = alone * price_interview
    r = min(max(correlation, 0.0), 1.0)
    unexplained, prices = math.sqrt(1 - r**2), math.sqrt(price_prediction / price_interview)
    # Below it fewer would be predicted than are interviewed, and the correction is no use.
    if r > unexplained * prices:
        n = max(math.ceil(ratio * unexplained * (unexplained + r * prices)), FEWEST_TO_TUNE + 1)
        # n is a little more than enough, since it is rounded up; the predictions make use of that.
        room = 1 / ratio - unexplained**2 / n
        predictions = max(math.ceil(r**2 / room), n)
        cost = n * price_interview + predictions * price_prediction
        if cost < cost_alone:
            return InterviewPlan(n, predictions, cost, alone, cost_alone)
    return InterviewPlan(alone, 0, cost_alone, alone, cost_alone)
