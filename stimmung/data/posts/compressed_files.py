"""Open a file of posts, plain or compressed, for reading from its beginning to its end."""

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from stimmung.vocabulary.errors import InputError

COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".zip")
# What a file begins with says more than its name: downloads lose a suffix, or keep one that no longer holds.
_MAGIC = {
    b"\x1f\x8b": ".gz",
    b"BZh": ".bz2",
    b"\xfd7zXZ\x00": ".xz",
    b"\x28\xb5\x2f\xfd": ".zst",
    b"PK\x03\x04": ".zip",
}
# What the libraries raise for a file that is not whole.
DAMAGE = (EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, pa.ArrowException)
_FOR_MACS = "__MACOSX/"  # a Mac's own files, beside each one that it puts into an archive
_ENCRYPTED = 1


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file; of a .zip archive the one file that it holds.

    Raises
    ------
    InputError
        If an archive has no or several files, or is encrypted, or the window of a .zst file is too large.
    """
    with path.open("rb") as stream:
        head = stream.read(max(map(len, _MAGIC)))
    by_content = next((suffix for magic, suffix in _MAGIC.items() if head.startswith(magic)), None)
    suffix = by_content or path.suffix.lower()
    if suffix == ".zip":
        with zipfile.ZipFile(path) as archive, archive.open(_only_member(path, archive)) as member:
            yield member  # type: ignore[misc]
        return
    openers: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open, ".zst": _open_zst}
    with openers.get(suffix, open)(path, "rb") as stream:
        try:
            yield stream
        except OSError as error:
            if suffix == ".zst" and "too much memory" in str(error):
                raise _window_too_large(path) from None
            raise


def name_within(path: Path) -> str:
    """Return the name of what a file holds: without the suffix of the compression, or the name of an archive's only file."""
    name = path.name
    while Path(name).suffix.lower() in COMPRESSED:
        is_archive = Path(name).suffix.lower() == ".zip"
        name = name[: -len(Path(name).suffix)]
        if is_archive and not Path(name).suffix:
            with zipfile.ZipFile(path) as archive:
                name = _only_member(path, archive).filename
    return name


def _open_zst(path: Path, _mode: str) -> Any:
    return pa.input_stream(path, compression="zstd")


def _only_member(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = [
        one for one in archive.infolist() if not one.is_dir() and not one.filename.startswith(_FOR_MACS)
    ]
    if len(members) != 1:
        raise InputError(
            f"{path} is an archive of {len(members)} files, and posts are read from an archive of one",
            "Extract it, and name the files in `files`.",
        )
    if members[0].flag_bits & _ENCRYPTED:
        raise InputError(f"{path} is an encrypted archive", "Extract it, and name the file in `files`.")
    return members[0]


def _window_too_large(path: Path) -> InputError:
    return InputError(
        f"the compression window of {path} is larger than 128 MiB, the most that can be read",
        f"Compress it anew: zstd -dc --long=31 {path.name} | zstd -o NEW.zst (the first part takes 2 GiB of memory).",
    )
