"""Readers of surveys, panels and trackers; splits; simulation."""
