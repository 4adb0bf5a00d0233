"""Training of adapters that share one base."""
