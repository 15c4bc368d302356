"""A step of `--network fast` beside cifar10-airbench's own algorithm, and the article's network beside Keras.

    python -m benchmarks.image_cnn                        # a step, in turns
    python -m benchmarks.image_cnn --widths 64 192 256    # ours with other filters a stage; the paper's stays as it is
    python -m benchmarks.image_cnn --article              # both whole trainings; needs the group `benchmark-keras`

The peer is written from the paper (arXiv 2404.00498) and the settings it lists, in plain torch: weights in bfloat16,
normalisations in float32, pictures prepared once an epoch, Nesterov's momentum, lookahead every five steps.
"""

import argparse
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.apart import apart
from benchmarks.turns import in_turns, print_table
from chainrule.data.catalog import open_dataset
from chainrule.recipes.image_cnn import ImageCnn
from chainrule.recipes.image_networks import PRESETS
from chainrule.recipes.record import setting_of
from chainrule.recipes.settings import make
from chainrule.runtime.devices import Compute, resolve_compute
from chainrule.runtime.draws import reseed_all
from chainrule.runtime.memory import keep_freed_memory
from chainrule.runtime.peak import measure_peak
from chainrule.training.options import RunOptions

DATASET = "cifar10-jpeg"
BATCH = 1024  # the paper's
MOMENTUM, RATE, DECAY, BIASES = 0.85, 11.5, 0.0153, 64.0
STEPS_A_TURN = 3


