"""Quantise a base model once and save it, so that jobs load 4 bits instead of quantising 16."""

from pathlib import Path
from typing import TYPE_CHECKING

from stimmung.engine.base.base_model import quantize_base
from stimmung.engine.base.devices import use_threads
from stimmung.engine.base.encoders import save_encoder
from stimmung.vocabulary.atomic_files import write_json
from stimmung.workflow.job import job
from stimmung.workflow.measured import measured
from stimmung.workflow.wait_for_twin_job import once

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def prepare_model(
    *,
    source: str,
    revision: str | None,
    quantization: str,
    compute_dtype: str,
    encoder: bool = False,
    threads: int,
    description: Path,
) -> None:
    """Write the base beside ``description``, and into it where the base comes from and its digest."""
    use_threads(threads)
    if encoder:
        found = save_encoder(source, revision, compute_dtype, description.parent)
    else:
        found = quantize_base(source, revision, quantization, compute_dtype, description.parent)
    write_json(found, description)


if __name__ == "__main__":
    with job(snakemake), once(snakemake) as wanted:
        if wanted:
            with measured(Path(snakemake.log.cost)):
                prepare_model(
                    source=snakemake.params.source,
                    revision=snakemake.params.revision,
                    quantization=snakemake.params.quantization,
                    compute_dtype=snakemake.params.compute_dtype,
                    encoder=snakemake.params.encoder,
                    threads=snakemake.threads,
                    description=Path(snakemake.output.description),
                )
