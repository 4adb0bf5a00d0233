"""Simulate a panel: raw posts for each week, a weekly survey, and the latent mood behind both."""

from pathlib import Path

from stimmung.data.simulate.simulated_panel import simulate_week, tracker_table, truth_table
from stimmung.study.panels import Simulation
from stimmung.vocabulary.atomic_files import write_atomic
from stimmung.vocabulary.moods_schemas import SIGNALS, TRACKER
from stimmung.vocabulary.parquet_tables import write_table
from stimmung.vocabulary.weeks import Weeks
from stimmung.workflow.run import run


def simulate_panel(*, weeks: Weeks, simulate: Simulation, posts: Path, tracker: Path, truth: Path) -> None:
    """Write ``posts/{week}.csv`` as a platform would give it, the tracker and the latent mood."""
    simulated = [simulate_week(weeks, label, **simulate.model_dump()) for label in weeks.labels()]
    for week in simulated:
        write_atomic(posts / f"{week.label}.csv", week.posts.to_csv(index=False, lineterminator="\n"))
    write_table(tracker_table(simulated, simulate.n_respondents), tracker, TRACKER)
    write_table(truth_table(simulated), truth, SIGNALS)


if __name__ == "__main__":
    run(simulate_panel, snakemake)
