import json
import os
import stat

import numpy as np
import pytest
from safetensors.numpy import save_file

from stimmung.vocabulary.atomic_files import atomic_write, share_as_usual, write_json


def test_what_is_written_is_read_back_with_umlauts_as_they_are(tmp_path):
    path = tmp_path / "new" / "provenance.json"
    write_json({"title": "Grüne", "n": 3}, path)
    assert json.loads(path.read_text(encoding="utf-8")) == {"title": "Grüne", "n": 3}
    assert "Grüne" in path.read_text(encoding="utf-8")


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "provenance.json"
    write_json({"n": 1}, path)
    with pytest.raises(TypeError):
        write_json({"n": object()}, path)
    assert [one.name for one in tmp_path.iterdir()] == ["provenance.json"]
    assert json.loads(path.read_text()) == {"n": 1}


@pytest.mark.parametrize(("umask", "mode"), [(0o002, 0o664), (0o022, 0o644), (0o077, 0o600)])
def test_who_may_read_a_file_is_the_user_s_to_say_whatever_library_writes_it(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        with atomic_write(tmp_path / "checkpoint") as draft:
            save_file({"a": np.zeros(3)}, draft)
        write_json({}, tmp_path / "list.json")
        folder = tmp_path / "adapter"
        folder.mkdir()
        save_file({"a": np.zeros(3)}, folder / "weights")
        (folder / "config.json").write_text("{}")
        share_as_usual(folder)
    finally:
        os.umask(before)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 4 and {stat.S_IMODE(path.stat().st_mode) for path in files} == {mode}
