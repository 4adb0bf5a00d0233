import pytest

from scripts.score_respondents import score_respondents
from stimmung.vocabulary.tables import read_table
from stimmung.vocabulary.votes_schemas import PREDICTIONS, SPLITS
from tests.scripts.test_train_fold_adapters import train


def score(small_study, output, **changes):
    options = {
        "adapters": [],
        "language": "en",
        "chat": False,
        "examples": 0,
        "normalization": "none",
        "readout": "exact",
        "tokens_per_batch": 4096,
        "method": "small/zero-shot",
        "seed": 24,
        "threads": 1,
        **changes,
    }
    score_respondents(
        base=small_study.base,
        respondents=small_study.respondents,
        prompts=small_study.prompts,
        splits=small_study.splits,
        codebook=small_study.codebook,
        output=output,
        **options,
    )
    return read_table(output, PREDICTIONS).set_index("respondent_id")


@pytest.fixture(scope="module")
def zero_shot(small_study, tmp_path_factory):
    return score(small_study, tmp_path_factory.mktemp("scored") / "zero-shot.parquet")


def test_every_respondent_is_tested_once_in_the_fold_of_the_splits(small_study, zero_shot):
    splits = read_table(small_study.splits, SPLITS).set_index("respondent_id")
    assert sorted(zero_shot.index) == sorted(splits.index)
    assert (zero_shot.fold == splits.fold[zero_shot.index]).all()
    assert set(zero_shot.method) == {"small/zero-shot"} and set(zero_shot.seed) == {24}


def test_each_fold_is_read_by_its_own_adapter(small_study, zero_shot, tmp_path):
    adapters = train(small_study, tmp_path)
    tuned = score(small_study, tmp_path / "tuned.parquet", adapters=adapters, method="small/tuned")
    swapped = score(small_study, tmp_path / "swapped.parquet", adapters=adapters[::-1], method="small/tuned")
    assert (tuned.option_mass - zero_shot.option_mass[tuned.index]).abs().min() > 1e-6
    assert (tuned.option_mass - swapped.option_mass[tuned.index]).abs().min() > 1e-6


def test_how_scoring_is_batched_does_not_matter(small_study, zero_shot, tmp_path):
    small = score(small_study, tmp_path / "small.parquet", tokens_per_batch=64)
    assert (small.p_Red - zero_shot.p_Red[small.index]).abs().max() < 1e-5


def test_examples_lengthen_the_prompt(small_study, zero_shot, tmp_path):
    few_shot = score(small_study, tmp_path / "few-shot.parquet", examples=2, method="small/few-shot")
    assert (few_shot.n_tokens > zero_shot.n_tokens[few_shot.index]).all()
