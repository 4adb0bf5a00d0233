import pytest

from stimmung.store.adapter_manifest import WeekAdapter, adapter_folder, read_manifests, write_manifest
from stimmung.vocabulary.errors import InputError


def write(manifest, *weeks):
    adapters = [
        WeekAdapter(adapter_folder(manifest, week, seed), f"{week}{seed}", week, seed)
        for week in weeks
        for seed in (1, 2)
    ]
    write_manifest(adapters, manifest)
    return adapters


def test_adapters_of_all_manifests_come_in_their_order(tmp_path):
    first, second = tmp_path / "2020-01-06.json", tmp_path / "2020-01-13.json"
    adapters = [*write(first, "2020-01-06"), *write(second, "2020-01-13")]
    assert read_manifests([first, second]) == adapters
    assert adapters[1].directory == tmp_path / "2020-01-06" / "seed-2"


def test_a_manifest_may_be_empty(tmp_path):
    write_manifest([], tmp_path / "first.json")
    assert read_manifests([tmp_path / "first.json"]) == []


def test_folders_and_manifest_can_be_moved_together(tmp_path):
    write(tmp_path / "a" / "first.json", "2020-01-06")
    moved = (tmp_path / "a").rename(tmp_path / "b")
    (one, _) = read_manifests([moved / "first.json"])
    assert one.directory == moved / "2020-01-06" / "seed-1"


@pytest.mark.parametrize("content", ["[{", '["an older one"]', '[{"week": "2020-01-06", "key": "aa"}]', "3"])
def test_a_manifest_that_cannot_be_read_is_named(tmp_path, content):
    (tmp_path / "first.json").write_text(content)
    with pytest.raises(InputError, match=r"first\.json is not a manifest of adapters"):
        read_manifests([tmp_path / "first.json"])
