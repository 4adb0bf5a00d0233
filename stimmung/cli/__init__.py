"""The command `stimmung`: check, prompts, draft-codebook, schema."""
