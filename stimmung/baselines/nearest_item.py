"""What answers to the item with the most similar wording say of an item that nobody was asked for."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from stimmung.vocabulary.answer_options import in_language
from stimmung.vocabulary.codebook import Codebook

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
