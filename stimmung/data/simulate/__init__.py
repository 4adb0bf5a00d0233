"""Simulated respondents and posts, whose true values are known."""
