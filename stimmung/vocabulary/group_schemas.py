"""The schemas of the tables about groups of respondents and the distributions of their answers."""

import pandera.pandas as pa

from stimmung.vocabulary.parquet_tables import PROBABILITY, columns, table_schema

ALL_ITEMS = "(all)"  # of a DISTRIBUTIONS table: the mean over the items of a group

_positive = pa.Check.gt(0)
# With them stand the answers that make the group, as in a RESPONDENTS table. Each group is tested in one fold.
GROUPS = pa.DataFrameSchema(
    {**columns(str, "group", unique=True), **columns("int8", "fold", checks=pa.Check.ge(0))}, name="groups"
)
# Of each option, also if nobody chose it; n respondents answered, and so many drawn one by one would say as much (Kish 1965).
GROUP_SHARES = table_schema(
    "group shares",
    columns(str, "group", "item", "option"),
    columns(float, "share", checks=PROBABILITY),
    columns(float, "n", "n_effective", checks=_positive),
    unique=["group", "item", "option"],
)
GROUP_PREDICTIONS = table_schema(
    "group predictions",
    columns(str, "method"),
    columns(int, "seed"),
    columns("int8", "fold", checks=pa.Check.ge(0)),
    columns(str, "group", "item", "option"),
    columns(float, "predicted", checks=PROBABILITY),
    unique=["method", "seed", "group", "item", "option"],
)
# What each column means: stimmung.evaluation.votes.group_distances.
DISTRIBUTIONS = table_schema(
    "distributions",
    columns(str, "method", "item", "metric"),
    columns(float, "value", "ci_low", "ci_high", nullable=True),
    columns(float, "sampling_noise"),
    columns(float, "difference", "difference_low", "difference_high", nullable=True),
    columns(int, "n_groups", checks=_positive),
    unique=["method", "item", "metric"],
)
