"""Tune an adapter for each imputation, on a bootstrap sample of the respondents whose answers are known."""

from pathlib import Path

from stimmung.engine.base.devices import use_threads
from stimmung.engine.base.model_files import load_tokenizer
from stimmung.engine.cohort.interruption import StopOnSignal
from stimmung.engine.scoring.imputation_adapters import tune_on_samples
from stimmung.evaluation.estimates.multiple_imputation import (
    Uncertainty,
    check_donors,
    donors_of,
    sampled_donors,
    seed_of_draw,
    tell_nothing_absent,
)
from stimmung.store.paths import Store
from stimmung.study.reading import load_codebook
from stimmung.text.personas import rendering_of
from stimmung.vocabulary.arms import ARMS
from stimmung.vocabulary.pace import Pace
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.vocabulary.training import Training
from stimmung.vocabulary.view import View
from stimmung.vocabulary.votes_schemas import PROMPTS, RESPONDENTS, SPLITS
from stimmung.workflow.run import run


def train_imputation_adapters(
    *,
    base: Path,
    respondents: Path,
    prompts: Path,
    splits: Path,
    codebook: Path,
    adapters: Path,
    arm: str,
    condition: str,
    m: int,
    uncertainty: Uncertainty,
    seed: int,
    language: str,
    chat: bool,
    training: Training,
    pace: Pace,
    store: Path,
    threads: int,
    view: View | None = None,
    weighted: bool = False,
) -> None:
    """Write ``m`` adapters to folders in ``adapters``, in the order of their names; none if every answer is known."""
    use_threads(threads)
    words, stop = load_codebook(codebook, view), StopOnSignal()
    people = read_table(respondents, RESPONDENTS)
    donors = donors_of(people, read_table(splits, SPLITS))
    check_donors(people[words.target], donors, m)
    if donors.all():
        # Under some conditions of a study everybody's answer may be known: nobody reads these adapters.
        tell_nothing_absent(words.target)
        adapters.mkdir(parents=True, exist_ok=True)
        return
    samples = sampled_donors(people[donors], m, seed, uncertainty)
    tune_on_samples(
        base.parent,
        training,
        read_table(prompts, PROMPTS),
        samples,
        [seed_of_draw(seed, draw) for draw in range(1, m + 1)],
        [adapters / f"draw-{draw:03d}" for draw in range(1, m + 1)],
        rendering_of(words, language, load_tokenizer(base.parent), chat, ARMS[arm].persona),
        Store(store),
        name=condition,
        pace=pace,
        stop=stop,
        weighted=weighted,
    )


if __name__ == "__main__":
    run(train_imputation_adapters, snakemake)
