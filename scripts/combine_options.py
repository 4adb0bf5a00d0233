"""Put the options of a select-all target together: a table of all predictions, and metrics of several labels."""

from collections.abc import Mapping
from itertools import islice
from pathlib import Path

from stimmung.evaluation.votes.option_metrics import measure_options, stack_options
from stimmung.evaluation.votes.tested_rows import answered
from stimmung.report.options_table import options_table
from stimmung.report.tables import to_csv, to_latex
from stimmung.vocabulary.atomic_files import write_atomic
from stimmung.vocabulary.parquet_tables import read_table, read_tables, write_table
from stimmung.vocabulary.predictions_by_target import read_all_predictions
from stimmung.vocabulary.votes_schemas import FOLD_METRICS, METRICS, SELECTED, SPLITS
from stimmung.workflow.run import run


def combine_options(
    *,
    predictions: list[Path],
    splits: list[Path],
    folds: list[Path],
    results: Path,
    measures: Path,
    csv: Path,
    latex: Path,
    item: str,
    options: Mapping[str, str],
    sizes: list[int],
    n_splits: list[int],
    chosen: str,
    weighted: bool,
    simulated: bool,
) -> None:
    """Write all predictions of the item's options, one row for each respondent and option, and their metrics.

    ``options`` are the items of the options with their words; ``predictions`` are the tables of the first of them, then of the
    second, and so on, as many as ``sizes`` say; so are ``splits``, as many as ``n_splits`` say; ``folds`` are the FOLD_METRICS table
    of each, and ``chosen`` is the answer that an option was chosen. Measured are the respondents whom a condition tests.
    """
    predicted, split = iter(predictions), iter(splits)
    tables, tested = {}, {}
    for (option, words), size, n in zip(options.items(), sizes, n_splits, strict=True):
        tables[words] = read_all_predictions(list(islice(predicted, size)), option)
        tested[words] = answered(tables[words], read_tables(list(islice(split, n)), SPLITS))
    selected = stack_options(tables, chosen)
    of_folds = {words: read_table(path, FOLD_METRICS) for words, path in zip(tables, folds, strict=True)}
    measured = measure_options(stack_options(tested, chosen), of_folds, chosen, weighted)
    mark = "simulated" if simulated else None
    write_table(selected, results, SELECTED)
    write_table(measured, measures, METRICS)
    write_atomic(csv, to_csv(measured, mark))
    write_atomic(latex, to_latex(options_table(item, measured).marked(mark), f"tab:{item}"))


if __name__ == "__main__":
    run(combine_options, snakemake)
