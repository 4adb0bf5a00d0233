import torch

from stimmung.engine.cohort.lora import attached, initial_weights
from stimmung.engine.cohort.slices import Slice
from stimmung.vocabulary.training import Lora


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
