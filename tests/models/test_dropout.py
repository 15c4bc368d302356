"""Dropout: how much is silenced, what the rest becomes, and which gradients flow."""

import numpy as np
import pytest
import torch

from chainrule.models import dropout as dropout_module
from chainrule.models.dropout import Dropout, draw, draw_by_torch, dropout


@pytest.mark.parametrize("by", [draw, draw_by_torch])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
@pytest.mark.parametrize("shape", [(3, 5, 7001), (100_003,)])
def test_the_share_is_silenced_and_the_mean_stays(share, shape, by, monkeypatch):
    monkeypatch.setattr(dropout_module, "draw", by)
    torch.manual_seed(1)
    values = torch.ones(shape)
    found = dropout(values, share)
    assert found.unique().tolist() == pytest.approx([0.0, 1 / (1 - share)])
    size = values.numel()
    assert (found == 0).float().mean().item() == pytest.approx(share, abs=4 * (share * (1 - share) / size) ** 0.5)
    halves = (found == 0).flatten()  # places beside each other come of one draw, and are independent all the same
    for place in range(4):
        assert halves[place::4].float().mean().item() == pytest.approx(share, abs=0.01)
    both = (halves[1::2][: size // 2] & halves[::2][: size // 2]).float().mean().item()
    assert both == pytest.approx(share**2, abs=0.01)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_every_type_is_scaled_as_its_own_division_does(dtype):
    values = torch.randn(1001, 8, dtype=dtype).T  # as it does not lie in memory
    torch.manual_seed(4)
    found = dropout(values, 0.1)
    torch.manual_seed(4)
    drawn = np.random.SFC64(int(torch.randint(1 << 62, ()))).random_raw(2002)
    numbers = torch.from_numpy(drawn).view(torch.int16).view(8, 1001)
    kept = numbers >= round(0.1 * 65536) - 32768
    assert 0.08 < 1 - kept.float().mean().item() < 0.12
    assert torch.equal(found, values * (kept.to(dtype) / (1 - 0.1)))


def test_nearly_all_may_be_silenced():
    torch.manual_seed(5)
    assert (dropout(torch.ones(1000), 0.9999999) == 0).all()


def test_gradients_flow_where_values_do():
    torch.manual_seed(2)
    values = torch.randn(7, 11, requires_grad=True)
    found = dropout(values, 0.25)
    found.sum().backward()
    torch.testing.assert_close(values.grad, (found != 0).float() / 0.75)
    assert dropout(values.bfloat16(), 0.25).dtype is torch.bfloat16


def test_the_draws_follow_torchs_generator():
    values = torch.ones(1001)
    torch.manual_seed(3)
    one = dropout(values, 0.5)
    other = dropout(values, 0.5)
    torch.manual_seed(3)
    assert torch.equal(dropout(values, 0.5), one)
    assert not torch.equal(one, other)


def test_nothing_is_silenced_outside_training():
    values = torch.ones(1001)
    layer = Dropout(0.5)
    assert (layer(values) == 0).any()
    assert layer.eval()(values) is values
    assert dropout(values, 0.0) is values
    assert dropout(torch.ones(0, 3), 0.5).shape == (0, 3)