class Group(nn.Module):
    """The paper's block."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.norm1, self.norm2 = (nn.BatchNorm2d(after, eps=1e-12, momentum=0.4) for _ in range(2))
        for norm in (self.norm1, self.norm2):
            norm.weight.requires_grad_(False)  # noqa: FBT003
        for conv in (self.conv1, self.conv2):
            nn.init.dirac_(conv.weight.data[: conv.in_channels])

    def forward(self, x: Tensor) -> Tensor:
        """Convolve, pool, normalise, twice with one pooling."""
        x = nn.functional.gelu(self.norm1(nn.functional.max_pool2d(self.conv1(x), 2)))
        return nn.functional.gelu(self.norm2(self.conv2(x)))


def paper_network(dtype: torch.dtype) -> nn.Sequential:
    """The paper's network, all but the normalisations in `dtype`."""
    whiten = nn.Conv2d(3, 24, 2)
    whiten.weight.requires_grad_(False)  # noqa: FBT003
    net = nn.Sequential(
        *(whiten, nn.GELU(), Group(24, 64), Group(64, 256), Group(256, 256)),
        *(nn.MaxPool2d(3), nn.Flatten(), nn.Linear(256, 10, bias=False)),
    )
    net = net.to(dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.float()
    return net


class Peer:
    """The paper's training: an epoch's pictures are prepared at once, then cut into batches.

    Args:
        pixels: (pictures, channels, height, width), bytes.
        labels: (pictures,).
        dtype: of pictures and weights.
        steps: of the whole training, for the schedules.
    """

    def __init__(self, pixels: Tensor, labels: Tensor, *, dtype: torch.dtype, steps: int) -> None:
        self.labels, self.steps, self.done = labels, steps, 0
        values = pixels.float()
        mean, deviation = values.mean((0, 2, 3), keepdim=True), values.std((0, 2, 3), keepdim=True)
        plain = ((values - mean) / deviation).to(dtype).contiguous(memory_format=torch.channels_last)
        self.net = paper_network(dtype)
        patches = plain[:5000].float().unfold(2, 2, 1).unfold(3, 2, 1).permute(0, 2, 3, 1, 4, 5).reshape(-1, 12)
        variances, directions = torch.linalg.eigh(patches.T @ patches / len(patches))
        filters = (directions.T / (variances + 5e-4).sqrt()[:, None]).view(12, 3, 2, 2)
        self.net[0].weight.data.copy_(torch.cat([filters, -filters]))
        mirrored = torch.rand(len(plain)) < 0.5
        self.pictures = torch.where(mirrored[:, None, None, None], plain.flip(3), plain)
        self.padded = nn.functional.pad(self.pictures, (2, 2, 2, 2), mode="reflect")
        scale = 1024 * (1 + 1 / (1 - MOMENTUM))
        rate, decay = RATE / scale, DECAY * BATCH / scale
        named = [(name, weight) for name, weight in self.net.named_parameters() if weight.requires_grad]
        groups = [
            {"params": [w for name, w in named if "norm" in name], "lr": rate * BIASES},
            {"params": [w for name, w in named if "norm" not in name], "lr": rate},
        ]
        for group in groups:
            group["weight_decay"] = decay / group["lr"]  # type: ignore[operator]
        self.optimizer = torch.optim.SGD(groups, momentum=MOMENTUM, nesterov=True)
        self.rates = [group["lr"] for group in self.optimizer.param_groups]
        self.slow = {name: value.clone() for name, value in self.net.state_dict().items()}
        self.epoch, self.waiting = -1, []

    def prepare(self) -> None:
        """Moves and mirrors every picture, and cuts the shuffled epoch into batches."""
        self.epoch += 1
        count = len(self.pictures)
        shifts = torch.randint(-2, 3, (count, 2))
        moved = torch.empty_like(self.pictures)
        for down in range(-2, 3):
            for right in range(-2, 3):
                chosen = (shifts[:, 0] == down) & (shifts[:, 1] == right)
                moved[chosen] = self.padded[chosen, :, 2 + down : 34 + down, 2 + right : 34 + right]
        if self.epoch % 2:
            moved = moved.flip(3)
        order = torch.randperm(count)
        self.waiting = [order[start : start + BATCH] for start in range(0, count - BATCH + 1, BATCH)]
        self.moved = moved

    def step(self) -> None:
        """One update."""
        if not self.waiting:
            self.prepare()
        chosen = self.waiting.pop()
        part = self.done / self.steps
        factor = 0.2 + 0.8 * part / 0.23 if part < 0.23 else 1 - 0.93 * (part - 0.23) / 0.77
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * factor
        self.net[0].bias.requires_grad_(self.epoch < 3)
        scores = self.net(self.moved[chosen]) / 9
        loss = nn.functional.cross_entropy(scores, self.labels[chosen], label_smoothing=0.2, reduction="none").sum()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.done += 1
        if self.done % 5 == 0:
            kept = 0.95**5 * part**3
            for name, value in self.net.state_dict().items():
                if value.is_floating_point():
                    self.slow[name].lerp_(value, 1 - kept)
                    value.copy_(self.slow[name])


def learner_of(compute: Compute, widths: Sequence[int]) -> Any:
    """Our learner at the paper's batch."""
    recipe = make(ImageCnn, {"network": "fast", "batch_size": BATCH, "widths": tuple(widths)})
    return recipe.build(setting_of(recipe, RunOptions(dataset=DATASET), compute)).learner


def our_turn(compute: Compute, widths: Sequence[int], *, plain: bool = False) -> Callable[[], None]:
    """Our next steps, in a process of their own; plain: channels first, memory as the C library keeps it."""
    learner, numbers = learner_of(compute, widths), iter(range(10**9))
    if plain:
        learner.model.to(memory_format=torch.contiguous_format)
        learner.model.register_forward_pre_hook(lambda _, given: tuple(x.contiguous() for x in given))
    else:
        keep_freed_memory()  # as a run does

    def turn() -> None:
        with compute.active():
            for number in itertools.islice(numbers, STEPS_A_TURN):
                reseed_all(0, "step", number)
                learner.step(number)

    return turn


def paper_turn(dtype: torch.dtype) -> Callable[[], None]:
    """The paper's next steps, likewise; preparing its epoch comes with the first of them."""
    train = open_dataset(DATASET).split("train")
    pixels, labels = torch.from_numpy(train.pictures().copy()), torch.from_numpy(train.labels())
    peer = Peer(pixels, labels, dtype=dtype, steps=440)

    def turn() -> None:
        for _ in range(STEPS_A_TURN):
            peer.step()

    return turn


def preparing(learner: Any, rounds: int) -> float:
    """Seconds a batch until its pictures are gathered, moved, mirrored and standardised: the median."""
    seconds = []
    for number in range(rounds + 1):
        started = time.perf_counter()
        learner.batches.training(number, 1)
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds[1:]))  # the first warms up


