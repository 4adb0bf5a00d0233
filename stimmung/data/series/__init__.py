"""Weekly and daily series beside a panel: trackers and signals."""
