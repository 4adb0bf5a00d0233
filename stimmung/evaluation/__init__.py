"""How good predictions and series are, with the uncertainty of each number."""
