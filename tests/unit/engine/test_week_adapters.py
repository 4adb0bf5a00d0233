import json
import logging

import pytest

from stimmung.engine.adapter_files import FILES, RECORD, WEIGHTS
from stimmung.engine.store import Store
from stimmung.engine.week_adapters import find_adapters, list_adapters
from stimmung.vocabulary.errors import InputError

WHO = {("2020-01-06", 1): "aa", ("2020-01-06", 2): "bb", ("2020-01-13", 1): "cc"}


@pytest.fixture
def listed(tmp_path):
    """A list of adapters, their folders and the store that they come from."""
    import torch
    from safetensors.torch import save_file

    store = Store(tmp_path / "store")
    for number, key in enumerate(WHO.values()):
        folder = store.adapter(key)
        folder.mkdir(parents=True)
        save_file({"weight": torch.full((2,), float(number))}, folder / WEIGHTS)
        (folder / RECORD).write_text(json.dumps({"key": key}))
        (folder / "adapter_config.json").write_text("{}")
    list_adapters(WHO, store, tmp_path / "adapters" / "first.json")
    return tmp_path / "adapters" / "first.json", store


def test_what_is_listed_is_found_in_its_order(listed):
    found = find_adapters([listed[0]], listed[1])
    assert [((one.week, one.seed), one.key) for one in found] == list(WHO.items())
    for one in found:
        stored = listed[1].adapter(one.key)
        assert all((one.directory / name).read_bytes() == (stored / name).read_bytes() for name in FILES)


@pytest.mark.parametrize("lost", FILES)
def test_a_folder_that_is_not_whole_comes_from_the_store_again(listed, lost, caplog):
    caplog.set_level(logging.WARNING)
    directory = listed[0].parent / "2020-01-06" / "seed-2"
    (directory / lost).unlink()
    find_adapters([listed[0]], listed[1])
    assert (directory / lost).read_bytes() == (listed[1].adapter("bb") / lost).read_bytes()
    assert "week 2020-01-06, seed 2" in caplog.text and caplog.text.count("WARNING") == 1


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
    with pytest.raises(InputError, match="no whole adapter of week 2020-01-13, seed 1") as error:
        find_adapters([listed[0]], listed[1])
    assert str(listed[0]) in error.value.hint and str(listed[1].adapter("cc")) in error.value.hint


def test_a_list_that_cannot_be_read_is_named(listed):
    listed[0].write_text("[{")
    with pytest.raises(InputError, match=r"first\.json is no list of adapters"):
        find_adapters([listed[0]], listed[1])
