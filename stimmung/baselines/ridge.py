"""Ridge regression as a classifier of answer options: what a survey researcher would first predict an ordered answer with."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import RidgeCV

Floats = NDArray[np.float64]


class RidgeOptions(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Ridge regression (Hoerl and Kennard 1970) of the answer's place among the options, with normal errors.

    An option's probability is the mass of the predictive distribution between the middles to its neighbours; the first and last
    option have the tails. Its spread is that of the leave-one-out errors in training. Options that are not ``ordered`` each have a
    regression of their own, whose predictions are cut to be positive and scaled to sum to 1: a linear probability model.
    """

    def __init__(self, alpha: float = 1.0, ordered: bool = True) -> None:
        self.alpha = alpha
        self.ordered = ordered

    def fit(self, x: Any, y: Any) -> Self:
        """Learn from rows whose options are the numbers ``y``, in their order."""
        self.classes_, places = np.unique(y, return_inverse=True)
        answers = places.astype(float) if self.ordered else np.eye(len(self.classes_))[places]
        self.model_ = RidgeCV(alphas=[self.alpha], store_cv_results=True).fit(np.asarray(x), answers)
        self.spread_ = float(np.sqrt(np.mean(self.model_.cv_results_)))
        return self

    def predict_proba(self, x: Any) -> Floats:
        """Return the probability of each option of ``classes_``, shape (rows, options)."""
        predicted = self.model_.predict(np.asarray(x))
        if not self.ordered:
            # A choice: the least that an option gets, so that no probability is 0.
            positive = np.clip(predicted, 1e-3, None)
            return np.asarray(positive / positive.sum(axis=1, keepdims=True))
        middles = np.arange(len(self.classes_) - 1) + 0.5
        below = norm.cdf((middles - predicted[:, None]) / max(self.spread_, 1e-9))
        return np.diff(below, prepend=0.0, append=1.0, axis=1)

    def predict(self, x: Any) -> Any:
        """Return the most probable option of each row."""
        return self.classes_[self.predict_proba(x).argmax(axis=1)]
