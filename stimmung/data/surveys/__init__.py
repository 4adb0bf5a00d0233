"""Survey files and codebooks: from codes to respondents, and who is tested in which fold."""
