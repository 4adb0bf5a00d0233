"""A small Llama with random weights and its tokenizer as a GGUF file, as a person may bring one."""

import re

import gguf
import numpy as np

from tests.llama_cpp_server import write_gguf


def written(source, path, *, without=(), **fields):
    """Write the model directory as GGUF, but for metadata and tensors whose names match ``without``, with other ``fields``."""
    whole = path.with_suffix(".whole")
    write_gguf(source, whole)
    reader = gguf.GGUFReader(whole)
    writer = gguf.GGUFWriter(path, "llama")
    left_out = re.compile("|".join(without) or r"(?!)")
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture" or left_out.fullmatch(name):
            continue
        kind = field.types[0]
        within = field.types[1] if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(name, fields.get(name, field.contents()), kind, within)
    for tensor in reader.tensors:
        if not left_out.fullmatch(tensor.name):
            writer.add_tensor(tensor.name, np.array(tensor.data))
    for name, value in fields.items():
        if name not in reader.fields and not left_out.fullmatch(name):
            writer.add_uint16(name, value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    whole.unlink()
    return path
