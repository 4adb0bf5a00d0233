"""Which models can read several texts in one row: those whose layers see all tokens before them, by a mask and at positions given."""

import inspect
from typing import Any

from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

from stimmung.engine.base.attention import NAME


def options_can_share_a_row(model: Any, n_tokens: int) -> bool:
    """Return whether the model can read a text of ``n_tokens``, with its options side by side, in one row.

    Each token must see all before it, by a mask and at positions that we give. Not so if a sliding window or a chunk is shorter than
    the text (Mistral, Gemma, Phi-3), if layers pass on a recurrent state (Qwen3-Next, Mamba) or share keys (Gemma 4), or if
    positions follow from the order of tokens (ALiBi). An unknown kind of layer counts as such.
    """
    given = inspect.signature(model.get_decoder().forward).parameters
    if (
        model._is_stateful
        or "position_ids" not in given
        or getattr(model.config, "alibi", False)
        or model.config._attn_implementation not in (NAME, "sdpa")
    ):
        return False
    layers = DynamicCache(config=model.config).layers
    windows = [layer.sliding_window for layer in layers if type(layer) is DynamicSlidingWindowLayer]
    known = all(type(layer) in (DynamicLayer, DynamicSlidingWindowLayer) for layer in layers)
    return known and n_tokens <= min(windows, default=n_tokens)
