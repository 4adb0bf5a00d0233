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

    adapters_per_job: int | None = Field(
        None,
        gt=0,
        description="Adapters of a survey that one job trains: all of some conditions, or all folds of some seeds of one, "
        "or some folds of one seed. null: what takes about minutes_per_job.",
    )
    weeks_per_job: int | None = Field(
        None,
        gt=0,
        description="Weeks of a panel that one job trains. null: what takes about minutes_per_job, of long weeks some seeds.",
    )
    minutes_per_job: float = Field(30, gt=5, description="Of the GPU that gpu_tflops describes.")
    gpu_tflops: float | None = Field(
        None,
        gt=0,
        description="10^12 operations a second that come about in training; profiles/slurm sets it. Jobs are then cut by counted "
        "respondents and posts. null: no GPU is configured. Work is reckoned as with 100, without counting, and conditions are "
        "jobs of their own, however short, for all cores.",
    )
    tokens_per_batch: int = Field(
        16384,
        gt=0,
        description="Most tokens of one scoring batch. One that a GPU cannot hold goes in halves.",
    )

    def pace(self) -> dict[str, object]:
        """Return what the trainer is told, as plain Python."""
        return self.model_dump(include=set(Pace.model_fields))
