from pathlib import Path

import pytest

from scripts.read_survey import read_survey
from scripts.split_respondents import split_respondents
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.vocabulary.votes_schemas import RESPONDENTS, SPLITS

CODEBOOK = Path(__file__).parents[2] / "codebooks/anes1996.yaml"
DEMOCRATS = ["strong Democrat", "weak Democrat", "independent Democrat"]


@pytest.fixture(scope="module")
def respondents(tmp_path_factory):
    folder = tmp_path_factory.mktemp("anes1996")
    output = folder / "respondents.parquet"
    read_survey(
        file="statsmodels:anes96",
        codebook=CODEBOOK,
        language="en",
        where={},
        weight=None,
        respondents=output,
        provenance=folder / "provenance.json",
    )
    return output


def split(respondents, output, condition, **changes):
    chosen = {
        "exclude": {},
        "keep": {},
        "share": None,
        "folds": 5,
        "seed": 24,
        "complete": [],
        "same_size_as": None,
    }
    split_respondents(
        respondents=respondents, target="vote", condition=condition, splits=output, **(chosen | changes)
    )
    return read_table(output, SPLITS)


def test_the_demos_conditions_change_training_masks_and_nothing_else(respondents, tmp_path):
    table = read_table(respondents, RESPONDENTS)
    full = split(respondents, tmp_path / "full.parquet", "full")
    without = split(
        respondents, tmp_path / "without.parquet", "no-democrats", exclude={"party_id": DEMOCRATS}
    )
    share = split(respondents, tmp_path / "share.parquet", "share-10", share=0.1)
    assert full.in_training.all()
    assert full.fold.value_counts().between(188, 190).all()
    assert (without.in_training == ~table.party_id.isin(DEMOCRATS)).all()
    assert abs(share.in_training.sum() - 94.4) < 1
    for splits in (without, share):
        assert splits.fold.equals(full.fold)
        assert splits.respondent_id.equals(full.respondent_id)
    assert set(share.condition) == {"share-10"}


def test_two_runs_write_the_same_bytes(respondents, tmp_path):
    for name in ("first.parquet", "second.parquet"):
        split(respondents, tmp_path / name, "share-30", share=0.3)
    assert (tmp_path / "first.parquet").read_bytes() == (tmp_path / "second.parquet").read_bytes()


def test_a_condition_that_leaves_nobody_writes_nothing(respondents, tmp_path):
    output = tmp_path / "results" / "nobody.parquet"
    keep = {"party_id": ["strong Democrat"], "vote": ["Dole"], "left_right_self": ["extremely liberal"]}
    with pytest.raises(InputError, match="condition 'nobody' leaves nobody to train on"):
        split(respondents, output, "nobody", keep=keep)
    assert not output.parent.exists()
