"""A vocabulary of which some vectors rest, against one in which all learn."""

import copy

import pytest
import torch

from chainrule.models.vocabulary import Vocabulary

LEARNING = [1, 2, 4, 7]
TEXTS = torch.tensor([[4, 1, 4], [7, 2, 1]])


def both():
    """The same vectors where all learn and where some rest."""
    torch.manual_seed(0)
    whole = Vocabulary(size=11, hidden_size=3)
    resting = copy.deepcopy(whole)
    resting.rest(~torch.isin(torch.arange(11), torch.tensor(LEARNING)))
    return whole, resting


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
    whole, resting = both()
    assert resting.weight.shape == (4, 3)
    assert torch.equal(resting.weight, whole.weight[LEARNING])
    gradients = [torch.autograd.grad(each(TEXTS).square().sum(), each.weight)[0] for each in (whole, resting)]
    assert torch.equal(gradients[1], gradients[0][LEARNING])
    assert torch.count_nonzero(gradients[0]) == 3 * len(LEARNING)


def test_the_optimizer_makes_of_them_what_it_makes_of_the_whole():
    whole, resting = (taught(each, 5) for each in both())
    assert torch.equal(resting.whole(), whole.weight)
    assert not torch.equal(whole.weight, both()[0].weight)


def test_out_of_training_every_token_has_its_vector():
    whole, resting = (taught(each, 2).eval() for each in both())
    assert torch.equal(resting(torch.arange(11)), whole(torch.arange(11)))


def test_in_training_a_resting_token_is_an_error():
    _, resting = both()
    with pytest.raises(IndexError):
        resting(torch.tensor([3]))


def test_the_shape_of_what_is_looked_up_is_kept_in_and_out_of_training():
    whole, resting = both()
    assert torch.equal(resting(TEXTS), whole(TEXTS))
    assert torch.equal(resting.eval()(TEXTS), whole(TEXTS))


@pytest.mark.parametrize("assign", [False, True])
def test_what_is_saved_is_whole_and_goes_into_either(assign):
    whole, resting = (taught(each, 3) for each in both())
    state = resting.state_dict()
    assert list(state) == ["weight"]
    assert torch.equal(state["weight"], whole.weight)
    for fresh in both():
        with torch.no_grad():
            for values in (fresh.weight, fresh.resting):
                if values is not None:
                    values.zero_()
        shape = fresh.weight.shape
        fresh.load_state_dict(state, assign=assign)
        assert torch.equal(fresh.whole(), whole.weight)
        assert fresh.weight.shape == shape


@pytest.mark.parametrize("state", [{}, {"weight": torch.zeros(11, 3)}])
def test_the_parameter_that_an_optimizer_has_stays(state):
    _, resting = both()
    weight = resting.weight
    resting.load_state_dict(state, strict=False)
    assert resting.weight is weight
    assert torch.count_nonzero(resting.whole()) == (0 if state else 33)


@pytest.mark.parametrize("size", [4, 10, 12])
def test_another_vocabulary_is_refused(size):
    """One of as many tokens as learn, too."""
    whole, resting = both()
    with pytest.raises(RuntimeError, match="size mismatch for weight"):
        resting.load_state_dict({"weight": torch.zeros(size, 3)})
    assert torch.equal(resting.whole(), whole.weight)


def test_others_can_rest_afterwards_and_what_is_frozen_stays_so():
    whole, resting = both()
    resting.weight.requires_grad_(False)
    resting.rest(torch.arange(11) < 9)
    assert torch.equal(resting.whole(), whole.weight)
    assert resting.weight.shape == (2, 3)
    assert not resting.weight.requires_grad
    resting.rest(torch.zeros(11, dtype=torch.bool))
    assert torch.equal(resting.weight, whole.weight)
    assert resting.resting is None
    assert torch.equal(resting(torch.arange(11)), whole.weight)


def test_all_of_it_goes_to_another_device():
    _, resting = both()
    moved = resting.to("meta")
    assert {moved.weight.device.type, moved.rows.device.type, moved.resting.device.type} == {"meta"}
