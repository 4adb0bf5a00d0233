import numpy as np
import pytest
import torch

from stimmung.engine.scoring.prompt_batches import Prompt
from stimmung.engine.scoring.readouts import first_token
from stimmung.engine.scoring.score import score_options
from stimmung.vocabulary.errors import InputError

OPTIONS = ((5,), (6, 7), (8, 9, 10))
CONTEXT = (3, 4, 11)


def test_the_first_token_read_out_ignores_what_follows(base):
    first = base.model(torch.tensor([CONTEXT])).logits[0, -1].log_softmax(-1)
    found = score_options(base, [Prompt(CONTEXT, OPTIONS)], readout=first_token)[0]
    assert np.allclose(found, [first[option[0]].item() for option in OPTIONS], atol=1e-5)


def test_the_first_token_read_out_refuses_options_that_share_it(base):
    with pytest.raises(InputError, match="share their first token"):
        score_options(base, [Prompt(CONTEXT, ((5, 6), (5, 7)))], readout=first_token)
