import numpy as np

from stimmung.engine.scoring import prompt_batches
from stimmung.engine.scoring.prompt_batches import Prompt, alike
from stimmung.engine.scoring.score import score_options

OPTIONS = ((5,), (6, 7))


def behind(beginning, *lengths, seed=0):
    """Return prompts that begin alike and end in tokens of their own."""
    rng = np.random.default_rng(seed)
    return [Prompt(beginning + tuple(rng.integers(20, 300, n).tolist()), OPTIONS) for n in lengths]


def two_folds():
    rng = np.random.default_rng(9)
    first, second = (tuple(rng.integers(20, 300, 60).tolist()) for _ in range(2))
    return [*behind(first, 4, 9, 6), *behind(second, 5, 8, 7, seed=1), *behind((), 30, 70, seed=2)]


def test_prompts_behind_the_same_long_beginning_are_read_apart_and_all_others_together(monkeypatch):
    prompts = two_folds()
    assert alike(prompts) == [list(range(8))]
    monkeypatch.setattr(prompt_batches, "LONG_BEGINNING", 50)
    assert alike(prompts) == [[6, 7], [0, 1, 2], [3, 4, 5]]
    others = [Prompt(one.context_ids, ((8,), (9,))) for one in prompts[:3]]
    assert alike([*prompts[:3], *others]) == [[0, 1, 2], [3, 4, 5]]


def test_what_a_fold_has_in_common_is_read_once_and_the_scores_are_the_same(base, monkeypatch):
    def tokens_read():
        read = []
        hook = base.decoder.register_forward_pre_hook(
            lambda _, __, named: read.append(named["input_ids"].numel()), with_kwargs=True
        )
        scores = score_options(base, two_folds())
        hook.remove()
        return sum(read), scores

    together, expected = tokens_read()
    monkeypatch.setattr(prompt_batches, "LONG_BEGINNING", 50)
    apart, scores = tokens_read()
    assert apart < together / 1.5
    np.testing.assert_allclose(scores, expected, atol=1e-5)
