"""Probabilities of answer options, from a base with or without adapters."""
