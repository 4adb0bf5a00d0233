import pytest
import torch

from stimmung.engine.cohort.dropout import Dropout, hashes
from stimmung.engine.cohort.layout import Group, Layout, Slice
from stimmung.engine.cohort.lora import attached, initial_weights
from stimmung.vocabulary.training import Lora

CPU = torch.device("cpu")


def dropped(dropout, key, width=60, rows=8):
    group = Group((Slice(0, 0, rows, key, 0, rows, width),), CPU)
    drops = Dropout(group, 0, dropout, shared=0, texts=rows, width=width, at_places=False, features=64)
    return drops.of(torch.ones(1, rows * width, 64)) == 0


def hashed(dropout, key, width=60, rows=8):
    keys = torch.tensor([[key, 0]])
    return (hashes(keys, 0, rows * width * 64, 0, width * 64) < dropout * 2**32).view(1, rows * width, 64)


@pytest.mark.parametrize("way", [dropped, hashed])
@pytest.mark.parametrize("dropout", [0.05, 0.3, 0.9])
def test_dropout_drops_its_share_of_entries_everywhere(way, dropout):
    share = way(dropout, 7).float()
    for mean, n in (
        (share.mean(), share.numel()),
        *((share.reshape(-1, 4)[:, place].mean(), share.numel() // 4) for place in range(4)),
        *((share.view(8, -1)[row].mean(), share.numel() // 8) for row in range(8)),
    ):
        assert abs(mean.item() - dropout) < 5 * (dropout * (1 - dropout) / n) ** 0.5
    assert not torch.equal(way(dropout, 7), way(dropout, 8))
    assert torch.equal(way(dropout, 7), way(dropout, 7))
    together = (way(dropout, 7) & way(dropout, 8)).float().mean().item()
    assert together == pytest.approx(dropout**2, abs=0.01), "masks of two keys know nothing of each other"


def drops(slices, shared, texts, width):
    return Dropout(Group(tuple(slices), CPU), 3, 0.3, shared, texts, width, at_places=False, features=8)


def test_an_adapter_s_dropout_depends_on_nothing_that_stands_beside_it():
    """Alone, beside a longer text of another adapter, and in two passes for want of memory."""
    first, second = Slice(0, 0, 1, 11, 0, 4, 6), Slice(1, 1, 2, 22, 0, 4, 9)
    x = torch.ones(2, 5 + 4 * 9, 8)
    both = drops([first, second], 5, 4, 9).of(x)[0]
    alone = drops([first], 5, 4, 6).of(torch.ones(1, 5 + 4 * 6, 8))[0]
    assert torch.equal(both[:5], alone[:5])
    assert torch.equal(both[5:].view(4, 9, 8)[:, :6], alone[5:].view(4, 6, 8))
    assert (both[5:].view(4, 9, 8)[:, 6:] == 1).all(), "padding needs none"
    halves = [
        drops([Slice(0, 0, 1, 11, row, 4, 6)], 5, 2, 6).of(torch.ones(1, 5 + 2 * 6, 8))[0] for row in (0, 2)
    ]
    assert torch.equal(torch.cat([half[5:] for half in halves]), alone[5:])
    assert all(torch.equal(half[:5], alone[:5]) for half in halves)


def test_hashes_of_an_adapter_depend_on_nothing_that_stands_beside_it():
    both = hashes(torch.tensor([[11, 0], [22, 0]]), 3, 5 + 4 * 9, 5, 9)
    alone = hashes(torch.tensor([[11, 0]]), 3, 5 + 4 * 6, 5, 6)[0]
    assert torch.equal(both[0, :5], alone[:5])
    assert torch.equal(both[0, 5:].view(4, 9)[:, :6], alone[5:].view(4, 6))
    later = hashes(torch.tensor([[11, 2]]), 3, 5 + 2 * 6, 5, 6)[0]
    assert torch.equal(later[5:], alone[5 + 2 * 6 :])
    assert both.min() >= 0 and both.max() < 2**32


def test_the_kernel_drops_what_torch_drops():
    """Where Triton is: compiled on CUDA, or by its interpreter with TRITON_INTERPRET=1."""
    pytest.importorskip("triton")
    from stimmung.engine.cohort.dropout_kernel import drop_hashed

    device = "cuda" if torch.cuda.is_available() else "cpu"
    keys, x = (
        torch.tensor([[12345, 0], [4000000000, 7]], device=device),
        torch.randn(2, 21, 64, device=device),
    )
    for layer, shared in ((0, 0), (1, 3 * 64), (223, 3 * 64)):
        out = torch.empty_like(x)
        drop_hashed(x, out, keys, layer, shared, 6 * 64, round(0.05 * 2**32))
        expected = hashes(keys, layer, 21 * 64, shared, 6 * 64) < round(0.05 * 2**32)
        assert torch.equal(out, x.masked_fill(expected.view(x.shape), 0))


def test_slices_are_served_by_as_few_groups_as_can_be():
    layout = Layout(CPU)
    for slices, groups in (
        ([(0, 0, 2), (1, 2, 4), (2, 4, 6)], [[0, 1, 2]]),
        ([(0, 0, 2), (1, 2, 4), (2, 4, 5)], [[0, 1], [2]]),  # fewer rows
        ([(0, 0, 2), (2, 2, 4), (3, 4, 6)], [[0], [2, 3]]),  # one has ended
        ([(-1, 0, 2), (0, 2, 4), (-1, 4, 5), (1, 5, 7)], [[0], [1]]),  # rows of the base between
    ):
        layout.slices = [Slice(*one) for one in slices]
        assert [[one.adapter for one in group.slices] for group in layout.groups] == groups


def test_an_adapter_with_dropout_adds_on_average_what_it_adds_without(base):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, 1, 64, generator=generator).expand(400, 20, -1)
    with attached(base, Lora(lora_dropout=0.2)) as cohort, torch.no_grad():
        cohort.add(
            {
                name: torch.randn(one.shape, generator=generator)
                for name, one in initial_weights(cohort, 0).items()
            }
        )
        layer = next(iter(cohort.layers.values()))
        plain = layer.base(x)
        cohort.layout.slices, cohort.layout.tokens = [Slice(0, 0, 400, 3, 0, 400, 20)], 20
        without = (layer(x) - plain).mean(dim=(0, 1))
        cohort.layout.dropout = True
        # Dropout divides what it keeps.
        with_dropout = (layer(x) - plain).mean(dim=(0, 1))
    assert torch.linalg.norm(with_dropout - without) < 0.03 * torch.linalg.norm(without)
