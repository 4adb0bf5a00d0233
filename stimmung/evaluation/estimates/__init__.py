"""From predictions to estimates: imputation, rectification, survey design."""
