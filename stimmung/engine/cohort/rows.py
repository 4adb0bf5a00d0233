"""Training rows as the model reads them: one below the other, or those of an adapter in one row behind what all of them begin with."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

import torch
from torch.nn.utils.rnn import pad_sequence

from stimmung.engine.base.attention import NAME, shared_row_mask
from stimmung.engine.base.base_model import Base
from stimmung.engine.base.full_attention import options_can_share_a_row
from stimmung.engine.cohort.batching import TrainingRow

# A choice: a row with a shorter beginning would save less than it costs to take its attention apart.
MIN_SHARED = 8
# What rounding of bfloat16 may do to the hidden states of a few tokens; a token that sees the wrong ones moves them by far more.
TOLERANCE = 0.05


@dataclass(frozen=True)
class Rows:
    """What one pass reads. Tokens are padded on the right with one of the rows', since the embedding of another may be NaN.

    ``places``, shape (rows, places), are where loss is: each once in a row, maybe some beyond the end. ``where`` are those of
    ``targets`` in the flattened ``ids``.
    """

    ids: torch.Tensor
    places: torch.Tensor
    where: torch.Tensor
    targets: torch.Tensor
    positions: torch.Tensor | None = None
    mask: torch.Tensor | None = None

    def more(self, device: torch.device) -> dict[str, torch.Tensor]:
        """Return what the model is given beside the tokens, on the device."""
        named = {"position_ids": self.positions, "attention_mask": self.mask}
        # A mask that says how texts lie is no data, and would lose that on the way.
        return {
            name: one.to(device) if name == "position_ids" else one
            for name, one in named.items()
            if one is not None
        }


def plain_rows(rows: Sequence[TrainingRow]) -> Rows:
    """Lay rows one below the other. No mask is needed: in a causal model no token sees a later one."""
    # The last token of a row predicts nothing, so it is not read.
    texts = [torch.tensor(row.input_ids[:-1]) for row in rows]
    ids = pad_sequence(texts, batch_first=True, padding_value=rows[0].input_ids[0])
    n_places = max(row.n_loss_tokens for row in rows)
    # Never as many as tokens: by that a layer knows which of them it reads. One place more lies beyond the end.
    n_places += n_places == ids.shape[1]
    starts = torch.tensor([row.loss_from - 1 for row in rows])
    places = starts[:, None] + torch.arange(n_places)
    read = torch.arange(n_places) < torch.tensor([[row.n_loss_tokens] for row in rows])
    where = torch.arange(len(rows))[:, None] * ids.shape[1] + places
    return Rows(ids, places, where[read], _targets(rows))


def shared_rows(rows: Sequence[TrainingRow], shared: int, texts: int) -> Rows:
    """Lay each ``texts`` rows, which begin with the same ``shared`` tokens, into one row: these tokens once, then the rest of each."""
    rest = [torch.tensor(row.input_ids[shared:-1]) for row in rows]
    ids = pad_sequence(rest, batch_first=True, padding_value=rows[0].input_ids[0])
    width = ids.shape[1]
    beginnings = torch.tensor([row.input_ids[:shared] for row in rows[::texts]])
    ids = torch.cat([beginnings, ids.view(-1, texts * width)], dim=1)
    length = ids.shape[1]
    n_places = max(row.n_loss_tokens for row in rows)
    offsets = shared + torch.arange(len(rows)) % texts * width
    starts = offsets + torch.tensor([row.loss_from - 1 - shared for row in rows])
    places = starts[:, None] + torch.arange(n_places)
    read = torch.arange(n_places) < torch.tensor([[row.n_loss_tokens] for row in rows])
    # A place of a text must not be one of the next text.
    beyond = length + torch.arange(texts * n_places).view(texts, n_places).repeat(len(rows) // texts, 1)
    where = (torch.arange(len(rows)) // texts * length)[:, None] + places
    positions = torch.cat([torch.arange(shared), torch.arange(shared, shared + width).repeat(texts)])
    return Rows(
        ids,
        torch.where(read, places, beyond).view(len(ids), -1),
        where[read],
        _targets(rows),
        positions.expand(len(ids), -1),
        shared_row_mask(shared, texts),
    )


def shared_tokens(rows: Sequence[TrainingRow]) -> int:
    """Return how many tokens all rows begin with, none of which carries loss or is the last before one that does."""
    texts = [row.input_ids for row in rows]
    # What the first and the last in order begin with, all begin with.
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(min(texts), max(texts), strict=False))
    found = min(sum(1 for _ in alike), *(row.loss_from - 1 for row in rows))
    return found if found >= MIN_SHARED else 0


def can_share_rows(base: Base, n_tokens: int) -> bool:
    """Whether the model reads texts of ``n_tokens`` that share a row as it reads them one by one: asked, and tried on a few tokens."""
    if base.model.config._attn_implementation != NAME or not options_can_share_a_row(base.model, n_tokens):
        return False
    texts = [TrainingRow((1, 2, 3, *rest), 4) for rest in ((4, 5, 6), (7, 8, 9))]
    alone, together = plain_rows(texts), shared_rows(texts, 3, 2)
    with torch.no_grad():
        try:
            one, other = (_hidden(base, rows) for rows in (alone, together))
        except (RuntimeError, TypeError, ValueError):
            return False
    return bool((one - other).abs().max() <= TOLERANCE * one.abs().max())


def _hidden(base: Base, rows: Rows) -> torch.Tensor:
    ids, where = rows.ids.to(base.device), rows.where.to(base.device)
    hidden = base.decoder(input_ids=ids, use_cache=False, **rows.more(base.device)).last_hidden_state
    return hidden.flatten(0, 1)[where].float()


def _targets(rows: Sequence[TrainingRow]) -> torch.Tensor:
    return torch.tensor([token for row in rows for token in row.input_ids[row.loss_from :]])
