"""A job that is started again trains what is missing, from where it was."""

import json
from collections import Counter

import pytest

from stimmung.engine.base.preparing import quantize_base
from stimmung.engine.cohort import optimizer_step
from stimmung.engine.cohort.missing_adapters import train_missing
from stimmung.store.paths import Store
from stimmung.vocabulary.errors import Interrupted
from stimmung.vocabulary.pace import Pace


@pytest.mark.slow
def test_a_job_that_was_killed_after_its_first_adapter_does_no_step_twice(
    source, training, tasks, tmp_path, monkeypatch
):
    """The checkpoint is of all that trained together, the one that the store has by now included."""
    described = quantize_base(str(source), None, "nf4", "float32", tmp_path / "base")
    (tmp_path / "base/model.json").write_text(json.dumps(described))
    update, steps = optimizer_step._update, Counter()

    def counted(cohort, training, run, loss):
        steps[run.task.name] += 1
        update(cohort, training, run, loss)

    monkeypatch.setattr(optimizer_step, "_update", counted)
    store = Store(tmp_path / "store")
    folders = [tmp_path / f"fold-{number}" for number in range(len(tasks))]

    def train(stop):
        train_missing(
            tmp_path / "base", training, tasks, folders, store, pace=Pace(cohort="stacked"), stop=stop
        )

    with pytest.raises(Interrupted):
        train(lambda: len(list(store.root.glob("adapters/[!.]*"))) == 1)
    done = Counter(steps)
    train(lambda: False)
    again = steps - done
    assert steps == {"adapter 0": 20, "adapter 1": 10, "adapter 2": 32}
    assert "adapter 1" not in again and all(folder.exists() for folder in folders)
    assert not list(store.root.glob("checkpoints/*"))
