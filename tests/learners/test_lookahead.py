"""Slow weights, computed by hand."""

import torch
from torch import nn

from chainrule.learners.lookahead import Lookahead


def test_slow_weights_follow_and_the_fast_ones_go_back():
    model = nn.BatchNorm1d(3)
    lookahead = Lookahead(model, steps=20)
    slow = torch.zeros(3)
    for index in range(20):
        with torch.no_grad():
            model.running_mean += 1.0
        fast = model.running_mean.clone()
        lookahead.after(index)
        if index == 19:
            fast = slow
        elif (index + 1) % 5 == 0:
            kept = 0.95**5 * ((index + 1) / 20) ** 3
            fast = slow = kept * slow + (1 - kept) * fast
        torch.testing.assert_close(model.running_mean, fast)
    assert int(model.num_batches_tracked) == 0


def test_a_state_goes_back_in_place():
    torch.manual_seed(1)
    model = nn.Linear(3, 5)
    lookahead = Lookahead(model, steps=7)
    state = {name: value.clone() for name, value in lookahead.state_dict().items()}
    nn.init.ones_(model.weight)
    lookahead.after(4)
    assert not torch.equal(lookahead.slow["weight"], state["weight"])
    lookahead.load_state_dict(state)
    lookahead.after(6)
    torch.testing.assert_close(model.weight.detach(), state["weight"])
