import json
import logging

import pytest

from stimmung.engine.cohort.adapter_files import FILES, RECORD, WEIGHTS
from stimmung.store.adapter_manifest import TrainedAdapter, list_adapters, listed_adapters, make_whole
from stimmung.store.paths import Store
from stimmung.vocabulary.errors import InputError

KEYS = {("2020-01-06", 1): "aa", ("2020-01-06", 2): "bb", ("2020-01-13", 1): "cc"}


@pytest.fixture
def listed(tmp_path):
    """A list of adapters, their folders and the store that they come from."""
    import torch
    from safetensors.torch import save_file

    store = Store(tmp_path / "store")
    for number, key in enumerate(KEYS.values()):
        folder = store.adapter(key)
        folder.mkdir(parents=True)
        save_file({"weight": torch.full((2,), float(number))}, folder / WEIGHTS)
        (folder / RECORD).write_text(json.dumps({"key": key}))
        (folder / "adapter_config.json").write_text("{}")
    output = tmp_path / "adapters" / "first.json"
    adapters = [
        TrainedAdapter(output, f"{week}/seed-{seed}", key, week, seed) for (week, seed), key in KEYS.items()
    ]
    list_adapters(adapters, store, output)
    return output, store


def find_adapters(lists, store):
    found = listed_adapters(lists)
    make_whole(found, store)
    return found


def test_what_is_listed_is_found_in_its_order(listed):
    found = find_adapters([listed[0]], listed[1])
    assert [((one.sample, one.seed), one.key) for one in found] == list(KEYS.items())
    for one in found:
        stored = listed[1].adapter(one.key)
        assert all((one.directory / name).read_bytes() == (stored / name).read_bytes() for name in FILES)


def test_folder_and_list_can_be_moved_together(listed):
    moved = listed[0].parent.rename(listed[0].parents[1] / "moved")
    found = find_adapters([moved / "first.json"], listed[1])
    assert [one.directory.relative_to(moved).as_posix() for one in found][:1] == ["2020-01-06/seed-1"]


@pytest.mark.parametrize("lost", FILES)
def test_a_folder_that_is_not_whole_comes_from_the_store_again(listed, lost, caplog):
    caplog.set_level(logging.WARNING)
    directory = listed[0].parent / "2020-01-06" / "seed-2"
    (directory / lost).unlink()
    find_adapters([listed[0]], listed[1])
    assert (directory / lost).read_bytes() == (listed[1].adapter("bb") / lost).read_bytes()
    assert f"{directory} was not whole" in caplog.text and caplog.text.count("WARNING") == 1


def test_an_adapter_of_another_training_is_not_taken_for_this_one(listed):
    directory = listed[0].parent / "2020-01-06" / "seed-1"
    (directory / RECORD).unlink()
    (directory / RECORD).write_text(json.dumps({"key": "older"}))
    find_adapters([listed[0]], listed[1])
    assert json.loads((directory / RECORD).read_text())["key"] == "aa"


@pytest.mark.parametrize("damage", ["absent", "cut off"])
def test_what_neither_folder_nor_store_have_whole_is_named(listed, damage):
    for directory in (listed[0].parent / "2020-01-13" / "seed-1", listed[1].adapter("cc")):
        if damage == "absent":
            (directory / WEIGHTS).unlink()
        else:
            whole = (directory / WEIGHTS).read_bytes()
            (directory / WEIGHTS).unlink()
            (directory / WEIGHTS).write_bytes(whole[:-1])
    with pytest.raises(
        InputError, match=r"no whole adapter in .*2020-01-13/seed-1, nor in the store"
    ) as error:
        find_adapters([listed[0]], listed[1])
    assert str(listed[0]) in error.value.hint and str(listed[1].adapter("cc")) in error.value.hint


@pytest.mark.parametrize("content", ["[{", '["an older one"]', '[{"week": "2020-01-06", "key": "aa"}]'])
def test_a_list_that_cannot_be_read_is_named(listed, content):
    listed[0].write_text(content)
    with pytest.raises(InputError, match=r"first\.json is no list of adapters"):
        find_adapters([listed[0]], listed[1])
