"""How the hyper-parameters of the demo's adapters were chosen: on simulated respondents, never on those it reports.

Run after `make demo`, whose base model it uses:  python benchmarks/hyperparameters.py
"""

import argparse
import itertools
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))

from stimmung.data.simulated_survey import simulate_respondents
from stimmung.data.splits import split_condition
from stimmung.engine.base import load_base
from stimmung.engine.devices import use_threads
from stimmung.engine.predictions import predict_respondents
from stimmung.engine.respondents import training_ids, training_rows
from stimmung.engine.store import Store
from stimmung.engine.training import Pace, Recipe, Task, train_adapters
from stimmung.study.study import load_codebook
from stimmung.text.prompts import plain_text, survey_messages
from stimmung.text.rendering import Rendering

LANGUAGE = "en"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, default=Path("results/models/tiny"))
    parser.add_argument("--codebook", type=Path, default=Path("codebooks/anes1996.yaml"))
    parser.add_argument("--respondents", type=int, default=944)
    parser.add_argument("--rates", type=float, nargs="+", default=[2e-3, 3e-3, 6e-3])
    parser.add_argument("--steps", type=int, nargs="+", default=[100, 180])
    parser.add_argument("--ranks", type=int, nargs="+", default=[8, 16])
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    use_threads(1)
    base = load_base(arguments.base)
    words = load_codebook(arguments.codebook)
    table = simulate_respondents(words, LANGUAGE, arguments.respondents, arguments.seed)
    splits = split_condition(
        table, words.target, "full", exclude={}, keep={}, share=None, n_folds=5, seed=arguments.seed
    )
    # One fold is enough to rank settings: the other four are what it trains on.
    splits = splits.assign(fold=splits.fold.where(splits.fold == 0, 1).astype("int8"))
    messages = [survey_messages(row, words, LANGUAGE) for row in table.to_dict("records")]
    prompts = pd.DataFrame(
        {
            "respondent_id": table.respondent_id,
            "messages": messages,
            "text": [plain_text(one, words.question) for one in messages],
            "target": table[words.target].astype(str),
        }
    )
    rendering = Rendering(base.tokenizer, False, words.question)
    rows = training_rows(prompts, training_ids(splits, 0), rendering)
    options = words.target_labels(LANGUAGE)
    print("rank   rate     steps   batch  accuracy  log-loss  option mass")
    for rank, rate, steps, batch in itertools.product(
        arguments.ranks, arguments.rates, arguments.steps, [8, 16]
    ):
        recipe = Recipe.from_config(
            {
                "r": rank,
                "lora_alpha": 2 * rank,
                "learning_rate": rate,
                "num_train_epochs": None,
                "max_steps": steps,
                "warmup_ratio": 0.1,
                "per_device_train_batch_size": batch,
            }
        )
        with tempfile.TemporaryDirectory() as folder:
            store = Store(Path(folder))
            key = train_adapters(base, recipe, [Task("fold 0", rows, arguments.seed)], store, pace=Pace())[0]
            found = predict_respondents(
                base,
                rendering,
                prompts=prompts,
                splits=splits[splits.fold == 0],
                weights=table.set_index("respondent_id").weight,
                options=options,
                adapters=[store.adapter(key)],
                examples=0,
                normalization="none",
                readout="exact",
                tokens_per_batch=16384,
                seed=0,
            )
        chances = found[[f"p_{option}" for option in options]].to_numpy()
        truth = found.target.map({option: place for place, option in enumerate(options)}).to_numpy()
        accuracy = (chances.argmax(axis=1) == truth).mean()
        loss = -np.log(chances[np.arange(len(truth)), truth]).mean()
        print(
            f"{rank:4d}   {rate:.0e}   {steps:4d}   {batch:4d}   {accuracy:.3f}     {loss:.3f}     {found.option_mass.mean():.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
