"""The order in which a run sees its examples: a function of (seed, epoch), so a sampler has no state."""

import numpy as np

from chainrule.data.dataset import Positions
from chainrule.runtime.draws import generator

BATCHES_SORTED_TOGETHER = 50  # more saves padding, fewer keeps the batches more random


class EpochOrder:
    """Cuts a shuffled split into batches, anew each epoch; every example comes once an epoch.

    Args:
        examples: how many there are, ≥ 1.
        batch_size: examples a batch; an epoch's last batch may be smaller.
        seed: the run's seed.
        lengths: (examples,) length of each, where batches of like length are wanted: then runs of 50 shuffled
            batches are sorted by length before they are cut, and the batches shuffled again.
    """

    def __init__(self, *, examples: int, batch_size: int, seed: int, lengths: Positions | None = None) -> None:
        self.examples = examples
        self.batch_size = batch_size
        self.steps_per_epoch = -(-examples // batch_size)
        self._seed = seed
        self._lengths = lengths
        self._epoch = -1
        self._batches: list[Positions] = []

    def positions(self, step: int) -> Positions:
        """The examples of update number `step`, counted from 0 over all epochs."""
        epoch, place = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            self._batches, self._epoch = self._cut(epoch), epoch
        return self._batches[place]

    def _cut(self, epoch: int) -> list[Positions]:
        draw = generator(self._seed, "order", epoch)
        order = draw.permutation(self.examples)
        if self._lengths is None:
            return [order[start : start + self.batch_size] for start in range(0, self.examples, self.batch_size)]
        chunk = self.batch_size * BATCHES_SORTED_TOGETHER
        batches = []
        for start in range(0, self.examples, chunk):
            part = order[start : start + chunk]
            part = part[np.argsort(self._lengths[part], kind="stable")]
            batches += [part[low : low + self.batch_size] for low in range(0, len(part), self.batch_size)]
        return [batches[number] for number in draw.permutation(len(batches))]
