"""A convolutional network on NumPy that reads handwritten digits (LeCun et al., Proceedings of the IEEE 86, 1998)."""

import numpy as np

import chainrule.autograd as ag
from chainrule.data.opening import open_examples

EPOCHS, BATCH, RATE = 15, 32, 3e-3


def network(generator):
    """Pictures (n, 1, 8, 8) → scores (n, 10)."""
    return ag.Sequential(
        ag.Conv2d(1, 16, 3, padding=1, generator=generator),  # (n, 16, 8, 8)
        ag.BatchNorm(16),
        ag.relu,
        ag.Conv2d(16, 32, 3, padding=1, generator=generator),  # (n, 32, 8, 8)
        ag.BatchNorm(32),
        ag.relu,
        lambda x: ag.max_pool2d(x, 2),  # (n, 32, 4, 4)
        lambda x: x.flatten(1),  # (n, 512)
        ag.Dropout(0.3, generator=generator),
        ag.Linear(512, 10, generator=generator),
    )


def pictures(examples):
    """Pixels from 0 to 1, (n, 1, 8, 8)."""
    return examples.pictures() / np.float32(255)


def accuracy(model, examples):
    """The share of the examples that the model gets right."""
    model.eval()
    with ag.no_grad():
        scores = model(ag.Tensor(pictures(examples)))
    return float(np.mean(scores.data.argmax(axis=1) == examples.labels()))


def train(examples, seed):
    """A network that learned from the examples."""
    generator = np.random.default_rng(seed)
    model = network(generator)
    optimizer = ag.AdamW(model.parameters(), lr=RATE, weight_decay=0.05)
    x, y = pictures(examples), examples.labels()
    for epoch in range(EPOCHS):
        model.train()
        optimizer.param_groups[0]["lr"] = RATE * (1 - epoch / EPOCHS)
        for chosen in np.array_split(generator.permutation(len(x)), len(x) // BATCH):
            optimizer.zero_grad()
            ag.cross_entropy(model(ag.Tensor(x[chosen])), y[chosen]).backward()
            optimizer.step()
    return model


def main(seed=0):
    """Trains on digits of 8 by 8 pixels; returns the accuracy by split."""
    digits = open_examples("digits", None, kind="pictures")
    model = train(digits.split("train"), seed)
    return {split: accuracy(model, digits.split(split)) for split in ("validation", "test")}


if __name__ == "__main__":
    for split, share in main().items():
        print(f"{split} accuracy {share:.3f}")
