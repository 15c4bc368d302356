"""A training step on our autograd beside the same step by hand in NumPy, in torch and in other NumPy autograds."""

import gc
import os
import statistics
import sys
from collections.abc import Callable

import autograd.numpy as autograd_numpy
import micrograd.engine
import micrograd.nn
import mygrad
import numpy as np
import torch
from mygrad.nnet.activations import relu as mygrad_relu
from mygrad.nnet.layers import conv_nd, max_pool
from mygrad.nnet.losses import softmax_crossentropy
from threadpoolctl import threadpool_info
from torch import nn

import autograd
import chainrule.autograd as ag
from benchmarks.turns import in_turns, print_overhead, print_table

INPUTS, HIDDEN, CLASSES, BATCH = 784, 128, 10, 32
RATE = 0.1
PRODUCTS = "the matrix products"
Step = Callable[[], float]
Weights = list[np.ndarray]


def first_weights() -> Weights:
    """Weight and offset of both layers, as torch would draw them."""
    generator = np.random.default_rng(0)
    layers = [ag.Linear(INPUTS, HIDDEN, generator=generator), ag.Linear(HIDDEN, CLASSES, generator=generator)]
    return [parameter.data for layer in layers for parameter in layer.parameters()]


def batch() -> tuple[np.ndarray, np.ndarray]:
    """Pictures as vectors, and their classes."""
    generator = np.random.default_rng(1)
    return generator.normal(size=(BATCH, INPUTS)).astype(np.float32), generator.integers(0, CLASSES, BATCH)


def by_hand() -> tuple[Step, Callable[[], Weights]]:
    """What one writes who knows the network: no graph, gradients changed in place."""
    x, targets = batch()
    weights = [w1, b1, w2, b2] = first_weights()
    rows = np.arange(BATCH)

    def step() -> float:
        hidden = x @ w1.T
        hidden += b1
        active = np.maximum(hidden, 0)
        logits = active @ w2.T
        logits += b2
        logits -= logits.max(axis=1, keepdims=True)
        shares = np.exp(logits)
        totals = shares.sum(axis=1, keepdims=True)
        loss = (np.log(totals[:, 0]) - logits[rows, targets]).mean()
        shares /= totals
        shares[rows, targets] -= 1
        shares /= BATCH
        dactive = shares @ w2
        dactive *= hidden > 0
        gradients = (dactive.T @ x, dactive.sum(axis=0), shares.T @ active, shares.sum(axis=0))
        for weight, gradient in zip(weights, gradients, strict=True):
            np.multiply(gradient, RATE, out=gradient)
            np.subtract(weight, gradient, out=weight)
        return float(loss)

    return step, lambda: weights


def with_chainrule() -> tuple[Step, Callable[[], Weights]]:
    """Ours."""
    generator = np.random.default_rng(0)
    network = ag.Sequential(
        ag.Linear(INPUTS, HIDDEN, generator=generator), ag.relu, ag.Linear(HIDDEN, CLASSES, generator=generator)
    )
    optimizer = ag.SGD(network.parameters(), lr=RATE)
    pictures, targets = batch()
    x = ag.Tensor(pictures)

    def step() -> float:
        optimizer.zero_grad()
        loss = ag.cross_entropy(network(x), targets)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step, lambda: [parameter.data for parameter in network.parameters()]


def with_torch() -> tuple[Step, Callable[[], Weights]]:
    """torch, eager."""
    network = nn.Sequential(nn.Linear(INPUTS, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, CLASSES))
    with torch.no_grad():
        for parameter, values in zip(network.parameters(), first_weights(), strict=True):
            parameter.copy_(torch.from_numpy(values))
    optimizer = torch.optim.SGD(network.parameters(), lr=RATE)
    x, targets = map(torch.from_numpy, batch())

    def step() -> float:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(x), targets)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step, lambda: [parameter.detach().numpy() for parameter in network.parameters()]


def with_autograd() -> tuple[Step, Callable[[], Weights]]:
    """HIPS autograd."""
    x, targets = batch()
    weights, rows = first_weights(), np.arange(BATCH)

    def loss(weights: Weights) -> float:
        w1, b1, w2, b2 = weights
        logits = autograd_numpy.maximum(x @ w1.T + b1, 0) @ w2.T + b2
        logits = logits - autograd_numpy.max(logits, axis=1, keepdims=True)
        totals = autograd_numpy.log(autograd_numpy.sum(autograd_numpy.exp(logits), axis=1))
        return autograd_numpy.mean(totals - logits[rows, targets])

    value_and_gradients = autograd.value_and_grad(loss)

    def step() -> float:
        value, gradients = value_and_gradients(weights)
        for weight, gradient in zip(weights, gradients, strict=True):
            np.subtract(weight, RATE * gradient, out=weight, casting="same_kind")
        return float(value)

    return step, lambda: weights


