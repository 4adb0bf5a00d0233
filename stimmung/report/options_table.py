"""Tables for readers of a select-all target: its options together, and the share of each."""

import pandas as pd

from stimmung.evaluation.votes.vote_metrics import VOTE_METRICS
from stimmung.report.table_rows import rows_of
from stimmung.report.tables import Group, Table, estimate, number

TOGETHER = {
    "macro_f1": VOTE_METRICS["macro_f1"].heading,
    "micro_f1": VOTE_METRICS["macro_f1"].heading.replace("Macro", "Micro"),
    "log_loss": VOTE_METRICS["log_loss"].heading,
    "brier": VOTE_METRICS["brier"].heading,
}


def options_table(item: str, metrics: pd.DataFrame) -> Table:
    """Return a row for each method: the metrics of all options together, and the predicted share of each; grouped by condition."""
    shares = metrics[metrics["metric"] == "predicted_share"]
    errors = metrics[metrics["metric"] == "share_error"]
    observed = shares.set_index("option")["value"] - errors["value"].to_numpy()
    options = {
        str(name): f"{name} ({number(value, 2)})"
        for name, value in observed.groupby(level=0, sort=False).first().items()
    }
    together = metrics[metrics["option"].isna() & metrics["metric"].isin(TOGETHER)].assign(
        column=lambda part: part["metric"]
    )
    cells = pd.concat([together, shares.assign(column=shares["option"])])
    groups = [
        Group(str(condition), rows_of(part, "method", "column", [*TOGETHER, *options], estimate))
        for condition, part in cells.groupby("condition", sort=False)
    ]
    caption = (
        f"The select-all item '{item}': F1, log-loss and Brier score (squared error of the probability that an option was chosen, "
        "0 to 1) of all options together; behind them the predicted share of each option, the observed one in the head. Shares do "
        "not sum to 1. Mean over folds, in brackets the 95 % interval."
    )
    return Table(caption, ["Method", *TOGETHER.values(), *options.values()], groups)
