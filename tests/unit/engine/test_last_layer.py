import torch

from stimmung.engine.base.last_layer import last_layer_at

IDS = torch.arange(2, 32).reshape(3, 10)
PLACES = torch.tensor([[2, 3], [8, 9], [9, 10]])  # the last one lies behind the end


def states(base):
    return base.decoder(input_ids=IDS, use_cache=False).last_hidden_state


def test_hidden_states_at_the_places_are_those_of_the_whole_layer(base):
    whole = states(base)
    with last_layer_at(base, PLACES):
        partial = states(base)
    for row, places in enumerate(PLACES.clamp(max=9).tolist()):
        assert torch.allclose(partial[row, places], whole[row, places], atol=1e-6)
    assert not torch.allclose(partial[0, 5], whole[0, 5], atol=1e-3), (
        "the other tokens were worked through too"
    )


def test_the_model_is_whole_again_afterwards(base):
    before = states(base)
    with last_layer_at(base, PLACES):
        pass
    assert torch.equal(states(base), before)


def test_a_block_that_is_no_module_is_left_as_it_is(base):
    whole = states(base)
    layer = base.decoder.layers[-1]
    block = layer.mlp
    del layer.mlp
    layer.mlp = lambda x: block(x)
    with last_layer_at(base, PLACES):
        partial = states(base)
    for row, places in enumerate(PLACES.clamp(max=9).tolist()):
        assert torch.allclose(partial[row, places], whole[row, places], atol=1e-6)


def test_gradients_are_those_of_the_whole_layer_also_with_places_behind_the_end(base):
    """A place behind the end once counted as the last token once more."""
    parameters = [layer.self_attn.q_proj.weight for layer in base.decoder.layers]
    for parameter in parameters:
        parameter.requires_grad_()
    read = [(row, place) for row, places in enumerate(PLACES.tolist()) for place in places if place < 10]
    rows, tokens = zip(*read, strict=True)
    states(base)[list(rows), list(tokens)].square().sum().backward()
    whole = [parameter.grad.clone() for parameter in parameters]
    for parameter in parameters:
        parameter.grad = None
    with last_layer_at(base, PLACES):
        states(base)[list(rows), list(tokens)].square().sum().backward()
    for parameter, expected in zip(parameters, whole, strict=True):
        assert torch.allclose(parameter.grad, expected, atol=1e-6)
