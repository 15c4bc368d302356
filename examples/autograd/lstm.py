"""An LSTM on NumPy that tells nine speakers apart by two vowels (Hochreiter and Schmidhuber, Neural Computation 9)."""

import numpy as np

import chainrule.autograd as ag
from chainrule.data.opening import open_examples
from chainrule.data.sequence_store import SequencePreprocessor

EPOCHS, BATCH, RATE, HIDDEN, NOISE = 60, 32, 5e-3, 32, 0.3  # but for HIDDEN those of the recipe sequence-lstm


class SpeakerNetwork(ag.Module):
    """Sequences (n, time, 12) → scores (n, 9): an LSTM each way, the mean of what they show, a linear layer."""

    def __init__(self, generator):
        self.cells = [ag.LSTMCell(12, HIDDEN, generator=generator) for _ in range(2)]
        self.dropout = ag.Dropout(0.3, generator=generator)
        self.head = ag.Linear(2 * HIDDEN, 9, generator=generator)

    def forward(self, x, lengths):
        """`x` is padded at its ends to the longest of `lengths`."""
        times = range(x.shape[1])
        means = []
        for cell, order in zip(self.cells, (times, reversed(times)), strict=True):
            state, total = None, 0
            for time in order:
                real = (time < lengths)[:, None]  # (n, 1)
                h, c = cell(x[:, time], state)  # (n, hidden) each
                state = (ag.where(real, h, 0), ag.where(real, c, 0))
                total = total + state[0]
            means.append(total / lengths[:, None])
        return self.head(self.dropout(ag.concatenate(*means, dim=1)))


def padded(sequences):
    """Sequences of different lengths as one array, (n, time, 12), and their lengths."""
    lengths = np.array([len(sequence) for sequence in sequences])
    whole = np.zeros((len(sequences), lengths.max(), 12), np.float32)
    for row, sequence in zip(whole, sequences, strict=True):
        row[: len(sequence)] = sequence
    return whole, lengths


def accuracy(model, sequences, labels):
    """The share of the sequences that the model gets right."""
    model.eval()
    x, lengths = padded(sequences)
    with ag.no_grad():
        scores = model(ag.Tensor(x), lengths)
    return float(np.mean(scores.data.argmax(axis=1) == labels))


def train(sequences, labels, seed):
    """A network that learned from the sequences."""
    generator = np.random.default_rng(seed)
    model = SpeakerNetwork(generator)
    optimizer = ag.AdamW(model.parameters(), lr=RATE)
    x, lengths = padded(sequences)
    for epoch in range(EPOCHS):
        model.train()
        optimizer.param_groups[0]["lr"] = RATE * (1 - epoch / EPOCHS)
        for chosen in np.array_split(generator.permutation(len(x)), -(-len(x) // BATCH)):
            noisy = x[chosen] + NOISE * generator.standard_normal(x[chosen].shape, np.float32)
            optimizer.zero_grad()
            ag.cross_entropy(model(ag.Tensor(noisy), lengths[chosen]), labels[chosen], label_smoothing=0.1).backward()
            ag.clip_grad_norm(model.parameters(), 1.0)
            optimizer.step()
    return model


def main(seed=0):
    """Trains on the published training split; returns the accuracy by split."""
    vowels = open_examples("japanese-vowels", None, kind="sequences")
    scaled = SequencePreprocessor.fit(vowels.split("train")).transform

    def ready(split):
        return [scaled(sequence) for sequence in vowels.split(split).sequences()], vowels.split(split).labels()

    model = train(*ready("train"), seed)
    return {split: accuracy(model, *ready(split)) for split in ("validation", "test")}


if __name__ == "__main__":
    for split, share in main().items():
        print(f"{split} accuracy {share:.3f}")
