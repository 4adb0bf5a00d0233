"""What answers to the item with the most similar wording say of an item that nobody was asked for."""

import logging
from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from stimmung.baselines.predict_folds import Predict
from stimmung.vocabulary.answer_options import in_language
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.similar_items import same_options

logger = logging.getLogger(__name__)

Floats = npt.NDArray[np.float64]


def most_similar(words: Codebook, items: Sequence[str], language: str) -> dict[str, float]:
    """Return the similarity of each item's wording to the target's, the most similar first; of equals the first of the codebook.

    The cosine of TF-IDF vectors of the words, whose document frequencies are those of all wordings of the codebook (Salton and Buckley
    1988, Information Processing & Management 24, 513). No answer is looked at.
    """
    # Imported here: what checks a config needs no scikit-learn.
    from sklearn.feature_extraction.text import TfidfVectorizer

    names = list(words.items)
    wordings = [in_language(words.items[name].wording, language) for name in names]
    # Also words of one letter or digit, which the default leaves out.
    vectors = TfidfVectorizer(token_pattern=r"\w+").fit_transform(wordings)
    cosines = (vectors @ vectors[names.index(words.target)].T).toarray()[:, 0]
    found = {name: float(cosines[names.index(name)]) for name in items}
    return dict(sorted(found.items(), key=lambda one: -one[1]))


def answers_of_item(
    train: pd.DataFrame, test: pd.DataFrame, item: str, options: Sequence[str], own: bool
) -> Floats:
    """Return the probability of each of the target's options for each test row by an item with the same options, (n_test, n_options).

    The weighted shares of the item's answers in ``train``; with ``own``, 1 for what the respondent answered to it, and the shares for
    who did not.
    """
    matching = {option.casefold(): place for place, option in enumerate(options)}

    def codes(rows: pd.DataFrame) -> npt.NDArray[np.intp]:
        places = [matching[str(label).casefold()] for label in rows[item].cat.categories]
        return np.append(places, -1).astype(np.intp)[rows[item].cat.codes.to_numpy()]

    known = codes(train)
    counts = np.bincount(
        known[known >= 0], train["weight"].to_numpy(float)[known >= 0], minlength=len(options)
    )
    # Without any answer to it, nothing is known.
    shares = counts / counts.sum() if counts.sum() else np.full(len(options), 1 / len(options))
    predicted = np.tile(shares, (len(test), 1))
    if own:
        answered = codes(test)
        predicted[answered >= 0] = np.eye(len(options))[answered[answered >= 0]]
    return predicted


def by_nearest_item(words: Codebook, hidden: Sequence[str], language: str, *, own: bool) -> Predict:
    """Return what predicts the target by the item with the most similar wording and the same options; ``own`` as there.

    ``hidden`` items are no candidates. Which item it is, and which more similar ones have other options, is told in the log.
    """
    similar = most_similar(words, same_options(words, hidden, language), language)
    others = most_similar(words, words.predictors_without(hidden), language)
    nearest = next(iter(similar))
    logger.info(
        "the item most similar to '%s' by its wording: '%s' (%.2f)", words.target, nearest, similar[nearest]
    )
    if refused := [name for name, value in others.items() if value > similar[nearest]]:
        logger.info("more similar, with other options, and not used: %s", ", ".join(refused))
    return partial(answers_of_item, item=nearest, options=words.target_labels(language), own=own)
