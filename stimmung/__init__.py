"""Votes and moods, read from the token probabilities of tuned language models."""

__version__ = "0.1.0"
