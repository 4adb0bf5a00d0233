"""Words before a model sees them: prompts, chat templates, option tokens, cleaning of posts."""
