"""Names in the store: digests of everything that changes the numbers of what is stored, and of nothing else.

No code is among it, so that an edited message retrains nothing: a version is raised by hand, and golden tests fail until it is.
"""

import hashlib
import json
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

NUMERICAL_LIBRARIES = ("torch", "transformers", "peft", "bitsandbytes")


def digest_of_content(content: Any) -> str:
    """Return the SHA-256 of anything that JSON can hold."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@cache
def library_versions() -> dict[str, str]:
    """Return the installed versions of the libraries whose releases may change a result; '' for one that is absent."""
    found = {}
    for name in NUMERICAL_LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found


def adapter_key(
    *, version: int, base_digest: str, data_digest: str, settings: dict[str, Any], seed: int
) -> str:
    """Return an adapter's name in the store, from the version of the training mathematics, digests of the base model's files and
    of the training rows, the hyper-parameters that change the weights, and the seed.
    """
    return digest_of_content([version, library_versions(), base_digest, data_digest, settings, seed])
