"""Made-up respondents and posts, from a truth that is known."""
