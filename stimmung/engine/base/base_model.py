"""The frozen base model: quantised once, saved as safetensors, loaded by every job."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig
from transformers.utils.logging import disable_progress_bar

from stimmung.engine.base.attention import use_own_attention
from stimmung.engine.base.dequantized import hold_dequantized
from stimmung.engine.base.devices import default_device
from stimmung.engine.base.model_files import DESCRIPTION, READ, WEIGHTS_AND_TOKENIZER, check_files, save_base
from stimmung.vocabulary.errors import InputError

# Bars of half a second would stand between Snakemake's lines.
disable_progress_bar()

PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


@dataclass(frozen=True)
class Base:
    """A loaded base model.

    Attributes
    ----------
    model
        A Hugging Face causal language model, frozen, in eval mode.
    tokenizer
        Its fast tokenizer.
    path
        Where it was loaded from; written into the adapters.
    digest
        SHA-256 of weights, config and tokenizer; empty if the directory has no model.json.
    """

    model: Any
    tokenizer: Any
    path: str
    digest: str

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
        logits = self.model.get_output_embeddings()(hidden).float()
        softcap = getattr(self.model.config, "final_logit_softcapping", None)
        return softcap * torch.tanh(logits / softcap) if softcap else logits

    @property
    def max_length(self) -> int:
        """How many tokens the model was made for."""
        return int(self.model.config.max_position_embeddings)


def quantize_base(
    source: str, revision: str | None, quantization: str, compute_dtype: str, output: Path
) -> dict[str, Any]:
    """Load a model from a directory or the hub, quantise it if asked, and save it with its tokenizer.

    NF4 with double quantisation, as in QLoRA (Dettmers et al. 2023, section 3).

    Returns
    -------
    dict
        What model.json holds: source, revision, files, digest, sizes.

    Raises
    ------
    InputError
        If the model is absent, pickled, or asks for code of its own.
    """
    _check_source(source)
    dtype = getattr(torch, compute_dtype)
    config = None
    if quantization == "nf4":
        config = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
        )
    options = {"revision": revision, "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, **options)
        model = AutoModelForCausalLM.from_pretrained(
            source,
            dtype=dtype,
            quantization_config=config,
            use_safetensors=True,
            device_map=default_device(),
            **options,
        )
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot load the model '{source}': {str(error).splitlines()[0]}",
            "A hub model must be downloaded first where jobs have no network: `hf download ID --revision REVISION`.",
        ) from error
    # Here once, since a pass over a large 4-bit model takes longer than all else that loading it does.
    keep_weights_unpacked(model)
    _check_head(Base(model, tokenizer, source, ""))
    save_base(model, tokenizer, output)
    return {
        "source": source,
        "revision": revision,
        "quantization": quantization,
        "compute_dtype": compute_dtype,
        "architecture": model.config.architectures[0]
        if model.config.architectures
        else model.config.model_type,
        "n_parameters": count_parameters(model),
        "max_length": int(model.config.max_position_embeddings),
        "files": list(WEIGHTS_AND_TOKENIZER),
        "digest": digest_of(output),
    }


def load_base(path: Path, *, dequantized_mb: float | None = None) -> Base:
    """Load a base that ``quantize_base`` saved, frozen and in eval mode.

    Parameters
    ----------
    path
        Its directory.
    dequantized_mb
        4-bit weights are held in full if they then take at most so many megabytes; none: what suits the device.

    Raises
    ------
    InputError
        If the directory is absent, pickled, asks for code of its own, or holds files of another model.
    """
    _check_source(str(path))
    check_files(path)
    described = path / DESCRIPTION
    description = json.loads(described.read_text()) if described.exists() else {}
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False)
        model = AutoModelForCausalLM.from_pretrained(
            path,
            use_safetensors=True,
            trust_remote_code=False,
            device_map=default_device(),
            attn_implementation="sdpa",
        )
    except (OSError, ValueError) as error:
        raise InputError(f"cannot load the model in {path}: {str(error).splitlines()[0]}") from error
    prepare_loaded(model, dequantized_mb)
    base = Base(model, tokenizer, str(path), description.get("digest", ""))
    if not description:
        _check_head(base)
    return base


def prepare_loaded(model: Any, dequantized_mb: float | None = None) -> None:
    """Freeze a loaded model and make it ready for cohorts."""
    model.eval()
    model.requires_grad_(False)
    keep_weights_unpacked(model)
    hold_dequantized(model, dequantized_mb)
    use_own_attention(model)


def keep_weights_unpacked(model: Any) -> None:
    """Stop bitsandbytes from repacking 4-bit weights in place on CPUs with AVX512-BF16.

    In eval mode without gradients it repacks a layer's weight for an inference kernel that has no backward pass, and never
    unpacks it: training after an evaluation then gets wrong gradients, without an error.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


def count_parameters(model: Any) -> int:
    """Return the number of weights, two for each byte of a 4-bit layer."""
    return sum(
        parameter.numel() * (2 if parameter.dtype == torch.uint8 else 1) for parameter in model.parameters()
    )


def digest_of(path: Path) -> str:
    """Return the SHA-256 over the names and bytes of weights, config and tokenizer in a model directory."""
    digest = hashlib.sha256()
    for file in sorted(path.glob("*")):
        if file.suffix in READ and file.name != DESCRIPTION:
            digest.update(file.name.encode())
            with file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def _check_source(source: str) -> None:
    directory = Path(source)
    if not directory.is_dir():
        if source.startswith((".", "/", "results/")):
            raise InputError(f"no model directory at {source}")
        return
    if not any(directory.glob("*.safetensors")):
        pickled = sorted(file.name for pattern in PICKLED for file in directory.glob(pattern))
        if pickled:
            raise InputError(
                f"{source} holds pickled weights ({pickled[0]}), which can run any code when they are read",
                "Save the model with safetensors: model.save_pretrained(path), with a recent transformers.",
            )
        raise InputError(f"{source} holds no *.safetensors file")
    config = directory / "config.json"
    if not config.exists():
        raise InputError(f"{source} holds no config.json")
    if "auto_map" in json.loads(config.read_text()):
        raise InputError(
            f"{source} asks to run code of its own (auto_map in config.json)",
            "Only architectures of transformers are run.",
        )


def _check_head(base: Base) -> None:
    """Assert that decoder, head and softcap together give the model's own logits.

    We evaluate the head only where a logit is needed. An architecture that does more between the two, such as a scale on
    the logits, would be scored wrong without a word; this finds it out on three tokens.
    """
    with torch.inference_mode():
        ids = torch.tensor([[1, 2, 3]], device=base.device)
        ours = base.logits(base.decoder(input_ids=ids, use_cache=False).last_hidden_state)
        theirs = base.model(input_ids=ids, use_cache=False).logits.float()
    if not torch.allclose(ours, theirs, atol=1e-2, rtol=1e-2):
        raise InputError(
            f"the architecture of {base.path} is not supported: its LM head is not a plain linear layer",
            f"It is a {AutoConfig.from_pretrained(base.path).model_type} model; please report it.",
        )
