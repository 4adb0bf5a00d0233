"""Predict the shares of every held-out group's answers without a language model."""

from pathlib import Path

from stimmung.baselines.group_baselines import predict_groups
from stimmung.vocabulary.group_schemas import GROUP_PREDICTIONS, GROUP_SHARES, GROUPS
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.workflow.run import run


def predict_group_baselines(
    *, groups: Path, shares: Path, predictions: Path, by: list[str], seed: int
) -> None:
    """Write the predictions of all baselines for all targets."""
    found = predict_groups(read_table(groups, GROUPS), read_table(shares, GROUP_SHARES), by, seed)
    write_table(found, predictions, GROUP_PREDICTIONS)


if __name__ == "__main__":
    run(predict_group_baselines, snakemake)
