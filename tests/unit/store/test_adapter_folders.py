import json
import logging
import os
import shutil

import pytest

from stimmung.store import adapter_folders
from stimmung.store.adapter_folders import export_adapter, new_folder, reimport, restore
from stimmung.store.paths import CONFIG, FILES, RECORD, WEIGHTS, Store
from stimmung.vocabulary.errors import InputError
from tests.unit.store.conftest import damage, write_adapter


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "store")
    write_adapter(store.adapter("aa"), "aa")
    return store


@pytest.fixture
def exported(store, tmp_path):
    export_adapter(store.adapter("aa"), tmp_path / "out" / "fold-0")
    return tmp_path / "out" / "fold-0"


def same(folder, other):
    return all((folder / name).read_bytes() == (other / name).read_bytes() for name in FILES)


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    with pytest.raises(OSError, match="full"), new_folder(tmp_path / "a") as draft:
        (draft / "file").touch()
        raise OSError("full")
    assert list(tmp_path.iterdir()) == []
    with new_folder(tmp_path / "a") as draft:
        (draft / "file").touch()
        assert not (tmp_path / "a").exists()
    assert [path.name for path in tmp_path.rglob("*")] == ["a", "file"]


def test_of_two_jobs_that_write_the_same_folder_the_quicker_one_wins(tmp_path):
    with new_folder(tmp_path / "a") as slow:
        with new_folder(tmp_path / "a") as quick:
            (quick / "quick").touch()
        (slow / "slow").touch()
    assert [path.name for path in tmp_path.rglob("*")] == ["a", "quick"]


def test_export_links_the_files_and_the_stored_ones_survive_a_deletion(store, exported):
    for name in FILES:
        assert (exported / name).samefile(store.adapter("aa") / name)
    # Snakemake deletes the outputs of a rule that it runs again.
    (exported / WEIGHTS).unlink()
    assert (store.adapter("aa") / WEIGHTS).exists()


def test_export_replaces_what_was_there_and_copies_where_links_are_refused(store, tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / CONFIG).write_text("old")

    def refused(*_):
        raise OSError("operation not supported")

    monkeypatch.setattr(adapter_folders.os, "link", refused)
    export_adapter(store.adapter("aa"), tmp_path / "out")
    assert same(tmp_path / "out", store.adapter("aa"))
    assert not (tmp_path / "out" / WEIGHTS).samefile(store.adapter("aa") / WEIGHTS)


@pytest.mark.parametrize("fails_at", [CONFIG, RECORD, WEIGHTS])
def test_exported_weights_vouch_for_the_whole_folder(store, exported, monkeypatch, fails_at):
    """Rules name the weights only: an older export's must not stay beside a newer config either."""
    link = os.link

    def full_disk(source, target):
        if source.name == fails_at:
            raise OSError("no space left on device")
        link(source, target)

    monkeypatch.setattr(adapter_folders.os, "link", full_disk)
    monkeypatch.setattr(adapter_folders.shutil, "copy2", full_disk)
    with pytest.raises(OSError, match="no space"):
        export_adapter(store.adapter("aa"), exported)
    assert not (exported / WEIGHTS).exists()


def test_an_intact_adapter_is_left_alone(store, exported, caplog):
    before = (exported / WEIGHTS).stat()
    assert restore(exported, store) == restore(exported, store, "aa") == "aa"
    assert (exported / WEIGHTS).stat() == before and not caplog.text


@pytest.mark.parametrize("how", ["absent", "cut off"])
def test_damaged_weights_are_exported_again_by_the_key_in_the_record(store, exported, how, caplog):
    damage(exported, how)
    assert restore(exported, store) == "aa"
    assert same(exported, store.adapter("aa"))
    assert f"{exported} was damaged or outdated" in caplog.text and caplog.text.count("WARNING") == 1


@pytest.mark.parametrize("lost", FILES)
def test_a_lost_file_comes_back_if_the_key_is_known(store, exported, lost):
    (exported / lost).unlink()
    assert restore(exported, store, "aa") == "aa" and same(exported, store.adapter("aa"))


def test_a_lost_folder_comes_back_and_is_no_warning(store, exported, caplog):
    caplog.set_level(logging.WARNING)
    shutil.rmtree(exported)
    assert restore(exported, store, "aa") == "aa" and same(exported, store.adapter("aa"))
    assert not caplog.text


def test_an_adapter_of_another_training_is_not_taken_for_this_one(store, exported):
    (exported / RECORD).unlink()
    (exported / RECORD).write_text(json.dumps({"key": "older"}))
    restore(exported, store, "aa")
    assert json.loads((exported / RECORD).read_text())["key"] == "aa"


@pytest.mark.parametrize("how", ["absent", "cut off"])
def test_what_neither_folder_nor_store_have_intact_is_named(store, exported, how):
    damage(exported, how)
    damage(store.adapter("aa"), how)
    with pytest.raises(InputError, match=r"no intact adapter in .*fold-0, nor in the store") as error:
        restore(exported, store)
    assert str(exported) in error.value.hint and str(store.adapter("aa")) in error.value.hint


def test_a_folder_without_a_record_is_named(store, exported):
    (exported / RECORD).unlink()
    with pytest.raises(InputError, match=r"no intact adapter in .*fold-0") as error:
        restore(exported, store)
    assert f"Delete {exported} and run snakemake again" in error.value.hint


def test_an_emptied_store_takes_intact_adapters_back(store, exported):
    shutil.rmtree(store.root)
    assert reimport(exported, store) == "aa" and same(exported, store.adapter("aa"))
    shutil.rmtree(store.root)
    assert restore(exported, store) == "aa" and store.has("aa")
    shutil.rmtree(store.root)
    damage(exported, "cut off")
    assert reimport(exported, store) is None and not store.root.exists()
