"""Tables for readers of a select-all target: its options together, and the share of each."""

import pandas as pd

from stimmung.evaluation.votes.vote_metrics import VOTE_METRICS
from stimmung.report.table_rows import rows_of
from stimmung.report.tables import DASH, Cell, Group, Table, estimate, number

TOGETHER = {
    "macro_f1": VOTE_METRICS["macro_f1"].heading,
    "micro_f1": VOTE_METRICS["macro_f1"].heading.replace("Macro", "Micro"),
    "log_loss": VOTE_METRICS["log_loss"].heading,
    "brier": VOTE_METRICS["brier"].heading,
}


def options_table(item: str, metrics: pd.DataFrame) -> Table:
    """Return a row for each method: the metrics of all options together, and the predicted share of each; grouped by condition.

    The observed shares stand first in each group: conditions that leave respondents out test others.
    """
    shares = metrics[metrics["metric"] == "predicted_share"]
    options = list(map(str, shares["option"].unique()))
    errors = metrics[metrics["metric"] == "share_error"].set_index(["method", "condition", "option"])["value"]
    keys = pd.MultiIndex.from_frame(shares[["method", "condition", "option"]])
    observed = shares.assign(value=shares["value"].to_numpy() - errors[keys].to_numpy())
    together = metrics[metrics["option"].isna() & metrics["metric"].isin(TOGETHER)].assign(
        column=lambda part: part["metric"]
    )
    cells = pd.concat([together, shares.assign(column=shares["option"])])
    groups = []
    for condition, part in cells.groupby("condition", sort=False):
        own = observed[observed["condition"] == condition].groupby("option", sort=False)["value"].first()
        said = [Cell(number(own[name])) if name in own else Cell(DASH) for name in options]
        rows = rows_of(part, "method", "column", [*TOGETHER, *options], estimate)
        groups.append(
            Group(str(condition), [[Cell("observed"), *[Cell(DASH)] * len(TOGETHER), *said], *rows])
        )
    caption = (
        f"The select-all item '{item}': F1, log-loss and Brier score (squared error of the probability that an option was chosen, "
        "0 to 1) of all options together; behind them the share of each option, observed and predicted. Shares do not sum to 1. Mean "
        "over folds, in brackets the 95 % interval. Who has predictions of some options only has no metrics of all together."
    )
    return Table(caption, ["Method", *TOGETHER.values(), *options], groups)
