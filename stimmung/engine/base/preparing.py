"""Preparing a model: loaded from a directory or the hub, quantised if asked, saved as files that every job can load."""

import logging
from pathlib import Path
from typing import Any

import torch
import transformers
from huggingface_hub.errors import StrictDataclassError
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

from stimmung.engine.base.base_model import Base, check_architecture, check_vocabulary, keep_weights_unpacked
from stimmung.engine.base.devices import default_device
from stimmung.engine.base.encoders import longest_text
from stimmung.engine.base.gguf_source import as_directory, gguf_file, is_gguf
from stimmung.engine.base.model_files import WEIGHTS_AND_TOKENIZER, check_source, digest_of, save_base
from stimmung.engine.cohort.expert_targets import expert_parameters, tunable_experts
from stimmung.engine.cohort.lora import target_names
from stimmung.store.keys import digest_of_content, library_versions
from stimmung.vocabulary.atomic_files import digest_of_file
from stimmung.vocabulary.errors import InputError

logger = logging.getLogger(__name__)

# Raise it with every change that gives a prepared model other bytes, or proves more of it.
PREPARE_VERSION = 2
# Characters of another library's message. A choice: enough for what is wrong, less than a list of all that would be right.
MAX_QUOTED = 160
# What the weights of a text model are called within a larger model, and alone.
TEXT_WEIGHTS = {
    r"^(model\.)?language_model\.(?!lm_head)(model\.)?": "model.",
    r"^(model\.)?language_model\.lm_head": "lm_head",
}
# A choice: below this share of 4-bit weights a model is not what `quantization: nf4` leads one to expect.
LOW_PACKED_SHARE = 0.5


def prepared_key(
    source: str, revision: str | None, *, quantization: str, compute_dtype: str, encoder: bool
) -> str:
    """Return the key in the store of a prepared model; raise InputError if the source is a directory without a model."""
    check_source(source)
    directory = Path(source)
    origin: Any = [source, revision]
    if is_gguf(source):
        origin = digest_of_file(gguf_file(source))
    elif directory.is_dir():
        origin = [[file.name, digest_of_file(file)] for file in sorted(directory.glob("*")) if file.is_file()]
    settings = [quantization, compute_dtype, encoder]
    return digest_of_content([PREPARE_VERSION, library_versions(), origin, settings])


def quantize_base(
    source: str, revision: str | None, quantization: str, compute_dtype: str, output: Path
) -> dict[str, Any]:
    """Load a causal language model, quantise it if asked, and save it with its tokenizer; return what model.json holds.

    ``source`` is a directory, or a hub id with ``revision``, its commit. ``quantization`` is 'none' or 'nf4', with double
    quantisation, as in QLoRA (Dettmers et al. 2023, section 3). ``compute_dtype``, 'float32' or 'bfloat16', is that of matrix
    products, and of weights that are not quantised.

    Raises InputError if the model is absent, pickled, of an unsupported architecture, or needs code of its own.
    """
    check_source(source)
    dtype = getattr(torch, compute_dtype)
    options: dict[str, Any] = {"dtype": dtype, "device_map": default_device()}
    if quantization == "nf4":
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
        )
    with as_directory(source, dtype, output) as directory:
        model, tokenizer = _load(AutoModelForCausalLM, directory, revision, options)
    # Here once, since a pass over a large 4-bit model takes longer than everything else in loading it.
    keep_weights_unpacked(model)
    base = Base(model, tokenizer, source, "")
    max_length = base.max_length  # before anything is saved: it may be unknown
    check_vocabulary(base)
    check_architecture(base)
    packed = sum(_n_weights(one) for one in model.parameters() if one.dtype == torch.uint8)
    share = packed / count_parameters(model)
    if quantization == "nf4":
        level = logging.WARNING if share < LOW_PACKED_SHARE else logging.INFO
        logger.log(level, "%s: %.1f %% of the weights are packed to 4 bits", source, 100 * share)
    reach, experts, tunable = adapted_share(model), expert_share(model), tunable_experts(model)
    logger.info("%s: adapters of all linear layers reach %.1f %% of the weights", source, 100 * reach)
    if experts:
        text = "%s: %.1f %% of the weights are experts, which %s and NF4 does not pack"
        how = f"only `target_parameters` ({', '.join(tunable)}) reach" if tunable else "no adapter reaches"
        logger.warning(text, source, 100 * experts, how)
    save_base(model, tokenizer, output)
    shares = {"packed_share": share, "adapted_share": reach, "expert_share": experts}
    about = {
        "quantization": quantization,
        **{name: round(one, 4) for name, one in shares.items()},
        **({"expert_parameters": tunable} if experts else {}),
        "compute_dtype": compute_dtype,
    }
    return _description(source, revision, about, model, max_length, output)


