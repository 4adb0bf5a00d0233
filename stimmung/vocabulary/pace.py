"""How the work is done, never what comes out of it: the `engine` section of the config."""

from typing import Literal

from pydantic import Field

from stimmung.vocabulary.strict import Strict


class Pace(Strict):
    """What the trainer is told. Results agree within floating point for all values."""

    cohort: Literal["auto", "stacked", "sequential"] = Field(
        "auto",
        description="Whether the adapters of a job train at once or one after another. auto: what is faster.",
    )
    adapters_at_once: int = Field(
        8,
        gt=0,
        description="Most adapters in memory at once. A GPU without memory for so many takes half, and half again.",
    )
    checkpoint_minutes: float = Field(10, gt=0, description="How much training a sudden kill may cost.")


class Engine(Pace):
    """The whole section."""

    weeks_per_job: int = Field(
        1,
        gt=0,
        description="Weeks of a panel that one job trains, with all their seeds. More weeks save starts of Python and loading the "
        "model; fewer train side by side.",
    )
    tokens_per_batch: int = Field(
        16384,
        gt=0,
        description="Most tokens in one scoring batch. A batch that does not fit on the GPU is split in two and retried.",
    )

    def pace(self) -> dict[str, object]:
        """Return what the trainer is told, as plain Python for a rule's params."""
        return self.model_dump(include=set(Pace.model_fields))


class Limit(Strict):
    """Memory and time that a job of a model up to a size asks for: one entry of the ``limits`` section, which a profile sets."""

    up_to_billions: float = Field(
        gt=0, description="Models of up to this many billion parameters, unless a smaller entry fits."
    )
    mem_mb: int = Field(gt=0, description="Main memory of a job, in MB. A retried job gets more.")
    minutes_per_1000_rows: float = Field(
        gt=0,
        description="Minutes per 1,000 rows (respondents times epochs, or posts) of one adapter, on the safe side: a time limit, not an estimate.",
    )
