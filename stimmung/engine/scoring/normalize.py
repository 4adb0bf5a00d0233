"""From the loglikelihoods of answer options to probabilities."""

import math
from collections.abc import Sequence

import numpy as np


def normalize(
    loglikelihoods: Sequence[float] | np.ndarray,
    normalization: str,
    *,
    n_tokens: Sequence[int],
    options: Sequence[str],
    unconditional: np.ndarray | None = None,
) -> np.ndarray:
    """Return probabilities of the options, shape (options,), from their loglikelihoods in nats.

    Parameters
    ----------
    normalization
        'none': softmax of the loglikelihoods. 'token', 'byte': of the loglikelihoods divided by the option's length, which does not
        penalise long options (lm-evaluation-harness' acc_norm). 'pmi': minus the loglikelihood without the respondent, which takes the
        frequency of the words themselves out (Holtzman et al. 2021, eq. 2).
    options
        The options' words; their bytes are those of UTF-8, without the space before the first word.
    unconditional
        Loglikelihoods after a context without the respondent; for 'pmi'.
    """
    scores = np.asarray(loglikelihoods, dtype=float)
    if normalization == "token":
        scores = scores / n_tokens
    elif normalization == "byte":
        scores = scores / [len(option.strip().encode()) for option in options]
    elif normalization == "pmi":
        if unconditional is None:
            raise ValueError("pmi needs the unconditional loglikelihoods")
        scores = scores - unconditional
    shifted = np.exp(scores - scores.max())
    probabilities: np.ndarray = shifted / shifted.sum()
    return probabilities


def option_mass(loglikelihoods: Sequence[float] | np.ndarray) -> float:
    """Return the probability that the model answers with any of the options."""
    return min(1.0, math.fsum(np.exp(loglikelihoods)))
