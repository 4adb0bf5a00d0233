"""How good predictions of respondents are."""
