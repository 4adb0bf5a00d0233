from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stimmung.engine.cohort.batching import pack_blocks, plan_steps

LENGTHS = st.lists(st.integers(1, 300), min_size=1, max_size=150)


def planned(lengths, batch_size=4, accumulation=1, epochs=1, max_steps=None, seed=0):
    return plan_steps(
        lengths,
        batch_size=batch_size,
        accumulation=accumulation,
        epochs=epochs,
        max_steps=max_steps,
        seed=seed,
    )


@settings(max_examples=40, deadline=None)
@given(LENGTHS, st.integers(1, 9), st.integers(1, 4), st.integers(1, 3), st.integers(0, 5))
def test_every_epoch_visits_each_row_once(lengths, batch_size, accumulation, epochs, seed):
    steps = planned(lengths, batch_size, accumulation, epochs, None, seed)
    assert len(steps) % epochs == 0
    per_epoch = len(steps) // epochs
    for epoch in range(epochs):
        part = steps[epoch * per_epoch : (epoch + 1) * per_epoch]
        assert Counter(row for step in part for batch in step for row in batch) == Counter(
            range(len(lengths))
        )
    assert all(1 <= len(step) <= accumulation for step in steps)
    assert all(1 <= len(batch) <= batch_size for step in steps for batch in step)


@settings(max_examples=20, deadline=None)
@given(LENGTHS, st.integers(1, 40))
def test_as_many_steps_as_are_asked_for_and_a_longer_plan_begins_alike(lengths, n_steps):
    short = planned(lengths, epochs=None, max_steps=n_steps)
    assert len(short) == n_steps
    assert planned(lengths, epochs=None, max_steps=n_steps + 7)[:n_steps] == short


def test_a_fraction_of_an_epoch_is_that_share_of_its_steps():
    assert len(planned([10] * 100, epochs=0.6)) == 15  # of 25
    assert len(planned([10] * 100, epochs=2.2)) == 55


def test_the_seed_alone_decides_which_rows_meet_in_a_batch():
    lengths = [5, 9, 7, 30, 2, 11, 8, 21, 3, 14]  # so few that one bucket could hold them all
    assert planned(lengths, seed=1) == planned(lengths, seed=1)
    assert _together(planned(lengths, seed=1)) != _together(planned(lengths, seed=2))
    both = planned(lengths, seed=1, epochs=2)
    assert _together(both[:3]) != _together(both[3:]), "each epoch has its own"


def test_rows_that_are_not_sorted_meet_rows_of_any_length():
    lengths = [10] * 200 + [30] * 200
    batches = [
        batch
        for step in plan_steps(
            lengths, batch_size=20, accumulation=1, epochs=1, max_steps=None, seed=0, sorted_batches=1
        )
        for batch in step
    ]
    assert all(len({lengths[row] for row in batch}) == 2 for batch in batches)
    assert any(len({lengths[row] for row in batch}) == 1 for step in planned(lengths, 20) for batch in step)


def _together(steps):
    return {frozenset(batch) for step in steps for batch in step}


def test_batches_hold_rows_of_similar_length():
    lengths = [(37 * row) % 256 + 1 for row in range(256)]
    padded = sum(
        len(batch) * max(lengths[row] for row in batch) for step in planned(lengths, 8) for batch in step
    )
    assert padded < 1.15 * sum(lengths)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 99), max_size=30), max_size=12), st.integers(1, 40))
def test_packing_drops_no_token_and_predicts_each_once(texts, block_size):
    stream = [token for text in texts for token in text]
    blocks = pack_blocks(texts, block_size)
    predicted = [token for block in blocks for token in block.input_ids[block.loss_from :]]
    assert predicted == stream[1:]
    assert all(block.n_loss_tokens == block_size for block in blocks[:-1])
    # Each block reads what stands right before its first predicted token.
    assert [block.input_ids[0] for block in blocks] == stream[:-1:block_size]


@pytest.mark.parametrize("texts", [[], [[]], [[5]]])
def test_nothing_to_predict_gives_no_block(texts):
    assert pack_blocks(texts, 8) == []
