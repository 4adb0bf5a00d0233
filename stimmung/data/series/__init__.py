"""Weekly and daily series that a panel is compared with: trackers and signals."""
