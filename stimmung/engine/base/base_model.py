"""The frozen base model, as every job loads it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils.logging import disable_progress_bar

from stimmung.engine.base.attention import use_own_attention
from stimmung.engine.base.dequantized import hold_dequantized
from stimmung.engine.base.devices import default_device, keep_freed_memory
from stimmung.engine.base.model_files import DESCRIPTION, check_files, check_source, read_description
from stimmung.engine.base.norms import use_own_norms
from stimmung.vocabulary.errors import InputError

# Bars of half a second would appear between Snakemake's lines.
disable_progress_bar()

# Where the configs of different architectures say how many tokens they read.
CONTEXT_LENGTH_NAMES = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length")


@dataclass(frozen=True)
class Base:
    """A loaded causal language model of Hugging Face, frozen, in eval mode, and its fast tokenizer."""

    model: Any
    tokenizer: Any
    path: str  # where it was loaded from; written into the adapters
    digest: str  # SHA-256 of weights, config and tokenizer; empty if the directory has no model.json

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.model.parameters()).device

    @property
    def decoder(self) -> Any:
        """The model without its LM head."""
        return self.model.get_decoder()

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return float32 logits, shape (..., vocabulary), for hidden states, shape (..., hidden)."""
        config = self.model.config
        logits = self.model.get_output_embeddings()(hidden).float()
        if (scale := getattr(config, "logits_scaling", 1)) != 1:  # Granite
            logits = logits / scale
        if (scale := getattr(config, "logit_scale", None)) is not None:  # Cohere
            logits = logits * scale
        softcap = getattr(config, "final_logit_softcapping", None)
        return softcap * torch.tanh(logits / softcap) if softcap else logits

    @property
    def max_length(self) -> int:
        """How many tokens the model reads at once."""
        return context_length(self.model.config, self.tokenizer)

    @property
    def vocabulary_size(self) -> int:
        """How many logits the LM head gives."""
        return int(self.model.get_output_embeddings().weight.shape[0])


def load_base(path: Path, *, dequantized_mb: float | None = None) -> Base:
    """Load a prepared base, or any model directory, frozen and in eval mode.

    4-bit weights are kept unpacked if they then take at most ``dequantized_mb``; by default, what suits the device.

    Raises InputError if the directory is absent, pickled, needs code of its own, or holds files of another model.
    """
    check_source(str(path))
    check_files(path)
    is_prepared = (path / DESCRIPTION).exists()
    digest = read_description(path)["digest"] if is_prepared else ""
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False)
        model = AutoModelForCausalLM.from_pretrained(
            path, use_safetensors=True, trust_remote_code=False, device_map=default_device()
        )
    except (OSError, ValueError) as error:
        raise InputError(f"cannot load the model in {path}: {str(error).splitlines()[0]}") from error
    prepare_loaded(model, dequantized_mb)
    base = Base(model, tokenizer, str(path), digest)
    if not is_prepared:
        check_architecture(base)
    return base


def prepare_loaded(model: Any, dequantized_mb: float | None = None) -> None:
    """Freeze a loaded model and make it ready for cohorts."""
    keep_freed_memory()
    model.eval()
    model.requires_grad_(False)
    keep_weights_unpacked(model)
    hold_dequantized(model, dequantized_mb)
    use_own_attention(model)
    use_own_norms(model)


def keep_weights_unpacked(model: Any) -> None:
    """Stop bitsandbytes from repacking 4-bit weights in place on CPUs with AVX512-BF16.

    In eval mode without gradients it repacks a layer's weight for an inference kernel without backward pass, and never
    unpacks it: training after scoring then gets wrong gradients, without an error.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


def context_length(config: Any, tokenizer: Any) -> int:
    """Return how many tokens a model reads at once, as its config or else its tokenizer says; raise InputError if neither does."""
    for name in CONTEXT_LENGTH_NAMES:
        if isinstance(length := getattr(config, name, None), int):
            return length
    # transformers gives a tokenizer that does not know its limit one of 1e30.
    limit = getattr(tokenizer, "model_max_length", None)
    if limit is not None and limit < 2**31:
        return int(limit)
    raise InputError(
        f"neither config nor tokenizer says how many tokens the {config.model_type} model reads",
        f"Add one of {', '.join(CONTEXT_LENGTH_NAMES)} to its config.json.",
    )


def check_vocabulary(base: Base) -> None:
    """Raise InputError if the tokenizer writes tokens for which the model has no embedding: it is another model's.

    Tokens that were added to a tokenizer and not to its model, such as one for padding, are never written; those that begin and end a
    text are.
    """
    rows, tokenizer = base.model.get_input_embeddings().weight.shape[0], base.tokenizer
    added = set(tokenizer.added_tokens_decoder) - {tokenizer.bos_token_id, tokenizer.eos_token_id}
    beyond = {token_id for token_id in tokenizer.get_vocab().values() if token_id >= rows} - added
    if beyond:
        raise InputError(
            f"{base.path}: its tokenizer has {len(beyond)} tokens, up to number {max(beyond)}, that its model of {rows} does not have",
            "The tokenizer is another model's, or the model's file is not whole.",
        )


def check_architecture(base: Base) -> None:
    """Raise InputError unless decoder, LM head and softcap together give the model's own logits, on three tokens.

    We evaluate the LM head only where a logit is needed. An architecture that does more between decoder and logits, such as a scale
    on the logits, would be scored wrong silently.
    """
    with torch.inference_mode():
        ids = torch.tensor([[1, 2, 3]], device=base.device)
        ours = base.logits(base.decoder(input_ids=ids, use_cache=False).last_hidden_state)
        theirs = base.model(input_ids=ids, use_cache=False).logits.float()
    if not torch.allclose(ours, theirs, atol=1e-2, rtol=1e-2):
        raise InputError(
            f"the {base.model.config.model_type} model {base.path} is not supported: its LM head is not a plain linear layer",
            "Use a model of another architecture.",
        )
