"""What a language model must beat: tabular, counting and lexicon methods behind one interface."""
