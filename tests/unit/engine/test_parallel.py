import json

import pytest

from stimmung.engine import parallel
from stimmung.engine.adapter_files import CONFIG, WEIGHTS
from stimmung.engine.base import load_base, quantize_base
from stimmung.engine.parallel import train_on_all_devices
from stimmung.engine.recipe import Pace
from stimmung.engine.store import Store
from stimmung.engine.tiny import _build_tokenizer
from stimmung.engine.training import train_adapters
from stimmung.vocabulary.errors import Interrupted
from tests.unit.engine.conftest import VOCABULARY, random_llama


@pytest.fixture(scope="module")
def saved_base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parallel")
    random_llama().save_pretrained(folder / "source")
    _build_tokenizer(["Vote: left", "Vote: right"], VOCABULARY).save_pretrained(folder / "source")
    described = quantize_base(str(folder / "source"), None, "nf4", "float32", folder / "base")
    (folder / "base/model.json").write_text(json.dumps(described))
    return load_base(folder / "base")


def test_two_devices_train_what_one_does(saved_base, recipe, tasks, tmp_path, monkeypatch):
    finished = []

    def counted(base, recipe, tasks, store, **options):
        finished.append(len(list(store.root.glob("adapters/[!.]*"))))
        return train_adapters(base, recipe, tasks, store, **options)

    monkeypatch.setattr(parallel, "train_adapters", counted)
    pace = Pace("sequential")
    alone = Store(tmp_path / "alone")
    expected = train_adapters(saved_base, recipe, tasks, alone, pace=pace)
    spread = Store(tmp_path / "spread")
    assert train_on_all_devices(saved_base, recipe, tasks, spread, pace=pace, n_devices=2) == expected
    assert finished == [0, len(tasks)], "the second process left its share to the first"
    for key in expected:
        for name in (WEIGHTS, CONFIG):
            assert (spread.adapter(key) / name).read_bytes() == (alone.adapter(key) / name).read_bytes()


def test_a_device_that_fails_leaves_its_adapters_to_the_first(saved_base, recipe, tasks, tmp_path):
    """The other process finds no base where it looks, and ends at once."""
    moved = type(saved_base)(
        saved_base.model, saved_base.tokenizer, str(tmp_path / "nowhere"), saved_base.digest
    )
    store = Store(tmp_path / "store")
    keys = train_on_all_devices(moved, recipe, tasks, store, pace=Pace("sequential"), n_devices=2)
    assert all(store.has(key) for key in keys)


def test_a_signal_stops_the_others_too(saved_base, recipe, tasks, tmp_path):
    with pytest.raises(Interrupted):
        train_on_all_devices(
            saved_base, recipe, tasks, Store(tmp_path), pace=Pace(), stop=lambda: True, n_devices=2
        )
    assert not list((tmp_path / "adapters").glob("*")) if (tmp_path / "adapters").exists() else True