def save_encoder(source: str, revision: str | None, compute_dtype: str, output: Path) -> dict[str, Any]:
    """Load a BERT-style encoder and save it with its tokenizer; parameters, result and errors as for ``quantize_base``."""
    check_source(source)
    model, tokenizer = _load(AutoModel, source, revision, {"dtype": getattr(torch, compute_dtype)})
    length = longest_text(model, tokenizer)
    save_base(model, tokenizer, output)
    about = {"quantization": "none", "compute_dtype": compute_dtype}
    return _description(source, revision, about, model, length, output)


def count_parameters(model: Any) -> int:
    """Return the number of weights, two for each byte of a 4-bit layer."""
    return sum(_n_weights(parameter) for parameter in model.parameters())


def adapted_share(model: Any) -> float:
    """Return the share of a model's weights that are in layers with an adapter, if all linear layers have one."""
    try:
        names = target_names(model, "all-linear")
    except InputError:  # it has no linear layer
        return 0.0
    return sum(_n_weights(model.get_submodule(name).weight) for name in names) / count_parameters(model)


def expert_share(model: Any) -> float:
    """Return the share of a model's weights that transformers holds as one tensor of three dimensions for all experts of a layer."""
    return sum(_n_weights(model.get_parameter(name)) for name in expert_parameters(model)) / count_parameters(
        model
    )


def _n_weights(parameter: torch.Tensor) -> int:
    return int(parameter.numel()) * (2 if parameter.dtype == torch.uint8 else 1)


def _load(kind: Any, source: str, revision: str | None, options: dict[str, Any]) -> tuple[Any, Any]:
    where = {"revision": revision, "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, **where)
        config = AutoConfig.from_pretrained(source, **where)
        if kind is AutoModelForCausalLM and config.sub_configs:
            kind, options = _text_part(source, config, options)
        model, loading = kind.from_pretrained(
            source, **where, use_safetensors=True, output_loading_info=True, **options
        )
        if "key_mapping" in options:  # or they would be saved under their names within the larger model
            model._weight_conversions = [
                one for one in model._weight_conversions if "language_model" not in str(one.source_patterns)
            ]
    except (KeyError, StrictDataclassError) as error:
        raise InputError(
            f"cannot load the model '{source}': transformers {transformers.__version__} does not know a value of its config.json:"
            f" {str(error)[:MAX_QUOTED]}",
            "It may need a newer transformers.",
        ) from error
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot load the model '{source}': {str(error).splitlines()[0]}",
            "It must be in safetensors. A hub model must be downloaded first where jobs have no network: "
            "`hf download ID --revision REVISION`.",
        ) from error
    if kind is not AutoModel and (missing := sorted(loading["missing_keys"])):
        raise InputError(
            f"the files of '{source}' lack {len(missing)} weights of {kind.__name__}, such as {missing[0]}",
            "They are incomplete, or hold a model of another architecture than config.json says.",
        )
    # A repository may offer code for a class that transformers has too: it is not run, and must not be asked for when loading.
    if hasattr(model.config, "auto_map"):
        del model.config.auto_map
    tokenizer.init_kwargs.pop("auto_map", None)
    return model, tokenizer


def _text_part(source: str, config: Any, options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return the class of the text model within one that reads images or sound too, and how that one alone is loaded."""
    text = config.get_text_config(decoder=True)
    if text is config or type(text) not in MODEL_FOR_CAUSAL_LM_MAPPING:
        raise InputError(
            f"the {config.model_type} model '{source}' reads more than text, and transformers has no class for its text model alone",
            "Use a model of text.",
        )
    text.tie_word_embeddings = config.tie_word_embeddings
    kind = MODEL_FOR_CAUSAL_LM_MAPPING[type(text)]
    logger.info("%s reads more than text: of it, %s is kept", source, kind.__name__)
    return kind, {**options, "config": text, "key_mapping": TEXT_WEIGHTS}


def _description(
    source: str, revision: str | None, about: dict[str, Any], model: Any, max_length: int, output: Path
) -> dict[str, Any]:
    return {
        "source": source,
        "revision": revision,
        **about,
        "architecture": type(model).__name__,
        "n_parameters": count_parameters(model),
        "max_length": max_length,
        "files": list(WEIGHTS_AND_TOKENIZER),
        "digest": digest_of(output),
    }
