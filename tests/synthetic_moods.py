"""A made-up panel: answers of adapters for each week and seed, a survey and signals beside them."""

import numpy as np
import pandas as pd
from scipy.special import log_softmax

from tests.weekly_tables import autoregression, week_labels

OPTIONS = ("Happy", "Sad", "Bored")
VARIANTS = ("upper", "lower")
SEEDS = (42, 99)


def make_moods(n_weeks=20, options=OPTIONS, variants=VARIANTS, seeds=SEEDS, noise=0.05, missing=(), seed=1):
    """Return answers, tracker, words, truth and week labels; ``missing`` weeks have no answers."""
    random = np.random.default_rng(seed)
    weeks = week_labels(n_weeks)
    mood = log_softmax(autoregression([0.7], (len(options), n_weeks), seed)[0], axis=0)
    asked = []
    for variant, shift in zip(variants, random.normal(0, 0.5, (len(variants), len(options))), strict=True):
        asked.append(("tiny/base", "", -1, variant, shift))
        for place, week in enumerate(weeks):
            for one in seeds:
                logits = mood[:, place] + shift + noise * random.standard_normal(len(options))
                asked.append(("tiny/weekly", week, one, variant, logits))
    rows = [
        (model, week, one, variant, option, float(value))
        for model, week, one, variant, logits in asked
        if week not in missing
        for option, value in zip(options, log_softmax(logits), strict=True)
    ]
    columns = ["model", "week", "seed", "variant", "option", "loglikelihood"]
    answers = pd.DataFrame(rows, columns=columns).assign(panel="made-up", question="mood", n_tokens=1)
    answers = answers.assign(probability=np.exp(answers["loglikelihood"]), option_mass=1.0)
    share = np.exp(mood)
    grid = {"week": np.tile(weeks, len(options)), "option": np.repeat(options, n_weeks)}
    truth = pd.DataFrame({**grid, "signal": "latent", "value": share.ravel(), "n": 100.0})
    counted = truth.assign(signal="words", value=(share + 0.1 * random.random(share.shape)).ravel())
    survey = share + 0.01 * random.standard_normal(share.shape)
    tracker = pd.DataFrame({**grid, "question": "mood", "share": survey.clip(0, 1).ravel(), "n": 2000.0})
    return {"answers": answers, "tracker": tracker, "words": counted, "truth": truth, "weeks": weeks}
