import pytest
import torch

from stimmung.engine.cohort import dropout
from stimmung.engine.cohort.dropout import Dropout, hashes
from stimmung.engine.cohort.slices import Group, Slice

CPU = torch.device("cpu")


def dropped(share, key, width=60, rows=8):
    group = Group((Slice(0, 0, rows, key, 0, rows, width),), CPU)
    drops = Dropout(group, 0, share, shared=0, texts=rows, width=width, at_places=False, features=64)
    return drops.of(torch.ones(1, rows * width, 64)) == 0


def hashed(share, key, width=60, rows=8):
    keys = torch.tensor([[key, 0]])
    return (hashes(keys, 0, rows * width * 64, 0, width * 64) < share * 2**32).view(1, rows * width, 64)


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


def test_a_machine_that_cannot_build_the_kernel_drops_the_same_and_says_so(monkeypatch, caplog):
    def fails(*_):
        raise RuntimeError("Failed to find C compiler.\nPlease specify via CC environment variable.")

    monkeypatch.setattr(dropout, "drop_hashed", fails)
    monkeypatch.setattr(dropout, "is_hashed", lambda x: x is not None)
    found = dropped(0.3, 7)
    assert torch.equal(found, hashed(0.3, 7))
    assert caplog.messages == ["dropout does without its own kernel, more slowly: Failed to find C compiler."]


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
