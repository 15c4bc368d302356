"""Batch normalisation over several processes against torch's over the whole batch."""

import copy

import pytest
import torch
from torch import nn

from chainrule.models.batch_norm import SharedBatchNorm, share_batch_norms
from chainrule.runtime.group import joined
from chainrule.runtime.processes import here
from tests.processes.crew import in_processes

CHANNELS = 5
SHARES = {2: [4, 7], 3: [1, 2, 8]}  # examples of each process
KINDS = {
    "pictures": (nn.BatchNorm2d, (3, 7)),
    "one place each": (nn.BatchNorm1d, ()),
    "sequences": (nn.BatchNorm1d, (13,)),
    "without weights": (lambda channels: nn.BatchNorm2d(channels, affine=False), (3, 7)),
    "mean over all batches": (lambda channels: nn.BatchNorm2d(channels, momentum=None), (3, 7)),
    "no running statistics": (lambda channels: nn.BatchNorm2d(channels, track_running_stats=False), (3, 7)),
    "another epsilon": (lambda channels: nn.BatchNorm2d(channels, eps=0.3, momentum=0.7), (3, 7)),
}


def example(kind, examples):
    """A normalisation, two batches and the gradients of their outputs; the values are far from 0."""
    draw = torch.Generator().manual_seed(3)
    make, places = KINDS[kind]
    norm = make(CHANNELS)
    for parameter in norm.parameters():
        nn.init.normal_(parameter, generator=draw)
    batches = torch.randn(2, 2, examples, CHANNELS, *places, generator=draw)
    return norm, 50 + 3 * batches[0], batches[1]


def learned(norm, inputs, gradients):
    """Outputs, gradients and state after two batches, and then what it gives in use."""
    seen = {}
    for number, (maps, gradient) in enumerate(zip(inputs, gradients, strict=True)):
        learned_from = maps.clone().requires_grad_()
        outputs = norm(learned_from)
        outputs.backward(gradient)
        seen[f"outputs {number}"], seen[f"input gradient {number}"] = outputs.detach(), learned_from.grad
    seen |= {f"gradient of {name}": parameter.grad for name, parameter in norm.named_parameters()}
    seen |= {f"state {name}": value for name, value in norm.state_dict().items()}
    seen["in use"] = norm.eval()(inputs[0]).detach()
    return {name: value.numpy().copy() for name, value in seen.items()}


def learned_together(shares):
    """What each kind learns where this process holds one share of the batch."""
    with joined(here()) as processes:
        own = slice(sum(shares[: processes.rank]), sum(shares[: processes.rank + 1]))
        seen = {}
        for kind in KINDS:
            norm, inputs, gradients = example(kind, sum(shares))
            norm = SharedBatchNorm(norm)
            norm.processes = processes
            seen[kind] = learned(norm, inputs[:, own], gradients[:, own])
        return seen


@pytest.mark.parametrize("count", SHARES)
def test_shares_are_normalised_as_the_whole(count):
    shares = in_processes(count, learned_together, SHARES[count])
    for kind in KINDS:
        for name, expected in learned(*example(kind, sum(SHARES[count]))).items():
            seen = [torch.tensor(share[kind][name]) for share in shares]
            if name == "in use" and kind == "no running statistics":
                continue  # each process then normalises what it has before it, as torch's does
            if name.startswith("state"):
                together = seen
            else:
                together = [sum(seen) if name.startswith("gradient") else torch.cat(seen)]
            for each in together:
                torch.testing.assert_close(
                    each,
                    torch.tensor(expected),
                    rtol=1e-4,
                    atol=2e-5,
                    msg=lambda text, n=name, k=kind: f"{k}, {n}: {text}",
                )


@pytest.mark.parametrize("kind", KINDS)
def test_alone_it_is_torchs(kind):
    norm, inputs, gradients = example(kind, 11)
    ours = learned(SharedBatchNorm(copy.deepcopy(norm)), inputs, gradients)
    theirs = learned(norm, inputs, gradients)
    assert ours.keys() == theirs.keys()
    for name, expected in theirs.items():
        torch.testing.assert_close(torch.tensor(ours[name]), torch.tensor(expected), rtol=1e-4, atol=2e-5)


def test_bfloat16_is_normalised_in_float32():
    norm, inputs, gradients = example("pictures", 11)
    exact = learned(copy.deepcopy(norm), inputs.bfloat16().float(), gradients.bfloat16().float())
    shared = SharedBatchNorm(norm)
    maps = inputs[0].bfloat16().requires_grad_()
    outputs = shared(maps)
    outputs.backward(gradients[0].bfloat16())
    assert outputs.dtype == maps.grad.dtype == torch.bfloat16
    torch.testing.assert_close(outputs.float(), torch.tensor(exact["outputs 0"]), rtol=2**-7, atol=2**-7)
    torch.testing.assert_close(maps.grad.float(), torch.tensor(exact["input gradient 0"]), rtol=2**-6, atol=2**-6)
    assert shared.running_mean.dtype == torch.float32


def test_all_of_a_model_are_exchanged_and_its_state_stays():
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5)), nn.LayerNorm(5))
    parameters, state = list(model.parameters()), copy.deepcopy(model.state_dict())
    shared = share_batch_norms(model)
    assert [type(module).__name__ for module in (model[0], model[1][1])] == ["SharedBatchNorm"] * 2
    assert shared == [model[0], model[1][1]]
    assert all(one is other for one, other in zip(model.parameters(), parameters, strict=True))
    assert list(model.state_dict()) == list(state)
    model.load_state_dict(state)
