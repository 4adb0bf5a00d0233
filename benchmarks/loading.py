"""How long a job waits for its base: quantising a model to 4 bits against loading the one that was quantised and saved.

    python benchmarks/loading.py [--size 1b] [--device cpu|cuda] [--repetitions 3]

Both from files that the operating system has in memory. A CPU's weights are mapped: a page is read when it is first used, so it is
the check of the logits that proves that all are there. They differ by nothing on a CPU; CUDA has another kernel for a few tokens of
packed weights. Writes results/benchmarks/loading.json.
"""

import tempfile
from pathlib import Path

import torch
from measure import alternating, arguments, llama, load, ratio, report, survey, table

from stimmung.engine.base.base_model import load_base
from stimmung.engine.base.preparing import quantize_base
from stimmung.vocabulary.atomic_files import write_json


def main() -> None:
    options = arguments("Time of loading a 4-bit base.", "1b")
    tokenizer, _ = survey(8)
    with tempfile.TemporaryDirectory() as folder:
        source, base = Path(folder) / "source", Path(folder) / "base"
        model = llama(options.size)
        n_parameters = sum(weight.numel() for weight in model.parameters())
        model.save_pretrained(source, max_shard_size="100GB")
        tokenizer.save_pretrained(source)
        del model
        described = quantize_base(str(source), None, "nf4", "bfloat16", base)
        write_json(
            described, base / "model.json"
        )  # as prepare_model does: what has been checked is not checked again
        costs = alternating(
            {
                "quantise while loading (transformers)": lambda: lambda: load(source, "nf4"),
                "load the saved 4-bit base (Stimmung)": lambda: lambda: load_base(base),
            },
            options.repetitions,
        )
        difference = _logit_difference(source, base)
    quantising, loading = costs.values()
    keys = {"vs_quantizing": ratio(quantising, loading), "max_abs_logit_difference": difference}
    report("loading", keys, table(costs, 1, "load"), options, parameters=n_parameters)


def _logit_difference(source: Path, base: Path) -> float:
    quantised, saved = load(source, "nf4"), load_base(base).model
    ids = torch.tensor([[1, 2, 3, 4, 5]], device=saved.device)
    with torch.inference_mode():
        return float((quantised(ids).logits - saved(ids).logits).abs().max())


if __name__ == "__main__":
    main()
