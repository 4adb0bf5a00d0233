"""What must be beaten in predicting the shares of a group's answers: no knowledge, the other groups, a multilevel regression."""

import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from stimmung.vocabulary.parquet_tables import BASELINE_PREFIX

logger = logging.getLogger(__name__)

Floats = npt.NDArray[np.float64]


class Known(NamedTuple):
    """The training groups: the answers that make them, their shares (groups, options), and the effective n behind these (groups,)."""

    answers: pd.DataFrame
    shares: Floats
    n: Floats


# From the training groups and the answers that make the tested ones to the shares of these.
Predictor = Callable[[Known, pd.DataFrame], Floats]

MEAN_OF_OTHERS = f"{BASELINE_PREFIX}mean-of-other-groups"


def uniform(known: Known, test: pd.DataFrame) -> Floats:
    """Return the same share for each option."""
    return np.full((len(test), known.shares.shape[1]), 1 / known.shares.shape[1])


def mean_of_others(known: Known, test: pd.DataFrame) -> Floats:
    """Return the mean of the shares of the training groups, each counting once."""
    return np.tile(known.shares.mean(axis=0), (len(test), 1))


def multilevel(known: Known, test: pd.DataFrame) -> Floats:
    """Return the shares that a multilevel regression on the items that make the groups predicts.

    For each option, the empirical logit of its share, log((s n + 1/2) / ((1 - s) n + 1/2)) (Haldane 1956), is a mean and a random
    effect of each answer to each item (crossed, statsmodels' MixedLM, REML): answers that few groups gave are drawn towards the mean
    (Gelman and Hill 2007, Data analysis using regression and multilevel models, chapter 13). There are no interactions, and groups
    of many respondents count as those of few. The options' shares are then scaled to a sum of 1.
    """
    n, count = known.n[:, None], known.shares * known.n[:, None]
    logits = np.log((count + 0.5) / (n - count + 0.5))
    fitted = np.stack([_mixed(known.answers, one, test) for one in logits.T], axis=1)
    predicted = 1 / (1 + np.exp(-fitted))
    return np.asarray(predicted / predicted.sum(axis=1, keepdims=True))


def _mixed(train: pd.DataFrame, y: Floats, test: pd.DataFrame) -> Floats:
    """Return the prediction of ``y`` for the tested groups: the mean, and the effects of their answers; 0 for an unseen answer."""
    mean = np.full(len(test), float(y.mean()))
    varying = [name for name in train if train[name].nunique() > 1]
    if not varying or len(train) < 3 or np.ptp(y) == 0:
        return mean
    # It takes a second to import.
    from statsmodels.regression.mixed_linear_model import MixedLM

    data = train[varying].set_axis([f"x{place}" for place in range(len(varying))], axis=1)
    effects = {name: f"0 + C({name})" for name in data}
    try:
        with warnings.catch_warnings():
            # Of a variance of 0, a common and harmless result, or of a small change in the last step.
            warnings.simplefilter("ignore")
            model = MixedLM.from_formula(
                "y ~ 1", data.assign(y=y), re_formula="0", vc_formula=effects, groups=np.ones(len(data))
            )
            fit = model.fit()
        found = next(iter(fit.random_effects.values()))
        intercept = float(fit.fe_params.iloc[0])
    except (np.linalg.LinAlgError, ValueError) as error:
        logger.warning("multilevel: no fit (%s); the mean instead", error)
        return mean
    if not np.isfinite(intercept) or not np.isfinite(found).all():
        logger.warning("multilevel: no finite fit; the mean instead")
        return mean
    predicted = np.full(len(test), intercept)
    for place, name in enumerate(varying):
        predicted += [found.get(f"x{place}[C(x{place})[{answer}]]", 0.0) for answer in test[name]]
    return predicted


GROUP_BASELINES: Mapping[str, Predictor] = {
    f"{BASELINE_PREFIX}uniform": uniform,
    MEAN_OF_OTHERS: mean_of_others,
    f"{BASELINE_PREFIX}multilevel": multilevel,
}


def predict_groups(groups: pd.DataFrame, shares: pd.DataFrame, by: Sequence[str], seed: int) -> pd.DataFrame:
    """Return the GROUP_PREDICTIONS table of all baselines: each group's shares from the groups of the other folds.

    ``groups`` and ``shares`` are GROUPS and GROUP_SHARES tables, ``by`` the items that make the groups. Nothing is drawn; ``seed``
    stands in the table.
    """
    # An absent answer is a kind of its own.
    answers = groups.set_index("group")[list(by)].astype("str").fillna("")
    fold_of = groups.set_index("group")["fold"]
    rows: list[dict[str, Any]] = []
    for item, part in shares.groupby("item", sort=False):
        options = list(part["option"].unique())
        observed = part.pivot(index="group", columns="option", values="share")[options]
        n = part.groupby("group")["n_effective"].first().loc[observed.index].to_numpy(dtype=float)
        folds = fold_of.loc[observed.index].to_numpy()
        about, of_groups = answers.loc[observed.index], observed.to_numpy(dtype=float)
        for fold in np.unique(folds):
            test, train = folds == fold, folds != fold
            for method, predict in GROUP_BASELINES.items():
                predicted = predict(Known(about[train], of_groups[train], n[train]), about[test])
                rows += [
                    {
                        **{"method": method, "seed": seed, "fold": fold, "group": group},
                        **{"item": item, "option": option, "predicted": share},
                    }
                    for group, each in zip(observed.index[test], predicted, strict=True)
                    for option, share in zip(options, np.clip(each, 0, 1), strict=True)
                ]
    return pd.DataFrame(rows).astype({"fold": "int8"})
