"""The reported results of a survey of groups, one in each file."""
