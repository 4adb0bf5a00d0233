"""How a job runs: start, signals, parameters from a rule, code digest, resources."""