def with_mygrad() -> tuple[Step, Callable[[], Weights]]:
    """The same in mygrad."""
    x, targets = batch()
    weights = [mygrad.tensor(values) for values in first_weights()]
    w1, b1, w2, b2 = weights

    def step() -> float:
        loss = softmax_crossentropy(mygrad_relu(x @ w1.T + b1) @ w2.T + b2, targets)
        loss.backward()
        descend(weights)
        return float(loss.item())

    return step, lambda: [weight.data for weight in weights]


def descend(weights: list[mygrad.Tensor]) -> None:
    """One step down the gradient."""
    for weight in weights:
        weight.data -= RATE * weight.grad
        weight.null_grad()


def products() -> Step:
    """The five matrix products of a step, and nothing else: what no contestant can do without."""
    x, _ = batch()
    w1, _, w2, _ = first_weights()

    def step() -> float:
        hidden = x @ w1.T
        logits = hidden @ w2.T
        dhidden = logits @ w2
        return float((dhidden.T @ x)[0, 0] + (logits.T @ hidden)[0, 0])

    return step


def perceptron() -> None:
    """784-128-10 at a batch of 32."""
    made = {
        "chainrule": with_chainrule(),
        "NumPy by hand": by_hand(),
        "torch, eager": with_torch(),
        "autograd 1.9.1": with_autograd(),
        "mygrad 2.5.0": with_mygrad(),
    }
    for _ in range(5):
        losses = [step() for step, _ in made.values()]
    np.testing.assert_allclose(losses, losses[0], rtol=1e-4)
    reference, *others = [weights() for _, weights in made.values()]
    for other in others:
        for own, values in zip(reference, other, strict=True):
            np.testing.assert_allclose(values, own, rtol=1e-3, atol=1e-5)
    print(f"\n100 steps of {INPUTS}-{HIDDEN}-{CLASSES}, batch {BATCH}")
    steps = {name: step for name, (step, _) in made.items()}
    seconds = in_turns({name: times(step, 100) for name, step in (*steps.items(), (PRODUCTS, products()))})
    floor = seconds.pop(PRODUCTS)
    print_table(seconds)
    print()
    print_overhead(seconds, floor, f"{PRODUCTS}, which take {statistics.median(floor) * 1e3:.2f} ms")


def convolutional() -> None:
    """Two convolutions of 8 and 16 channels over pictures of 28 by 28."""
    generator = np.random.default_rng(0)
    own = ag.Sequential(
        ag.Conv2d(1, 8, 3, padding=1, generator=generator),
        ag.relu,
        lambda x: ag.max_pool2d(x, 2),
        ag.Conv2d(8, 16, 3, padding=1, generator=generator),
        ag.relu,
        lambda x: ag.max_pool2d(x, 2),
        lambda x: x.flatten(1),
        ag.Linear(16 * 49, CLASSES, generator=generator),
    )
    other = nn.Sequential(
        *(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(16 * 49, CLASSES)),
    )
    other.load_state_dict({name: torch.tensor(values) for name, values in own.state_dict().items()})
    pictures, targets = batch()
    pictures = pictures.reshape(BATCH, 1, 28, 28)
    own_steps, their_steps = (kind.SGD(net.parameters(), lr=RATE) for kind, net in ((ag, own), (torch.optim, other)))
    weights = [mygrad.tensor(parameter.data.copy()) for parameter in own.parameters()]
    x, given, classes = ag.Tensor(pictures), torch.from_numpy(pictures), torch.from_numpy(targets)

    def step() -> float:
        own_steps.zero_grad()
        loss = ag.cross_entropy(own(x), targets)
        loss.backward()
        own_steps.step()
        return loss.item()

    def their_step() -> float:
        their_steps.zero_grad()
        loss = nn.functional.cross_entropy(other(given), classes)
        loss.backward()
        their_steps.step()
        return loss.item()

    def step_of_mygrad() -> float:
        w1, b1, w2, b2, w3, b3 = weights
        y = mygrad_relu(conv_nd(pictures, w1, stride=1, padding=1) + b1.reshape(1, 8, 1, 1))
        y = max_pool(y, (2, 2), 2)
        y = mygrad_relu(conv_nd(y, w2, stride=1, padding=1) + b2.reshape(1, 16, 1, 1))
        y = max_pool(y, (2, 2), 2)
        loss = softmax_crossentropy(y.reshape(BATCH, 16 * 49) @ w3.T + b3, targets)
        loss.backward()
        descend(weights)
        return float(loss.item())

    contestants = {"chainrule": step, "torch, eager": their_step, "mygrad 2.5.0": step_of_mygrad}
    for _ in range(5):
        losses = [one() for one in contestants.values()]
    np.testing.assert_allclose(losses, losses[0], rtol=1e-3)
    print(f"\n20 steps of two convolutions, 8 and 16 channels, batch {BATCH} of 28 x 28")
    print_table(in_turns({name: times(one, 20) for name, one in contestants.items()}))


