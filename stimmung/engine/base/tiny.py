"""The built-in base model: a Llama of a third of a million parameters, trained in a minute on generated text.

It shows that a workflow runs; it knows nothing about the world.
"""

import logging
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from stimmung.engine.base.model_files import save_base

logger = logging.getLogger(__name__)

BEGIN, END = "<|begin_of_text|>", "<|end_of_text|>"
CONTEXT = 4096
PEAK_RATE = 3e-3
EMBEDDING_SCALE = 10.0
# All widths are multiples of 64: bitsandbytes packs 4-bit weights in blocks of 64.
SHAPE = {
    "hidden_size": 64,
    "intermediate_size": 192,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}


def build_tiny(
    texts: Sequence[str],
    words: Sequence[str],
    output: Path,
    *,
    vocab_size: int,
    epochs: int,
    block_size: int,
    batch_size: int,
    seed: int,
) -> float:
    """Make a tokenizer from ``texts`` and ``words``, and a model from ``texts``, as an ordinary Hugging Face directory.

    Return the mean loss over the last tenth of the steps, in nats per token.
    """
    tokenizer = _build_tokenizer([*texts, *words], vocab_size)
    stream = np.concatenate([np.array(ids) for ids in tokenizer(list(texts))["input_ids"]])
    torch.manual_seed(seed)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            max_position_embeddings=CONTEXT,
            tie_word_embeddings=True,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            **SHAPE,
        )
    )
    # The head shares them, and needs embeddings so large that an answer can be all but certain.
    model.get_input_embeddings().weight.data.mul_(EMBEDDING_SCALE)
    loss = _pretrain(model, stream, epochs=epochs, block_size=block_size, batch_size=batch_size, seed=seed)
    save_base(model, tokenizer, output)
    return loss


def _build_tokenizer(texts: Sequence[str], vocab_size: int) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE())
    # GPT-2's pattern, except that each digit is a token, the first one with the space before it.
    pattern = Regex(r" ?\p{L}+| ?\p{N}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(pattern, behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[BEGIN, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A", special_tokens=[(BEGIN, tokenizer.token_to_id(BEGIN))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=BEGIN, eos_token=END, pad_token=END, model_max_length=CONTEXT
    )


def _pretrain(
    model: LlamaForCausalLM, stream: np.ndarray, *, epochs: int, block_size: int, batch_size: int, seed: int
) -> float:
    """Train on all tokens of ``stream`` in random blocks, with a one-cycle learning rate."""
    rng = np.random.default_rng(seed)
    n_blocks = (len(stream) - 1) // block_size
    n_steps = epochs * n_blocks // batch_size
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=1.0, betas=(0.9, 0.95), weight_decay=0.01, fused=True
    )
    losses = []
    model.train()
    for step in range(n_steps):
        starts = rng.integers(0, len(stream) - block_size - 1, size=batch_size)
        blocks = torch.from_numpy(np.stack([stream[start : start + block_size + 1] for start in starts]))
        logits = model(input_ids=blocks[:, :-1], use_cache=False).logits
        loss = functional.cross_entropy(logits.flatten(0, 1).float(), blocks[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        cosine = 0.5 * (1 + math.cos(math.pi * step / n_steps)) + 0.01
        optimizer.param_groups[0]["lr"] = PEAK_RATE * min((step + 1) / 50, cosine)
        optimizer.step()
        losses.append(loss.item())
    logger.info("%d tokens, %d steps, loss %.3f to %.3f", len(stream), n_steps, losses[0], losses[-1])
    model.eval()
    return float(np.mean(losses[-max(1, n_steps // 10) :]))
