"""Authors and posts as salted hashes: the same within a study, and of no use to anybody without its salt."""

import contextlib
import hashlib
import os
import secrets
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stimmung.vocabulary.errors import InputError

SALT_VARIABLE = "STIMMUNG_SALT"
SALT_BYTES = 32
DIGEST_BYTES = 8

Digests = npt.NDArray[np.uint64]


def load_salt(file: Path) -> bytes:
    """Return the study's salt: from the environment, from its file, or drawn at random and kept in that file.

    The environment variable ``STIMMUNG_SALT`` takes precedence, for sites that keep secrets elsewhere. The file is
    readable by its owner only. Whoever has the salt can test a guess about who an author is, so it does not belong
    with the results; without it, the same author gets another hash.

    Raises
    ------
    InputError
        If the salt is shorter than 16 characters.
    """
    given = os.environ.get(SALT_VARIABLE)
    if given is not None:
        return _checked(given, f"the environment variable {SALT_VARIABLE}")
    with contextlib.suppress(FileExistsError):
        _create(file, secrets.token_hex(SALT_BYTES))
    return _checked(file.read_text(encoding="ascii", errors="replace").strip(), str(file))


def keyed_digests(values: pa.Array | pa.ChunkedArray, key: bytes) -> Digests:
    """Return a 64-bit digest of each value: keyed BLAKE2b (RFC 7693), which cannot be tested without the key.

    With 64 bits, two of 20 million values share a digest with a probability of one in 90,000. Values are strings or bytes
    without nulls, shape (n,). An empty key gives a digest that anybody can compute.
    """
    # Authors come back many times in a batch: each is hashed once.
    encoded = pa.chunked_array([values] if isinstance(values, pa.Array) else values.chunks).combine_chunks()
    encoded = encoded.cast(pa.binary()).dictionary_encode()
    values = encoded.dictionary.to_pylist()
    digests = [hashlib.blake2b(value, key=key, digest_size=DIGEST_BYTES).digest() for value in values]
    of_value = np.frombuffer(b"".join(digests), ">u8").astype(np.uint64)
    result: Digests = of_value[encoded.indices.to_numpy()]
    return result


def as_hex(digests: Digests) -> pa.Array:
    """Return digests as strings of 16 hexadecimal digits."""
    text = digests.astype(">u8").tobytes().hex().encode()
    return pa.array(np.frombuffer(text, f"S{2 * DIGEST_BYTES}"), pa.binary()).cast(pa.string())


def _checked(salt: str, where: str) -> bytes:
    if len(salt) < 16:
        raise InputError(
            f"the salt in {where} is shorter than 16 characters", "Delete it, and one is drawn at random."
        )
    # BLAKE2b takes keys of up to 64 bytes.
    return hashlib.blake2b(salt.encode()).digest()


def _create(file: Path, salt: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.exists():
        raise FileExistsError(file)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with os.fdopen(
            os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii"
        ) as stream:
            stream.write(salt)
        # A link, not a rename: of two jobs that start at once, the first one's salt stays.
        os.link(draft, file)
    finally:
        draft.unlink(missing_ok=True)
