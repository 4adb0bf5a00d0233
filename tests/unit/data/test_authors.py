import hashlib
import stat

import pyarrow as pa
import pytest

from stimmung.data.posts.authors import SALT_VARIABLE, as_hex, keyed_digests, load_salt
from stimmung.vocabulary.errors import InputError


def test_digests_are_keyed_blake2b_and_need_the_key():
    values = pa.array(["ann", "bob", "ann", "é"])
    expected = [
        hashlib.blake2b(name.encode(), key=b"salt", digest_size=8).hexdigest() for name in values.to_pylist()
    ]
    assert as_hex(keyed_digests(values, b"salt")).to_pylist() == expected
    assert not set(expected) & set(as_hex(keyed_digests(values, b"other")).to_pylist())
    assert as_hex(keyed_digests(values[:0], b"salt")).to_pylist() == []


def test_the_salt_is_drawn_once_kept_and_readable_by_its_owner_only(tmp_path, monkeypatch):
    monkeypatch.delenv(SALT_VARIABLE, raising=False)
    file = tmp_path / "secrets" / "salt"
    salt = load_salt(file)
    assert load_salt(file) == salt
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load_salt(tmp_path / "another") != salt
    assert [path.name for path in file.parent.iterdir()] == ["salt"]


def test_the_environment_goes_before_the_file(tmp_path, monkeypatch):
    monkeypatch.setenv(SALT_VARIABLE, "a secret of this site")
    salt = load_salt(tmp_path / "salt")
    assert not (tmp_path / "salt").exists()
    assert load_salt(tmp_path / "elsewhere") == salt


def test_a_short_salt_is_refused_and_not_shown(tmp_path, monkeypatch):
    monkeypatch.setenv(SALT_VARIABLE, "pepper")
    with pytest.raises(InputError, match="shorter than 16") as told:
        load_salt(tmp_path / "salt")
    assert "pepper" not in str(told.value)
