"""Files that a person must bring: if one is not there, the run ends with one line before anything begins."""

# Jobs begin when everything is there, and of a storage only Snakemake knows what it holds.
MINDS_ABSENCE = (
    workflow.is_main_process
    and workflow.storage_settings.default_storage_provider is None
)


def given(files, key, made):
    """Files that the config names under `key`, and of which `made` is made."""
    if MINDS_ABSENCE:
        files_or_exit(STUDY, key, [files] if isinstance(files, str) else files, made)
    return files
