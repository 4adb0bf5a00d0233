"""What of two weekly series can be believed."""
