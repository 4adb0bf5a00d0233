import gzip
import io
import zipfile

import pyarrow as pa
import pytest

from stimmung.data.posts.compressed_files import name_within, opened
from stimmung.vocabulary.errors import InputError

CONTENT = b"time,author,text\n2020-01-01,ann,hello\n"


def zstd_frame(content, window_log):
    """Return a frame of one uncompressed block whose header asks for a window of 2 ** window_log bytes (RFC 8878)."""
    block = (len(content) << 3 | 1).to_bytes(3, "little") + content
    return b"\x28\xb5\x2f\xfd\x00" + bytes([window_log - 10 << 3]) + block


def zipped(**files):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), content)
    return stream.getvalue()


def content_of(path):
    with opened(path) as stream:
        return stream.read()


@pytest.mark.parametrize(("window_log", "is_read"), [(20, True), (27, True), (28, False), (31, False)])
def test_fault_aa_a_zst_window_that_is_too_large_is_named(tmp_path, window_log, is_read):
    path = tmp_path / "RC_2019-01.zst"
    path.write_bytes(zstd_frame(CONTENT, window_log))
    if is_read:
        assert content_of(path) == CONTENT
        return
    with pytest.raises(InputError, match=r"the compression window of .* is larger than 128 MiB") as told:
        content_of(path)
    assert "--long=31" in told.value.hint


def test_fault_aa_a_window_that_grows_in_a_later_frame_is_named_too(tmp_path):
    path = tmp_path / "posts.csv.zst"
    path.write_bytes(zstd_frame(CONTENT, 20) + zstd_frame(CONTENT, 31))
    with pytest.raises(InputError, match="larger than 128 MiB"):
        content_of(path)


def test_frames_and_members_one_after_another_are_read_to_the_end(tmp_path):
    (tmp_path / "a.zst").write_bytes(zstd_frame(CONTENT, 20) * 2)
    (tmp_path / "a.gz").write_bytes(gzip.compress(CONTENT) * 2)
    assert content_of(tmp_path / "a.zst") == content_of(tmp_path / "a.gz") == CONTENT * 2


def test_a_compressed_file_is_known_by_its_first_bytes(tmp_path):
    path = tmp_path / "posts.csv"
    for content in (
        gzip.compress(CONTENT),
        pa.compress(CONTENT, codec="zstd", asbytes=True),
        zipped(a_csv=CONTENT),
    ):
        path.write_bytes(content)
        assert content_of(path) == CONTENT


def test_the_only_file_of_an_archive_is_read_whatever_a_mac_put_beside_it(tmp_path):
    path = tmp_path / "export.zip"
    path.write_bytes(zipped(folder__posts_csv=CONTENT))
    assert content_of(path) == CONTENT and name_within(path) == "folder/posts.csv"
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("__MACOSX/folder/._posts.csv", b"x")
    assert content_of(path) == CONTENT
    assert name_within(tmp_path / "posts.jsonl.zip") == "posts.jsonl"


@pytest.mark.parametrize("names", [[], ["a_csv", "b_csv"]])
def test_an_archive_of_no_or_several_files_is_named(tmp_path, names):
    (tmp_path / "export.zip").write_bytes(zipped(**dict.fromkeys(names, CONTENT)))
    told = "archive of 2 files" if names else "archive of 0 files"
    with pytest.raises(InputError, match=told):
        content_of(tmp_path / "export.zip")
