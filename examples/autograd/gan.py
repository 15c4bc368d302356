"""A generative adversarial network on NumPy: it draws digits that nobody wrote (Goodfellow et al., arXiv 1406.2661).

Both networks are told which digit is meant (Mirza and Osindero, arXiv 1411.1784).
"""

import numpy as np

import chainrule.autograd as ag
from chainrule.data.opening import open_examples

NOISE, DIGITS, PIXELS = 16, 10, 64
STEPS, BATCH, RATE = 4000, 64, 1e-3
SHADES = " ░▒▓█"


def maker(generator):
    """Noise and digit (n, 26) → pictures (n, 64), from -1 to 1."""
    return ag.Sequential(
        ag.Linear(NOISE + DIGITS, 128, generator=generator),
        ag.BatchNorm(128),
        ag.relu,
        ag.Linear(128, 256, generator=generator),
        ag.BatchNorm(256),
        ag.relu,
        ag.Linear(256, PIXELS, generator=generator),
        ag.tanh,
    )


def critic(generator):
    """Pictures and digit (n, 74) → scores (n, 1), high for what somebody wrote."""
    return ag.Sequential(
        ag.Linear(PIXELS + DIGITS, 256, generator=generator),
        lambda x: ag.leaky_relu(x, 0.2),
        ag.Dropout(0.3, generator=generator),
        ag.Linear(256, 128, generator=generator),
        lambda x: ag.leaky_relu(x, 0.2),
        ag.Dropout(0.3, generator=generator),
        ag.Linear(128, 1, generator=generator),
    )


def told(x, digits):
    """Rows with the digit beside them, as a column of 0 and 1 for each."""
    return ag.concatenate(x, ag.Tensor(np.eye(DIGITS, dtype=np.float32)[digits]), dim=1)


def surprise(scores, truth):
    """The cross-entropy of scores, where the truth is one number for all."""
    return ag.binary_cross_entropy_with_logits(scores, np.full(scores.shape, truth))


def train(pictures, digits, seed):
    """A function of digits (n,) that draws them, (n, 8, 8) from 0 to 1."""
    generator = np.random.default_rng(seed)
    artist, judge = maker(generator), critic(generator)
    optimizers = making, judging = [ag.Adam(net.parameters(), betas=(0.5, 0.99)) for net in (artist, judge)]

    def draw(wanted):
        noise = ag.Tensor(generator.standard_normal((len(wanted), NOISE), np.float32))
        return artist(told(noise, wanted))  # (n, 64)

    for step in range(STEPS):
        for optimizer in optimizers:
            optimizer.param_groups[0]["lr"] = RATE * (1 - step / STEPS)
        chosen = generator.integers(0, len(pictures), BATCH)
        wanted = digits[chosen]
        drawn = draw(wanted)
        # The judge learns to tell both kinds apart; 0.9 instead of 1 keeps it from being too sure.
        judging.zero_grad()
        real = surprise(judge(told(ag.Tensor(pictures[chosen]), wanted)), 0.9)
        (real + surprise(judge(told(drawn.detach(), wanted)), 0.0)).backward()
        judging.step()
        # The artist learns to be taken for real: its gradient comes through the judge.
        making.zero_grad()
        surprise(judge(told(drawn, wanted)), 1.0).backward()
        making.step()
    artist.eval()
    return lambda wanted: (draw(wanted).data.reshape(-1, 8, 8) + 1) / 2


def main(seed=0):
    """Trains on the digits; returns the function that draws them."""
    examples = open_examples("digits", None, kind="pictures").split("train")
    return train(examples.pictures().reshape(-1, PIXELS) / np.float32(127.5) - 1, examples.labels(), seed)


def as_text(pictures):
    """Pictures (n, 8, 8) beside each other, two characters a pixel."""
    shades = (np.clip(pictures, 0, 1) * (len(SHADES) - 1)).round().astype(int)
    return "\n".join("  ".join("".join(2 * SHADES[v] for v in row) for row in rows) for rows in shades.swapaxes(0, 1))


if __name__ == "__main__":
    for row in np.split(main()(np.arange(DIGITS)), 2):
        print(as_text(row), end="\n\n")
