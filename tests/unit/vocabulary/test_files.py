import json

import pytest

from stimmung.vocabulary.files import write_json


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
