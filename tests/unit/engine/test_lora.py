import pytest
import torch

from stimmung.engine.cohort.layout import Slice
from stimmung.engine.cohort.lora import attached, initial_weights
from stimmung.vocabulary.training import Lora


def dropped(base, dropout, key, width=60, rows=8):
    with attached(base, Lora(lora_dropout=dropout)) as cohort:
        layer = next(iter(cohort.layers.values()))
        return layer._dropped(torch.ones(rows, width, 64), Slice(0, 0, rows, key, 0, rows, width))


@pytest.mark.parametrize("dropout", [0.05, 0.3, 0.9])
def test_dropout_drops_its_share_of_entries_everywhere(base, dropout):
    share = (dropped(base, dropout, 7) == 0).float()
    for mean, n in (
        (share.mean(), share.numel()),
        *((share.reshape(-1, 4)[:, place].mean(), share.numel() // 4) for place in range(4)),
    ):
        assert abs(mean.item() - dropout) < 5 * (dropout * (1 - dropout) / n) ** 0.5
    assert not torch.equal(dropped(base, dropout, 7), dropped(base, dropout, 8))
    assert torch.equal(dropped(base, dropout, 7), dropped(base, dropout, 7))


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
        cohort.layout.slices = [Slice(0, 0, 400, 3, 0, 400, 20)]
        without = (layer(x) - plain).mean(dim=(0, 1))
        cohort.layout.dropout = True
        with_dropout = (layer(x) - plain).mean(dim=(0, 1))
    assert torch.linalg.norm(with_dropout - without) < 0.03 * torch.linalg.norm(without)
