"""Tiny random models of the families that studies use, by name, each with windows of 20, 40 and 512 tokens where it has windows."""

import torch
import transformers as hf

VOCABULARY = 320
CONTEXT = 512
SHAPE = {
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": CONTEXT,
    "head_dim": 16,
    "pad_token_id": 0,
    "bos_token_id": 0,
    "eos_token_id": 1,
}
NO_HEAD_DIM = {name: value for name, value in SHAPE.items() if name != "head_dim"}
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 64}
WINDOWED = {"layer_types": ["sliding_attention", "full_attention"]}
LINEAR = {
    "layer_types": ["linear_attention", "full_attention"],
    "linear_num_value_heads": 4,
    "linear_num_key_heads": 2,
    "linear_key_head_dim": 16,
    "linear_value_head_dim": 16,
}


def windowed(name, config):
    """Return a family's configs for each window."""
    return {f"{name}, window {window}": lambda window=window: config(window) for window in (20, 40, 512)}


CONFIGS = {
    "Llama": lambda: hf.LlamaConfig(**SHAPE),
    "Qwen2": lambda: hf.Qwen2Config(**NO_HEAD_DIM),
    **windowed(
        "Qwen2", lambda window: hf.Qwen2Config(**NO_HEAD_DIM, use_sliding_window=True, sliding_window=window, max_window_layers=1)
    ),
    "Qwen3": lambda: hf.Qwen3Config(**SHAPE),
    "Qwen3-MoE": lambda: hf.Qwen3MoeConfig(**SHAPE, **EXPERTS),
    "Qwen3.5": lambda: hf.Qwen3_5TextConfig(**SHAPE, **LINEAR),
    "Qwen3.5-MoE": lambda: hf.Qwen3_5MoeTextConfig(**SHAPE, **LINEAR, **EXPERTS, shared_expert_intermediate_size=64),
    "Qwen3-Next": lambda: hf.Qwen3NextConfig(**SHAPE, **LINEAR, **EXPERTS, shared_expert_intermediate_size=64),
    **windowed("Gemma 2", lambda window: hf.Gemma2Config(**SHAPE, **WINDOWED, sliding_window=window)),
    **windowed("Gemma 3", lambda window: hf.Gemma3TextConfig(**SHAPE, **WINDOWED, sliding_window=window)),
    **windowed(
        "Gemma 4",
        lambda window: hf.Gemma4TextConfig(
            **SHAPE, **WINDOWED, sliding_window=window, vocab_size_per_layer_input=VOCABULARY, hidden_size_per_layer_input=16
        ),
    ),
    **windowed("Mistral", lambda window: hf.MistralConfig(**SHAPE, sliding_window=window)),
    **windowed("Ministral", lambda window: hf.MinistralConfig(**SHAPE, **WINDOWED, sliding_window=window)),
    "Ministral 3": lambda: hf.Ministral3Config(**SHAPE),
    **windowed("Phi-3", lambda window: hf.Phi3Config(**NO_HEAD_DIM, sliding_window=window)),
    "OLMo 2": lambda: hf.Olmo2Config(**NO_HEAD_DIM),
    **windowed("OLMo 3", lambda window: hf.Olmo3Config(**NO_HEAD_DIM, **WINDOWED, sliding_window=window)),
    "SmolLM3": lambda: hf.SmolLM3Config(**NO_HEAD_DIM),
    "GPT-NeoX": lambda: hf.GPTNeoXConfig(**NO_HEAD_DIM),
    "GPT-2": lambda: hf.GPT2Config(
        vocab_size=VOCABULARY, n_positions=CONTEXT, n_embd=64, n_layer=2, n_head=4, bos_token_id=0, eos_token_id=1
    ),
    "OPT": lambda: hf.OPTConfig(
        vocab_size=VOCABULARY, hidden_size=64, ffn_dim=128, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=CONTEXT, word_embed_proj_dim=64, pad_token_id=0, bos_token_id=0, eos_token_id=1,
    ),
    "Falcon": lambda: hf.FalconConfig(
        vocab_size=VOCABULARY, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=CONTEXT,
        bos_token_id=0, eos_token_id=1,
    ),
    "Falcon, ALiBi": lambda: hf.FalconConfig(
        vocab_size=VOCABULARY, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=CONTEXT,
        alibi=True, bos_token_id=0, eos_token_id=1,
    ),
    **windowed(
        "gpt-oss",
        lambda window: hf.GptOssConfig(**SHAPE, **WINDOWED, num_local_experts=4, num_experts_per_tok=2, sliding_window=window),
    ),
    "Granite hybrid": lambda: hf.GraniteMoeHybridConfig(
        **NO_HEAD_DIM, layer_types=["mamba", "attention"], num_local_experts=4, num_experts_per_tok=2,
        shared_intermediate_size=64, mamba_n_heads=4, mamba_d_head=32, mamba_d_state=16, mamba_expand=2, mamba_chunk_size=32,
        logits_scaling=4.0, embedding_multiplier=2.0, residual_multiplier=0.5, attention_multiplier=0.1,
    ),
}  # fmt: skip

VISION = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
SMALL_IMAGE = {"image_size": 28, "patch_size": 14}
QWEN_VISION = {"hidden_size": 32, "intermediate_size": 64, "depth": 1, "num_heads": 2, "out_hidden_size": 64}
# Models that read images too.
MULTIMODAL = {
    "Gemma 3": lambda: hf.Gemma3Config(text_config={**SHAPE, **WINDOWED}, vision_config={**VISION, **SMALL_IMAGE}),
    "Gemma 4": lambda: hf.Gemma4Config(
        text_config={**SHAPE, **WINDOWED, "vocab_size_per_layer_input": VOCABULARY, "hidden_size_per_layer_input": 16},
        vision_config={**VISION, "head_dim": 16}, audio_config=None,
    ),
    "Qwen3.5": lambda: hf.Qwen3_5Config(text_config={**SHAPE, **LINEAR}, vision_config=QWEN_VISION),
    "Mistral 3": lambda: hf.Mistral3Config(
        text_config={**SHAPE, "model_type": "ministral3"},
        vision_config={**VISION, **SMALL_IMAGE, "head_dim": 16, "model_type": "pixtral"},
    ),
    "Mistral 3, own head": lambda: hf.Mistral3Config(
        text_config={**SHAPE, "model_type": "mistral"}, tie_word_embeddings=False,
        vision_config={**VISION, **SMALL_IMAGE, "head_dim": 16, "model_type": "pixtral"},
    ),
}  # fmt: skip
NO_TEXT_MODEL = hf.Qwen3VLConfig(text_config=SHAPE, vision_config=QWEN_VISION)


def random_model(config):
    """Return a model whose weights are so large that what a layer sees matters."""
    torch.manual_seed(0)
    kind = hf.AutoModelForImageTextToText if config.sub_configs else hf.AutoModelForCausalLM
    model = kind.from_config(config).eval().float()
    for parameter in model.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.1)
    return model
