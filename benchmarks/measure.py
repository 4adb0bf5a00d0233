"""What the speed benchmarks share: a Llama with random weights, survey prompts, alternating runs, the machine."""

import argparse
import gc
import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from datasets import disable_progress_bars
from simulated_respondents import simulate_respondents
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    LlamaConfig,
    LlamaForCausalLM,
)
from transformers.utils.logging import set_verbosity_error

from stimmung.data.simulate.generated_text import questionnaires
from stimmung.engine.base.base_model import Base, keep_weights_unpacked, prepare_loaded
from stimmung.engine.base.devices import use_threads
from stimmung.engine.base.tiny import _build_tokenizer
from stimmung.study.reading import load_codebook
from stimmung.text.encoding import Encoded, encode
from stimmung.text.prompts import survey_messages
from stimmung.vocabulary.atomic_files import write_json
from stimmung.vocabulary.errors import InputError

ROOT = Path(__file__).parent.parent
CODEBOOKS, LANGUAGE = ("anes1996", "beps1997", "chile1988"), "en"
CONTEXT = 1024
LLAMA_3_VOCABULARY = 128256
PACKAGES = ("torch", "transformers", "peft", "bitsandbytes", "accelerate", "trl", "lm_eval")
# The vocabulary has the share of the parameters that it has in small public models, such as SmolLM2-135M's fifth.
SHAPES: dict[str, dict[str, Any]] = {
    "unit": {"layers": 2, "hidden": 64, "intermediate": 128, "heads": 4, "kv": 2, "vocabulary": 2048, "tied": True},
    "5m": {"layers": 5, "hidden": 256, "intermediate": 704, "heads": 4, "kv": 2, "vocabulary": 4096, "tied": True},
    "135m": {"layers": 30, "hidden": 576, "intermediate": 1536, "heads": 9, "kv": 3, "vocabulary": 49152, "tied": True},
    "1b": {"layers": 16, "hidden": 2048, "intermediate": 8192, "heads": 32, "kv": 8, "vocabulary": 32768, "tied": True},
    "8b": {
        "layers": 32, "hidden": 4096, "intermediate": 14336, "heads": 32, "kv": 8,
        "vocabulary": LLAMA_3_VOCABULARY, "tied": False,
    },
}  # fmt: skip
# Eight answers of one to four tokens, some beginning alike.
OPTIONS = (
    "Labour", "Conservative", "Liberal Democrat", "Liberal Unionist", "Green", "the other party",
    "the party of labour", "none",
)  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """What one run took: wall time, this process's processor time, and the most memory it held."""

    seconds: float
    cpu_seconds: float
    peak_mb: float


def arguments(description: str, size: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--size", choices=list(SHAPES), default=size)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--output", type=Path, default=ROOT / "results/benchmarks")
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.exit(1, "ERROR: there is no CUDA GPU here\nRun it with --device cpu.\n")
    begin(options.device)
    return options


def begin(device: str) -> None:
    """Let this process use one thread, and say nothing beside what is measured."""
    if device == "cpu":
        # So that nothing, Hugging Face's Trainer included, finds a GPU that is there.
        torch.cuda.is_available = lambda: False  # type: ignore[method-assign]
    use_threads(1)
    set_verbosity_error()
    disable_progress_bars()


def llama(size: str) -> LlamaForCausalLM:
    """Return a Llama of a shape with random weights, in bfloat16; the same weights each time."""
    shape = SHAPES[size]
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=shape["vocabulary"],
        hidden_size=shape["hidden"],
        intermediate_size=shape["intermediate"],
        num_hidden_layers=shape["layers"],
        num_attention_heads=shape["heads"],
        num_key_value_heads=shape["kv"],
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=shape["tied"],
        dtype=torch.bfloat16,
    )
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        return LlamaForCausalLM(config).to(torch.bfloat16)


def survey(n: int, seed: int = 0) -> tuple[Any, list[str]]:
    """Return a tokenizer, and the prompts of ``n`` simulated respondents, of 150 to 250 of its tokens.

    Each answers the items of three codebooks, but for two to nine: what a questionnaire holds varies between respondents.
    """
    instruction = f"How does this voter vote? One of: {', '.join(OPTIONS)}."
    answers: list[list[str]] = [[] for _ in range(n)]
    for name in CODEBOOKS:
        codebook = load_codebook(ROOT / f"codebooks/{name}.yaml")
        for number, row in enumerate(simulate_respondents(codebook, LANGUAGE, n, seed).to_dict("records")):
            answers[number] += survey_messages(row, codebook, LANGUAGE)[1]["content"].splitlines()
    texts = [
        "\n".join([instruction, "", *lines[2 + number % 8 :], "Vote:"])
        for number, lines in enumerate(answers)
    ]
    # The options as often as words of a corpus are, so that each of their words is one token.
    words = [f" {option}" for option in OPTIONS] * 200
    return _build_tokenizer([*questionnaires(2000, seed), *words], 1536), texts


def encoded(tokenizer: Any, texts: list[str]) -> list[Encoded]:
    return [encode(tokenizer, text, [f" {option}" for option in OPTIONS]) for text in texts]


def saved(size: str, tokenizer: Any, directory: Path) -> Path:
    """Save the random model with its tokenizer as any model is saved."""
    llama(size).save_pretrained(directory, max_shard_size="100GB")
    tokenizer.save_pretrained(directory)
    return directory


def four_bit() -> BitsAndBytesConfig:
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )


