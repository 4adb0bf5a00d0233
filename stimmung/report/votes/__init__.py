"""The reported results of a survey, one in each file."""
