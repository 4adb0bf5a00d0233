"""What a study declares: the config as typed models. Imported by the Snakefile and the scripts, by no other room."""
