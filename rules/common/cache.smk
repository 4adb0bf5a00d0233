"""Which rules share their outputs through Snakemake's between-workflow cache (docs/executors.md): all that run a language model.

Snakemake lets no such rule have a `benchmark:`, so that the scripts measure themselves. What they write is a log to Snakemake: it
removes logs before each attempt, so that what then comes from the cache has an empty one and cost nothing. Params and inputs must
say all that decides the files, and so must those of the rules before: wildcards, such as the model's name, do not count in the cache.
"""

# Only when it is asked for: every other run would begin with a warning that these rules could be cached.
CACHED = cached_or_exit(workflow.workflow_settings.cache, Path(STORE))
