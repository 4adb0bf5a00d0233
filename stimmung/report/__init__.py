"""Figures, tables and the HTML page, from finished tables."""
