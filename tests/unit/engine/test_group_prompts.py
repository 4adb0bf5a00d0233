import numpy as np
import pandas as pd
import pytest
import torch

from stimmung.engine.base.tiny import _build_tokenizer
from stimmung.engine.cohort.batching import TrainingRow
from stimmung.engine.cohort.forward_backward import Part, forward_backward, loss_per_token
from stimmung.engine.cohort.lora import attached, initial_weights
from stimmung.engine.cohort.training_config import held_out_rows
from stimmung.engine.scoring.group_prompts import group_messages, group_task, soft_training_rows
from stimmung.text.rendering import Rendering
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.training import EarlyStopping
from tests.unit.engine.conftest import VOCABULARY
from tests.workflow.workspace import CODEBOOK

SHARES = pd.DataFrame(
    {
        "group": ["red", "red", "red", "blue", "blue", "blue"],
        "option": ["Red", "Green and Blue", "Blue"] * 2,
        "share": [0.7, 0.2, 0.1, 0.0, 0.25, 0.75],
    }
)


def test_the_weighted_loss_is_the_divergence_from_the_shares_but_for_a_constant(base, training):
    """Against the definition, with the model's probability of each whole answer, of one token or of several."""
    words = Codebook.model_validate(CODEBOOK)
    tokenizer = _build_tokenizer(["Vote: Red", "Vote: Green and Blue"], VOCABULARY)
    rendering = Rendering(tokenizer, False, "Vote:")
    groups = pd.DataFrame({"group": ["red", "blue"], "party": ["red", "blue"], "age": 30.0, "vote": None})
    messages = group_messages(groups, words, "en")
    learned = soft_training_rows(messages, SHARES, ["red", "blue"], rendering)
    rows = [row for _, row in learned]
    assert [row.weight for row in rows] == [0.7, 0.2, 0.1, 0.25, 0.75], "nobody learns what nobody said"
    assert len({row.n_loss_tokens for row in rows}) > 1
    task = group_task("", learned, 0)
    assert task.loss_divisor(range(5)) == 5, "a mean over rows: long options count no less"
    shares = np.array([row.weight for row in rows])
    assert [row.weight for row in task.rows] == pytest.approx(shares / shares.mean())
    with torch.no_grad():
        losses = iter(loss_per_token(base, rows).double())
    nll = np.array([sum(next(losses).item() for _ in range(row.n_loss_tokens)) for row in rows])
    divergence = (shares * (np.log(shares) + nll)).sum()
    constant = -(shares * np.log(shares)).sum()
    with attached(base, training) as cohort:
        cohort.add(initial_weights(cohort, 0))
        (loss,) = forward_backward(cohort, [Part(0, rows, task.loss_divisor(range(5)), 0)], 1).tolist()
    assert loss * len(rows) == pytest.approx(divergence + constant, rel=1e-5)
    assert soft_training_rows(messages, SHARES, ["blue"], rendering) == learned[3:], (
        "the tested groups are out"
    )


def test_what_is_held_out_to_stop_early_are_whole_groups_with_all_their_items():
    """Of another item the same group has another prompt, and what it says would be learned from."""
    of_items = [
        (group, TrainingRow((item, place, answer), 2, 0.5))
        for item in range(3)
        for place, group in enumerate(("north", "south", "west", "east"))
        for answer in range(2)
    ]
    task = group_task("", of_items, 1)
    held_out = held_out_rows(task, EarlyStopping(share=0.25))
    assert len({of_items[row][0] for row in held_out}) == 1 and len(held_out) == 6
