"""Optimizers against torch's over many steps, through saving and loading."""

import numpy as np
import pytest
import torch

import chainrule.autograd as ag
from chainrule.errors import OptionError

OPTIMIZERS = {
    "SGD": {},
    "SGD, momentum": {"lr": 0.1, "momentum": 0.9},
    "SGD, decay": {"lr": 0.1, "weight_decay": 0.05},
    "SGD, all": {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.05, "nesterov": True},
    "Adam": {},
    "Adam, all": {"lr": 0.05, "betas": (0.7, 0.95), "eps": 1e-3, "weight_decay": 0.1},
    "AdamW": {},
    "AdamW, all": {"lr": 0.05, "betas": (0.7, 0.95), "eps": 1e-3, "weight_decay": 0.3},
}
SHAPES = [(5, 3), (7,), ()]


def start(dtype):
    return [np.random.default_rng(number).normal(size=shape).astype(dtype) for number, shape in enumerate(SHAPES)]


def gradients(step, dtype):
    return [np.asarray(np.random.default_rng((step, number)).normal(size=s), dtype) for number, s in enumerate(SHAPES)]


def one_step(optimizer, parameters, step, dtype, convert):
    for parameter, gradient in zip(parameters, gradients(step, dtype), strict=True):
        parameter.grad = convert(gradient)
    optimizer.step()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_are_torchs_also_after_loading(name, dtype):
    kind, settings = name.split(",")[0], OPTIMIZERS[name]
    own = [ag.Tensor(np.array(values), requires_grad=True) for values in start(dtype)]
    other = [torch.tensor(values, requires_grad=True) for values in start(dtype)]
    optimizer, reference = getattr(ag, kind)(own, **settings), getattr(torch.optim, kind)(other, **settings)
    for step in range(20):
        one_step(optimizer, own, step, dtype, np.array)
        one_step(reference, other, step, dtype, torch.from_numpy)
        if step == 10:  # a new optimizer goes on
            state = optimizer.state_dict()
            optimizer = getattr(ag, kind)(own, lr=123.0)
            optimizer.load_state_dict(state)
            for remembered in state["state"].values():  # of which it took copies
                for key in remembered.keys() & {"momentum_buffer", "exp_avg", "exp_avg_sq"}:
                    remembered[key][...] = 1e6
    tolerance = {"rtol": 1e-5, "atol": 1e-6} if dtype == np.float32 else {"rtol": 1e-11}
    for tensor, expected in zip(own, other, strict=True):
        assert tensor.dtype == dtype
        np.testing.assert_allclose(tensor.data, expected.detach().numpy(), **tolerance)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_state_has_torchs_form(name):
    kind, settings = name.split(",")[0], OPTIMIZERS[name]
    own = [ag.Tensor(values, requires_grad=True) for values in start(np.float64)]
    other = [torch.tensor(values, requires_grad=True) for values in start(np.float64)]
    optimizer, reference = getattr(ag, kind)(own, **settings), getattr(torch.optim, kind)(other, **settings)
    one_step(optimizer, own, 0, np.float64, np.array)
    one_step(reference, other, 0, np.float64, torch.from_numpy)
    state, expected = optimizer.state_dict(), reference.state_dict()
    for number, remembered in expected["state"].items():
        known = {key: value.numpy() for key, value in remembered.items() if value is not None}
        assert state["state"][number].keys() == known.keys()
        for key, values in known.items():
            np.testing.assert_allclose(state["state"][number][key], values, rtol=1e-12)
    (group,), (of_torch,) = state["param_groups"], expected["param_groups"]
    assert group == {key: of_torch[key] for key in group}


def test_groups_with_settings_of_their_own():
    own = [ag.Tensor(values, requires_grad=True) for values in start(np.float64)]
    other = [torch.tensor(values, requires_grad=True) for values in start(np.float64)]

    def groups(parameters):
        return [{"params": parameters[:2], "weight_decay": 0.0}, {"params": parameters[2:], "lr": 0.5}]

    optimizer = ag.AdamW(groups(own), lr=0.1, weight_decay=0.2)
    reference = torch.optim.AdamW(groups(other), lr=0.1, weight_decay=0.2)
    for step in range(4):
        one_step(optimizer, own, step, np.float64, np.array)
        one_step(reference, other, step, np.float64, torch.from_numpy)
        for group in (*optimizer.param_groups, *reference.param_groups):
            group["lr"] *= 0.9
    for tensor, expected in zip(own, other, strict=True):
        np.testing.assert_allclose(tensor.data, expected.detach().numpy(), rtol=1e-11)
    assert [group["params"] for group in optimizer.state_dict()["param_groups"]] == [[0, 1], [2]]


def test_what_has_no_gradient_stays():
    one, two = (ag.Tensor(np.ones(2), requires_grad=True) for _ in range(2))
    optimizer = ag.Adam([one, two])
    (one * 2).sum().backward()
    optimizer.step()
    assert list(optimizer.state) == [0]
    np.testing.assert_array_equal(two.data, np.ones(2))
    assert (one.data < 1).all()
    optimizer.zero_grad()
    assert one.grad is None


@pytest.mark.parametrize("max_norm", [0.5, 1e9, float("inf")])
def test_clipping_is_torchs(max_norm):
    own = [ag.Tensor(values, requires_grad=True) for values in start(np.float64)]
    other = [torch.tensor(values, requires_grad=True) for values in start(np.float64)]
    for tensor, expected, gradient in zip(own, other, gradients(0, np.float64), strict=True):
        tensor.grad, expected.grad = gradient.copy(), torch.from_numpy(gradient.copy())
    extra = ag.Tensor(1.0, requires_grad=True)
    norm = ag.clip_grad_norm([*own, extra], max_norm)
    assert norm == pytest.approx(float(torch.nn.utils.clip_grad_norm_(other, max_norm)), rel=1e-12)
    for tensor, expected in zip(own, other, strict=True):
        np.testing.assert_allclose(tensor.grad, expected.grad.numpy(), rtol=1e-12)


P = ag.Tensor([1.0], requires_grad=True)
REFUSED = {
    "the optimizer was given no parameters; give it those of a network that has some.": lambda: ag.SGD([]),
    "lr is -1 and must be at least 0.": lambda: ag.SGD([P], lr=-1),
    "weight_decay is nan and must be at least 0.": lambda: ag.AdamW([P], weight_decay=float("nan")),
    "there is no setting 'rate'; known are lr, momentum, weight_decay, nesterov.": lambda: ag.SGD(
        [{"params": [P], "rate": 1}]
    ),
    "the state is of [1] parameters and needs [2]; load it with the same groups.": lambda: ag.SGD(
        [P, P]
    ).load_state_dict(ag.SGD([P]).state_dict()),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_an_optimizer_cannot_take_is_said(message):
    with pytest.raises(OptionError) as caught:
        REFUSED[message]()
    assert str(caught.value) == message
