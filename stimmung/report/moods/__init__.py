"""The reported results of a panel, one in each file."""
