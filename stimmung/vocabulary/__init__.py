"""The words everything else is written in: survey items, answer options, table schemas, errors."""
