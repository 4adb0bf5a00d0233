"""Serve a small Llama with llama.cpp: turn a Hugging Face directory into GGUF, then start llama-cpp-python's server.

    python llama_cpp_server.py DIRECTORY GGUF PORT

Run by the test with the Python that STIMMUNG_LLAMA_CPP names; it needs gguf and llama-cpp-python[server] and nothing of ours.
"""

import json
import struct
import sys
from pathlib import Path

import gguf
import numpy as np


def tensors(path):
    """Return the float32 tensors of a safetensors file by name."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    return {
        name: np.frombuffer(content[8 + length :][slice(*about["data_offsets"])], np.float32).reshape(
            about["shape"]
        )
        for name, about in header.items()
        if name != "__metadata__"
    }


def interleaved(weights, n_heads):
    """Return a query or key matrix with its rows in the order of llama.cpp's rotary embedding."""
    rows, columns = weights.shape
    return weights.reshape(n_heads, 2, rows // n_heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def write_gguf(directory, output):
    """Write the model and its byte-level BPE tokenizer as GGUF."""
    config = json.loads((directory / "config.json").read_text())
    tokenizer = json.loads((directory / "tokenizer.json").read_text())
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    writer = gguf.GGUFWriter(output, "llama")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
    writer.add_rope_dimension_count(config["head_dim"])
    writer.add_vocab_size(config["vocab_size"])
    vocabulary = {
        **tokenizer["model"]["vocab"],
        **{one["content"]: one["id"] for one in tokenizer["added_tokens"]},
    }
    special = {one["content"] for one in tokenizer["added_tokens"]}
    words = sorted(vocabulary, key=vocabulary.get)
    writer.add_tokenizer_model("gpt2")
    # Its words are cut as GPT-2's, but for numbers; no token holds two digits, so that makes no difference.
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(words)
    writer.add_token_types(
        [gguf.TokenType.CONTROL if one in special else gguf.TokenType.NORMAL for one in words]
    )
    merges = tokenizer["model"]["merges"]
    writer.add_token_merges([one if isinstance(one, str) else " ".join(one) for one in merges])
    writer.add_bos_token_id(config["bos_token_id"])
    writer.add_eos_token_id(config["eos_token_id"])
    writer.add_add_bos_token(True)
    found = tensors(directory / "model.safetensors")
    layers = {
        "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm",
        "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
    }  # fmt: skip
    writer.add_tensor("token_embd.weight", found["model.embed_tokens.weight"])
    writer.add_tensor("output_norm.weight", found["model.norm.weight"])
    if "lm_head.weight" in found:
        writer.add_tensor("output.weight", found["lm_head.weight"])
    for layer in range(config["num_hidden_layers"]):
        for theirs, ours in layers.items():
            weights = found[f"model.layers.{layer}.{theirs}.weight"]
            if ours in ("attn_q", "attn_k"):
                weights = interleaved(weights, heads if ours == "attn_q" else kv_heads)
            writer.add_tensor(f"blk.{layer}.{ours}.weight", np.ascontiguousarray(weights))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    source, target, port = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    write_gguf(source, target)
    import uvicorn
    from llama_cpp.server.app import create_app
    from llama_cpp.server.settings import ModelSettings, ServerSettings

    settings = ModelSettings(model=str(target), n_ctx=512, logits_all=True, n_threads=1, verbose=False)
    app = create_app(server_settings=ServerSettings(), model_settings=[settings])
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")