def load(directory: Path, dtype: str) -> Any:
    """Load a model as 'nf4' with bfloat16 products, or in 'bfloat16' or 'float32'; frozen, otherwise as transformers has it."""
    model = AutoModelForCausalLM.from_pretrained(
        directory,
        dtype=torch.bfloat16 if dtype == "nf4" else getattr(torch, dtype),
        quantization_config=four_bit() if dtype == "nf4" else None,
        device_map="cuda" if torch.cuda.is_available() else "cpu",
    )
    model.eval()
    model.requires_grad_(False)
    keep_weights_unpacked(model)
    return model


def load_as_base(directory: Path, dtype: str) -> Base:
    model = load(directory, dtype)
    prepare_loaded(model)
    return Base(model, AutoTokenizer.from_pretrained(directory), str(directory), "")


def alternating(
    settings: Mapping[str, Callable[[], Callable[[], Any]]],
    repetitions: int,
    warm: bool = False,
    peers: Collection[str] = (),
) -> dict[str, Cost | None]:
    """Run all settings in turn, ``repetitions`` times, and return each one's median cost; None if memory ran out.

    In turn, so that a machine that is busy for a while slows all of them down. Each setting first prepares, which is not counted,
    and returns what is. Unless all code is warm, a first round is not counted either. On a CPU ``peers`` run in a process of their
    own, as their users run them: ours changes how its process hands out memory.
    """
    costs: dict[str, list[Cost]] = {name: [] for name in settings}
    failed = set()
    theirs = ProcessPoolExecutor(1, get_context("spawn"), begin, ("cpu",)) if peers else None
    for repetition in range(int(warm), repetitions + 1):
        for name, prepare in settings.items():
            if name in failed:
                continue
            try:
                if theirs is not None and name in peers:
                    cost = theirs.submit(prepared_and_measured, prepare).result()
                else:
                    cost = prepared_and_measured(prepare)
            except (torch.cuda.OutOfMemoryError, InputError) as error:
                if not is_out_of_memory(error):
                    raise
                failed.add(name)
                print(f"{name}: out of memory", file=sys.stderr)
                continue
            if repetition > 0:
                costs[name].append(cost)
    if theirs is not None:
        theirs.shutdown()
    return {name: None if name in failed else median(costs[name]) for name in settings}


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, also where the engine has said so in words of its own."""
    return isinstance(error, torch.cuda.OutOfMemoryError) or isinstance(
        error.__cause__, torch.cuda.OutOfMemoryError
    )


def prepared_and_measured(prepare: Callable[[], Callable[[], Any]]) -> Cost:
    return measured(prepare())


def measured(run: Callable[[], Any]) -> Cost:
    gc.collect()
    _forget_peak()
    began, began_cpu = time.perf_counter(), time.process_time()
    run()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return Cost(time.perf_counter() - began, time.process_time() - began_cpu, _peak_mb())


def median(costs: list[Cost]) -> Cost:
    return Cost(
        statistics.median(cost.seconds for cost in costs),
        statistics.median(cost.cpu_seconds for cost in costs),
        max(cost.peak_mb for cost in costs),
    )


def time_of(cost: Cost) -> float:
    """Return what ratios are made of: on a GPU wall time, on a CPU processor time, which neighbours disturb less."""
    return cost.seconds if torch.cuda.is_available() else cost.cpu_seconds


def ratio(slow: Cost | None, fast: Cost | None) -> float | None:
    return round(time_of(slow) / time_of(fast), 2) if slow and fast else None


def table(costs: Mapping[str, Cost | None], per: int, unit: str) -> pd.DataFrame:
    """Return one line for each setting; ``per`` is how many units one run worked through."""
    lines = {
        name: {
            f"ms/{unit}": "out of memory" if cost is None else round(1000 * time_of(cost) / per, 2),
            f"wall ms/{unit}": None if cost is None else round(1000 * cost.seconds / per, 2),
            "peak MB": None if cost is None else round(cost.peak_mb),
        }
        for name, cost in costs.items()
    }
    return pd.DataFrame.from_dict(lines, orient="index")


def report(
    name: str, keys: dict[str, Any], lines: pd.DataFrame, options: argparse.Namespace, **more: Any
) -> None:
    """Print the table and the ratios, and write both with the machine to the benchmark's JSON."""
    print(lines.to_string())
    for key, value in keys.items():
        print(f"{key}: {value}")
    settings = {"size": options.size, "device": options.device, "repetitions": options.repetitions, **more}
    content = {
        **keys,
        "settings": settings,
        "table": lines.astype(object).where(lines.notna(), None).to_dict("index"),
        "machine": machine(),
    }
    write_json(content, options.output / f"{name}.json")


def machine() -> dict[str, Any]:
    processor = platform.processor()
    if Path("/proc/cpuinfo").exists():
        names = [
            line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")
        ]
        processor = names[0].split(":", 1)[1].strip() if names else processor
    return {
        "processor": processor,
        "cores": os.cpu_count(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "python": platform.python_version(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "versions": {package: _version(package) for package in PACKAGES},
    }


def _version(package: str) -> str | None:
    """Return a package's version, or None where it is not installed: a card's machine may lack the peers."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _forget_peak() -> None:
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    elif Path("/proc/self/clear_refs").exists():
        Path("/proc/self/clear_refs").write_text("5")  # Linux: begin the peak of resident memory anew


def _peak_mb() -> float:
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    status = Path("/proc/self/status")
    if status.exists():
        peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(peak.split()[1]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
