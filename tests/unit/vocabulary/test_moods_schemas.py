"""The tables of a panel hold what the correlations take for granted: days, shares, correlations, each of them once."""

import pandas as pd
import pandera.pandas as pa
import pytest

from stimmung.vocabulary.moods_schemas import ANSWERS, BASE_SEED, BASE_WEEK, CCF, POSTS, RECOVERY, TRACKER
from stimmung.vocabulary.parquet_tables import empty_table

TRACKED = pd.DataFrame(
    {"week": ["2020-03-05"], "question": "mood", "option": "Happy", "share": 0.4, "n": 1000.0}
)


@pytest.mark.parametrize("change", [{"share": 40.0}, {"week": "5 March 2020"}, {"n": -1.0}, {"option": None}])
def test_a_percentage_is_no_share_and_a_date_in_words_no_week(change):
    TRACKER.validate(TRACKED)
    with pytest.raises(pa.errors.SchemaError):
        TRACKER.validate(TRACKED.assign(**change))


def test_a_week_has_one_share_of_an_option():
    with pytest.raises(pa.errors.SchemaError, match="unique"):
        TRACKER.validate(pd.concat([TRACKED, TRACKED], ignore_index=True))


def test_a_post_without_words_is_none():
    post = pd.DataFrame({"post_id": ["1"], "week": "2020-03-05", "author": "ab", "text": "Fine."})
    POSTS.validate(post)
    with pytest.raises(pa.errors.SchemaError, match="text"):
        POSTS.validate(post.assign(text=""))


def test_the_untuned_model_is_a_model_without_a_week():
    answer = pd.DataFrame(
        {
            "panel": ["demo"],
            "model": "tiny/base",
            "week": BASE_WEEK,
            "seed": BASE_SEED,
            "question": "mood",
            "variant": "plain",
            "option": "Happy",
            "loglikelihood": -1.2,
            "n_tokens": 1,
            "probability": 0.6,
            "option_mass": 0.5,
        }
    )
    ANSWERS.validate(answer)
    with pytest.raises(pa.errors.SchemaError, match="week"):
        ANSWERS.validate(answer.assign(week="first"))
    with pytest.raises(pa.errors.SchemaError, match="loglikelihood"):
        ANSWERS.validate(answer.assign(loglikelihood=0.3))


@pytest.mark.parametrize("schema", [CCF, RECOVERY])
def test_a_panel_that_has_nothing_for_a_table_has_an_empty_one(schema):
    schema.validate(empty_table(schema))
