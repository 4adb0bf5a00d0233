"""Which predictions are compared with an answer."""

import pandas as pd

from stimmung.vocabulary.votes_schemas import NO_FOLD, is_tested


def answered(predictions: pd.DataFrame, splits: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that can be compared with an answer: who gave none is predicted for `impute_answers`.

    Of a condition that leaves respondents out, these alone: the others were learned from.
    """
    chosen = predictions["fold"] != NO_FOLD
    if "tested" in splits:
        keys = ["respondent_id", "condition"]
        tested = pd.MultiIndex.from_frame(splits.loc[is_tested(splits), keys])
        chosen &= pd.MultiIndex.from_frame(predictions[keys]).isin(tested)
    return predictions[chosen].reset_index(drop=True)
