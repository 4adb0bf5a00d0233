"""Files kept by their content: paths, keys, locks, adapter folders. No torch, so that every job can import it."""
