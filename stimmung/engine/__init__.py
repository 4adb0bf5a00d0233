"""Base models, cohort training and option scoring: the only room that imports torch."""
