"""A vocabulary that is divided into vectors that learn and vectors that rest, against one that is not."""

import copy

import pytest
import torch

from chainrule.models.vocabulary import Vocabulary

LEARNING = [1, 2, 4, 7]
TEXTS = torch.tensor([[4, 1, 4], [7, 2, 1]])


def both():
    """The same vectors whole and divided."""
    torch.manual_seed(0)
    whole = Vocabulary(11, 3)
    divided = copy.deepcopy(whole)
    divided.learn_only(torch.isin(torch.arange(11), torch.tensor(LEARNING)))
    return whole, divided


def taught(vocabulary, steps):
    """So many steps of AdamW, without decay, down a loss of every vector's own."""
    optimizer = torch.optim.AdamW(vocabulary.parameters(), lr=0.1, weight_decay=0.0, fused=True)
    vocabulary.train()
    for _ in range(steps):
        optimizer.zero_grad()
        (vocabulary(TEXTS) * torch.arange(18).view(2, 3, 3)).square().sum().backward()
        optimizer.step()
    return vocabulary


def test_those_that_learn_get_the_gradients_of_the_whole_and_come_first():
    whole, divided = both()
    assert divided.weight.shape == (4, 3)
    assert torch.equal(divided.weight, whole.weight[LEARNING])
    gradients = [torch.autograd.grad(each(TEXTS).square().sum(), each.weight)[0] for each in (whole, divided)]
    assert torch.equal(gradients[1], gradients[0][LEARNING])
    assert torch.count_nonzero(gradients[0]) == 3 * len(LEARNING)


def test_the_optimizer_makes_of_them_what_it_makes_of_the_whole():
    whole, divided = (taught(each, 5) for each in both())
    assert torch.equal(divided.whole(), whole.weight)
    assert not torch.equal(whole.weight, both()[0].weight)


def test_out_of_training_every_token_has_its_vector():
    whole, divided = (taught(each, 2).eval() for each in both())
    assert torch.equal(divided(torch.arange(11)), whole(torch.arange(11)))


def test_in_training_a_resting_token_is_an_error():
    _, divided = both()
    with pytest.raises(IndexError):
        divided(torch.tensor([3]))


def test_what_is_saved_is_whole_and_goes_into_either():
    whole, divided = (taught(each, 3) for each in both())
    state = divided.state_dict()
    assert list(state) == ["weight"]
    assert torch.equal(state["weight"], whole.weight)
    for fresh in both():
        with torch.no_grad():
            for values in (fresh.weight, fresh.resting):
                if values is not None:
                    values.zero_()
        fresh.load_state_dict(state)
        assert torch.equal(fresh.whole(), whole.weight)
    assert divided.weight.shape == (4, 3)


@pytest.mark.parametrize("size", [4, 10, 12])
def test_another_vocabulary_is_refused(size):
    """One of as many tokens as learn, too."""
    _, divided = both()
    with pytest.raises(RuntimeError, match="size mismatch for weight"):
        divided.load_state_dict({"weight": torch.zeros(size, 3)})


def test_it_can_be_divided_anew_and_stays_frozen():
    whole, divided = both()
    divided.weight.requires_grad_(False)
    divided.learn_only(torch.arange(11) >= 9)
    assert torch.equal(divided.whole(), whole.weight)
    assert divided.weight.shape == (2, 3)
    assert not divided.weight.requires_grad
    divided.learn_only(torch.ones(11, dtype=torch.bool))
    assert torch.equal(divided.weight, whole.weight)


def test_it_goes_to_another_device_as_a_whole():
    _, divided = both()
    moved = divided.to("meta")
    assert {moved.weight.device.type, moved.rows.device.type, moved.resting.device.type} == {"meta"}