def a_step(compute: Compute, widths: Sequence[int], rounds: int) -> None:
    """A training step: ours, the paper's in bfloat16, and the paper's in float32."""
    before = measure_peak(compute.device)
    turns = {
        f"chainrule, {compute.precision}": apart(partial(our_turn, compute, widths), compute),
        "paper, plain torch bf16": apart(partial(paper_turn, torch.bfloat16), compute),
        "paper, plain torch fp32": apart(partial(paper_turn, torch.float32), compute),
    }
    fp32 = replace(compute, precision="fp32")
    turns["chainrule's network, fp32"] = apart(partial(our_turn, fp32, widths), compute)
    turns["the same in plain torch fp32"] = apart(partial(our_turn, fp32, widths, plain=True), compute)
    print(f"\n{STEPS_A_TURN} steps of {BATCH} pictures, {compute.threads} threads")
    seconds = in_turns(turns, rounds=rounds)
    print_table(seconds)
    peak = max(before, measure_peak(compute.device))
    learner = learner_of(compute, widths)
    flops = learner.model.training_flops(torch.empty(BATCH, 3, 32, 32, device="meta"))
    step = float(np.median(seconds[next(iter(turns))])) / STEPS_A_TURN
    print(f"ours: {flops / 1e9:.1f} GFLOP a step, {flops / step / peak:.1%} of the peak of {peak / 1e9:.0f} GFLOP/s")
    print(f"of it moving and mirroring its pictures: {preparing(learner, rounds) / step:.1%}")


def article(compute: Compute, dataset: str) -> None:
    """The tutorial's network in ten epochs: Keras', then ours, and ours in half of the epochs.

    Seconds of training, and accuracy on the test split.
    """
    import keras

    from chainrule import api

    data = open_dataset(dataset)
    (x, y), (test_x, test_y) = (
        (split.pictures().transpose(0, 2, 3, 1) / np.float32(255), split.labels())
        for split in (data.split("train"), data.split("test"))
    )
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(len(data.classes or ())),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    started = time.perf_counter()
    model.fit(x, y, epochs=10, verbose=0)
    seconds = time.perf_counter() - started
    _, accuracy = model.evaluate(test_x, test_y, verbose=0)
    name = f"Keras {keras.__version__} on {keras.backend.backend()}"
    print(f"\nthe article's network on {dataset}, 10 epochs, {compute.threads} threads")
    print(f"{name:<30} {seconds:8.1f} s  accuracy {accuracy:.4f}")
    for epochs in (10, 5):
        report = api.train("image-cnn", network="article", dataset=dataset, epochs=epochs)
        own, share = f"chainrule, {compute.precision}, {epochs} epochs", report["seconds"] / seconds
        print(f"{own:<30} {report['seconds']:8.1f} s  accuracy {report['value']:.4f}  {share:.2f} of Keras' time")
    print("ours with an evaluation an epoch")


def main() -> None:
    """Prints what is asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--article", action="store_true")
    parser.add_argument("--dataset", default=DATASET)
    parser.add_argument("--widths", type=int, nargs="+", default=PRESETS["fast"].widths)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args([] if __name__ != "__main__" else None)
    if given.article and given.widths != PRESETS["fast"].widths:
        parser.error("--widths is for a step of --network fast, and --article for another network; leave one out.")
    compute = resolve_compute()
    with compute.active():
        if given.article:
            article(compute, given.dataset)
        else:
            a_step(compute, given.widths, given.rounds)


if __name__ == "__main__":
    main()
