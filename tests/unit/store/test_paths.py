"""An adapter's name in the store follows from everything that its weights depend on, and from nothing else."""

import pytest

from stimmung.engine.cohort.adapter_files import FILES
from stimmung.engine.cohort.batching import TrainingRow
from stimmung.store.paths import Store, adapter_key, data_digest

DEPENDS_ON = {
    "base_digest": "b",
    "data_digest": "d",
    "settings": {"r": 8, "alpha": 16},
    "seed": 1,
    "code": "c",
}


@pytest.mark.parametrize(
    "change",
    [
        {"base_digest": "B"},
        {"data_digest": "D"},
        {"settings": {"r": 4, "alpha": 16}},
        {"seed": 2},
        {"code": "C"},
    ],
)
def test_whatever_changes_the_weights_changes_the_name(change):
    assert adapter_key(**{**DEPENDS_ON, **change}) != adapter_key(**DEPENDS_ON)


def test_the_order_of_settings_does_not():
    assert adapter_key(**{**DEPENDS_ON, "settings": {"alpha": 16, "r": 8}}) == adapter_key(**DEPENDS_ON)


def test_data_are_rows_in_their_order_and_where_their_loss_begins():
    one, other = TrainingRow([1, 2, 3], 2), TrainingRow([4, 5], 1)
    digests = {
        data_digest(rows) for rows in ([one, other], [other, one], [one], [TrainingRow([1, 2, 3], 1), other])
    }
    assert len(digests) == 4


def test_an_adapter_is_finished_when_all_its_files_are_there(tmp_path):
    store = Store(tmp_path)
    folder = store.adapter("key")
    folder.mkdir(parents=True)
    for name in FILES:
        assert not store.has("key")
        (folder / name).touch()
    assert store.has("key") and not store.has("other")


def test_a_checkpoint_belongs_to_one_cohort(tmp_path):
    store = Store(tmp_path)
    assert store.checkpoint(["a", "b"]) == store.checkpoint(("a", "b")) != store.checkpoint(["a"])
