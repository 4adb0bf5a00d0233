"""The frozen base model: prepared once, loaded by every job."""
