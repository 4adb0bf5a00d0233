from stimmung.store.paths import FILES, Store


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


def test_no_two_things_of_one_key_share_a_place(tmp_path):
    store = Store(tmp_path)
    kinds = (store.adapter, store.answers, store.predictions, store.model, store.lock)
    assert len({kind("key") for kind in kinds}) == len(kinds)
