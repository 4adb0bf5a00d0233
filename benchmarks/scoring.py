"""How long scoring takes by prompt of eight options: one pass over the options' trie, one forward per option, lm-evaluation-harness.

    python benchmarks/scoring.py [--size 5m] [--device cpu|cuda] [--repetitions 3]

The same base for all, once with weights of float32 and once of 4 bits, with which the others compute in bfloat16 and Stimmung in
float32 as ever: a CPU with bfloat16 instructions then saves them time, and costs them exact scores. Then, in float32, a model whose
layers see a window of tokens (Mistral) and one of which most layers have a recurrent state (Qwen3.5). At last, what 18 targets of
a respondent cost against one (several_targets.py), by respondent.
Writes results/benchmarks/scoring.json.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from measure import (
    CONTEXT,
    OPTIONS,
    SHAPES,
    Cost,
    alternating,
    arguments,
    encoded,
    load_as_base,
    ratio,
    report,
    saved,
    survey,
    table,
)
from several_targets import several_targets
from transformers import AutoModelForCausalLM, MistralConfig, PretrainedConfig, Qwen3_5TextConfig

from stimmung.engine.base.base_model import Base
from stimmung.engine.scoring.prompt_batches import Prompt
from stimmung.engine.scoring.score import score_options

PROMPTS = 24
LM_EVAL_BATCH = 16
BASES = {"float32": "float32 weights", "nf4": "4-bit weights"}
WINDOW = 64  # tokens; the prompts have 150 to 250
RECURRENT_LAYERS = {
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 32,
    "linear_value_head_dim": 32,
}


def main() -> None:
    options = arguments("Time of scoring eight options.", "5m")
    tokenizer, texts = survey(PROMPTS)
    prompts = [Prompt(one.context_ids, one.continuation_ids) for one in encoded(tokenizer, texts)]
    keys: dict[str, float | None] = {}
    costs: dict[str, Cost | None] = {}
    with tempfile.TemporaryDirectory() as folder:
        directory = saved(options.size, tokenizer, Path(folder) / "model")
        for dtype, weights in BASES.items():
            base = load_as_base(directory, dtype)
            found = _costs(base, prompts, texts, options.repetitions)
            naive, harness, own = found.values()
            costs |= {f"{name}, {weights}": cost for name, cost in found.items()}
            suffix = "" if dtype == "float32" else "_computing_in_bfloat16"
            keys[f"vs_one_forward_per_option{suffix}"] = ratio(naive, own)
            keys[f"vs_lm_eval{suffix}"] = ratio(harness, own)
            if dtype == "float32":
                ours = np.array(score_options(base, prompts))
                difference = np.abs(ours - np.array(_harness(base, texts)()).reshape(ours.shape)).max()
                keys["max_abs_difference_lm_eval"] = float(difference)
        for name, config in other_architectures(options.size).items():
            directory = Path(folder) / name
            torch.manual_seed(0)
            AutoModelForCausalLM.from_config(config).save_pretrained(directory)
            tokenizer.save_pretrained(directory)
            found = _costs(load_as_base(directory, "float32"), prompts, texts, options.repetitions)
            naive, harness, own = found.values()
            costs |= {f"{setting}, {name}": cost for setting, cost in found.items()}
            keys[f"vs_one_forward_per_option_{name}"] = ratio(naive, own)
            keys[f"vs_lm_eval_{name}"] = ratio(harness, own)
        ratios, of_targets, lengths = several_targets(
            options.size, PROMPTS, options.repetitions, Path(folder)
        )
    tokens = [len(ids) for ids in prompts[0].option_ids]
    mean = float(np.mean([len(prompt.context_ids) for prompt in prompts]))
    report(
        "scoring", keys | ratios, table(costs | of_targets, PROMPTS, "prompt"), options,
        prompts=PROMPTS, option_tokens=tokens, mean_tokens=round(mean, 1), lm_eval_batch=LM_EVAL_BATCH, **lengths,
    )  # fmt: skip


def _costs(
    base: Base, prompts: Sequence[Prompt], texts: Sequence[str], repetitions: int
) -> dict[str, Cost | None]:
    return alternating(
        {
            "one forward per option": lambda: lambda: one_forward_per_option(base, prompts),
            "lm-evaluation-harness": lambda: _harness(base, texts),
            "Stimmung": lambda: lambda: score_options(base, prompts),
        },
        repetitions,
    )


def other_architectures(size: str) -> dict[str, PretrainedConfig]:
    """Return configs with the shape of a Llama of this size, of layers that see a window and of layers with a recurrent state."""
    shape = SHAPES[size]
    common = {
        "vocab_size": shape["vocabulary"],
        "hidden_size": shape["hidden"],
        "intermediate_size": shape["intermediate"],
        "num_hidden_layers": shape["layers"],
        "num_attention_heads": shape["heads"],
        "num_key_value_heads": shape["kv"],
        "head_dim": shape["hidden"] // shape["heads"],
        "max_position_embeddings": CONTEXT,
        "tie_word_embeddings": shape["tied"],
    }
    return {
        "windowed": MistralConfig(**common, sliding_window=WINDOW),
        "recurrent": Qwen3_5TextConfig(**common, **RECURRENT_LAYERS),
    }


def one_forward_per_option(base: Base, prompts: Sequence[Prompt]) -> list[list[float]]:
    """Score as the published scripts do: each option with a forward pass of its own and the full vocabulary everywhere."""
    found = []
    with torch.inference_mode():
        for prompt in prompts:
            scores = []
            for option in prompt.option_ids:
                ids = torch.tensor([prompt.context_ids + option], device=base.device)
                logits = base.model(input_ids=ids).logits[0].float().log_softmax(-1)
                first = len(prompt.context_ids) - 1
                scores.append(sum(logits[first + place, token].item() for place, token in enumerate(option)))
            found.append(scores)
    return found


def _harness(base: Base, texts: Sequence[str]) -> Any:
    """Return lm-evaluation-harness' scoring of every option, one after another in a list."""
    harness = HFLM(
        pretrained=base.model,
        tokenizer=base.tokenizer,
        batch_size=LM_EVAL_BATCH,
        device=str(base.device),
        add_bos_token=True,
    )
    asked = [
        Instance("loglikelihood", {}, (text, f" {option}"), number)
        for number, (text, option) in enumerate((text, option) for text in texts for option in OPTIONS)
    ]
    return lambda: [score for score, _ in harness.loglikelihood(asked, disable_tqdm=True)]


if __name__ == "__main__":
    main()
