"""Quantise a base model once and save it, so that jobs load 4 bits instead of quantising 16."""

import shutil
from pathlib import Path

from stimmung.engine.base.devices import use_threads
from stimmung.engine.base.model_files import DESCRIPTION, read_description, strangers
from stimmung.engine.base.preparing import prepared_key, quantize_base, save_encoder
from stimmung.engine.cohort.interruption import exit_on_signal
from stimmung.engine.scoring.proof import prove_scores
from stimmung.store.adapter_folders import export_files, new_folder
from stimmung.store.lock import lock
from stimmung.store.paths import Store
from stimmung.vocabulary.atomic_files import write_json
from stimmung.workflow.run import run


def prepare_model(
    *,
    source: str,
    revision: str | None,
    quantization: str,
    compute_dtype: str,
    encoder: bool,
    store: Path,
    description: Path,
    files: list[Path],
    threads: int,
) -> None:
    """Write a base model's ``files``, prepared or linked from the store, and their ``description``: origin, sizes, digest, proof."""
    exit_on_signal()
    use_threads(threads)
    about = {"quantization": quantization, "compute_dtype": compute_dtype}
    key = prepared_key(source, revision, **about, encoder=encoder)
    stored = Store(store).model(key)
    with lock(Store(store).lock(key), f"the base model {source}"):
        if not stored.exists():
            for left in stored.parent.glob(f".{key}.*"):  # by killed jobs
                shutil.rmtree(left)
            with new_folder(stored) as draft:
                if encoder:
                    prepared = save_encoder(source, revision, compute_dtype, draft)
                else:
                    prepared = quantize_base(source, revision, **about, output=draft)
                    prepared["proof"] = prove_scores(draft)
                write_json(prepared, draft / DESCRIPTION)
    folder = description.parent
    export_files(stored, folder, [file.name for file in files])
    for name in strangers(folder):
        (folder / name).unlink()
    # Another study may have prepared the same model from elsewhere.
    write_json({**read_description(stored), "source": source, "revision": revision}, description)


if __name__ == "__main__":
    run(prepare_model, snakemake)
