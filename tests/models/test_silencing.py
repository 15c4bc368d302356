import pytest
import torch

from chainrule.models.silencing import Silencing


def test_a_share_is_silenced_and_the_mean_stays():
    torch.manual_seed(0)
    values = torch.ones(997, 101)
    silenced = Silencing(0.1)(values)
    assert silenced.unique().tolist() == [0.0, pytest.approx(256 / 230)]
    assert float((silenced == 0).float().mean()) == pytest.approx(26 / 256, abs=0.004)
    assert float(silenced.mean()) == pytest.approx(1, abs=0.004)
    # Any two values fall silent independently of each other.
    zeros = (silenced.flatten()[: 997 * 96].view(-1, 8) == 0).double()
    assert (torch.corrcoef(zeros.T) - torch.eye(8)).abs().max() < 0.04


def test_the_gradient_passes_where_values_did():
    values = torch.randn(13, 11, dtype=torch.float64, requires_grad=True)
    silenced = Silencing(0.5)(values)
    silenced.sum().backward()
    torch.testing.assert_close(values.grad, silenced.detach() / values.detach())


def test_nothing_is_silenced_where_nothing_is_learned():
    values = torch.randn(7, 5)
    assert Silencing(0.9).eval()(values) is values
    assert Silencing(0.0)(values) is values
    assert Silencing(0.5)(values.bfloat16()).dtype == torch.bfloat16