POINTS = np.random.default_rng(2).normal(size=(16, 2))
SIGNS = np.sign(POINTS[:, :1] * POINTS[:, 1:])


def scores(weights: list, relu: Callable) -> object:
    """2-16-16-1, for tensors of any kind."""
    w1, b1, w2, b2, w3, b3 = weights
    return relu(relu(POINTS @ w1.T + b1) @ w2.T + b2) @ w3.T + b3


def small_with_micrograd(network: micrograd.nn.MLP) -> Step:
    """A graph of single numbers."""

    def step() -> float:
        values = [network([micrograd.engine.Value(number) for number in point]) for point in POINTS]
        margins = [(1 - value * sign).relu() for value, sign in zip(values, SIGNS[:, 0], strict=True)]
        loss = sum(margins) / len(POINTS)
        network.zero_grad()
        loss.backward()
        for parameter in network.parameters():
            parameter.data -= RATE * parameter.grad
        return loss.data

    return step


def small_with_chainrule(first: Weights) -> Step:
    """Ours."""
    weights = [ag.Tensor(values.copy(), requires_grad=True) for values in first]
    w1, b1, w2, b2, w3, b3 = weights
    x, y = ag.Tensor(POINTS), ag.Tensor(SIGNS)

    def step() -> float:
        loss = (1 - ag.linear(ag.linear(ag.linear(x, w1, b1).relu(), w2, b2).relu(), w3, b3) * y).relu().mean()
        loss.backward()
        for weight in weights:
            weight.data -= RATE * weight.grad
            weight.grad = None
        return loss.item()

    return step


def small_with_autograd(first: Weights) -> Step:
    """HIPS autograd."""

    def relu(value: object) -> object:
        return autograd_numpy.maximum(value, 0)

    weights = [values.copy() for values in first]
    value_and_gradients = autograd.value_and_grad(
        lambda weights: autograd_numpy.mean(relu(1 - scores(weights, relu) * SIGNS))
    )

    def step() -> float:
        value, gradients = value_and_gradients(weights)
        for weight, gradient in zip(weights, gradients, strict=True):
            np.subtract(weight, RATE * gradient, out=weight)
        return float(value)

    return step


def small_with_mygrad(first: Weights) -> Step:
    """The same in mygrad."""
    weights = [mygrad.tensor(values.copy()) for values in first]

    def step() -> float:
        loss = mygrad_relu(1 - scores(weights, mygrad_relu) * SIGNS).mean()
        loss.backward()
        descend(weights)
        return float(loss.item())

    return step


def small() -> None:
    """The network of micrograd's own demonstration, 2-16-16-1, at a batch of 16: little but the graph itself."""
    network = micrograd.nn.MLP(2, [16, 16, 1])
    first = []
    for layer in network.layers:
        first.append(np.array([[weight.data for weight in neuron.w] for neuron in layer.neurons]))
        first.append(np.array([float(neuron.b.data) for neuron in layer.neurons]))
    contestants = {
        "chainrule": small_with_chainrule(first),
        "micrograd 0.1.0": small_with_micrograd(network),
        "autograd 1.9.1": small_with_autograd(first),
        "mygrad 2.5.0": small_with_mygrad(first),
    }
    for _ in range(3):
        losses = [step() for step in contestants.values()]
        np.testing.assert_allclose(losses, losses[0], rtol=1e-6)
    print("\n10 steps of 2-16-16-1, batch 16")
    print_table(in_turns({name: times(step, 10) for name, step in contestants.items()}))


def times(step: Step, count: int) -> Callable[[], None]:
    """So many steps, one after the other."""

    def repeated() -> None:
        for _ in range(count):
            step()

    return repeated


def main() -> None:
    """Prints the three comparisons."""
    if chosen := [name for name in os.environ if name.startswith("OPENBLAS_")]:
        sys.exit(f"{chosen[0]} changes the speed of NumPy's products; unset it.")
    # What was imported is no garbage: micrograd makes so much that collecting it would be most of its time.
    gc.freeze()
    pools = ", ".join(f"{pool['internal_api']} {pool['num_threads']}" for pool in threadpool_info())
    print(f"threads: torch {torch.get_num_threads()}, {pools}")
    perceptron()
    convolutional()
    small()


if __name__ == "__main__":
    main()
