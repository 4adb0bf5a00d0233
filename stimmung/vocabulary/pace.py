"""How the work is done, never what comes out of it: the `engine` and `limits` sections of the config."""

from typing import Annotated, Literal

from pydantic import Field

from stimmung.vocabulary.strict import Strict


class Pace(Strict):
    """What the trainer is told. Results agree within floating point for all values."""

    cohort: Literal["auto", "stacked", "sequential"] = "auto"
    """stacked: the adapters of a job train at the same time. sequential: one after another. auto: whichever is faster."""
    adapters_at_once: Literal["auto"] | Annotated[int, Field(gt=0)] = "auto"
    """Most adapters in memory at a time. auto: as many as a GPU's memory is reckoned to hold; on a CPU at most 8, in 3 GB. If a GPU
    runs out of memory nevertheless, it is halved until they fit."""
    checkpoint_minutes: float = Field(10, gt=0)
    """Minutes between checkpoints: how much training a sudden kill may cost."""


class Engine(Pace):
    """How the work is done. It changes time and memory, not the results (beyond floating point)."""

    weeks_per_job: int = Field(1, gt=0)
    """Weeks of a panel that one job trains, with all seeds. More save starts of Python; fewer leave more to run side by side."""
    tokens_per_batch: int = Field(16384, gt=0)
    """Most tokens in one scoring batch. A batch that does not fit on the GPU is split in two and retried."""

    def pace(self) -> dict[str, object]:
        """Return what the trainer is told, as plain Python for a rule's params."""
        return self.model_dump(include=set(Pace.model_fields))


class Limit(Strict):
    """Memory and time that a job asks for, by the size of its model. A profile sets the list, never config.yaml or a study."""

    up_to_billions: float = Field(gt=0)
    """For models of up to this many billion parameters; the smallest entry that fits holds, else the last."""
    mem_mb: int = Field(gt=0)
    """Main memory of a job, in MB. A job that is retried asks for more."""
    minutes_per_1000_rows: float = Field(gt=0)
    """Minutes per 1,000 rows: respondents (or blocks of posts) times epochs times folds (or weeks and seeds). Plus 30 minutes."""
