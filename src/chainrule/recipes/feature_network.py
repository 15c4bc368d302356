"""The classifier in whose features pictures are compared: trained on the spot, the same for all runs on the same data.

It knows nothing of the network that is judged. Its seed is fixed, so that distances of runs with different seeds can
be compared; it is small, and no Inception network.
"""

import contextlib
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data.dataset import Examples
from chainrule.data.order import EpochOrder
from chainrule.data.preprocess import PicturePreprocessor
from chainrule.errors import ModelFolderError, StorageError
from chainrule.recipes.supervised import Fitting, learner_of
from chainrule.runtime import cache
from chainrule.runtime.devices import Compute
from chainrule.runtime.draws import reseed_all, undisturbed
from chainrule.runtime.files import write_atomically
from chainrule.runtime.progress import say

if TYPE_CHECKING:
    from torch import nn

SEED = 0
WIDTHS = (16, 32, 64)  # filters; the last is the number of features
FITTING = Fitting(
    batch_size=128, epochs=3, least_steps=400, learning_rate=3e-3, warmup=0.2, weight_decay=0.05, clip_norm=None
)
MOST_EXAMPLES = 16_000  # to learn from, spread evenly over the training split: it is to be ready soon
AT_ONCE = 1000  # pictures


@dataclass(frozen=True, kw_only=True)
class FeatureNetwork:
    """Pictures → features and classes."""

    network: "nn.Module"
    preprocessor: PicturePreprocessor
    compute: Compute

    def see(self, pictures: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Features, (pictures, 64), and the most probable classes, (pictures,).

        Args:
            pictures: (pictures, channels, height, width).
        """
        import torch

        from chainrule.learners.batches import gather_pictures, in_batches

        network: Any = self.network
        features, classes = [], []
        with self.compute.active() as device, torch.no_grad():
            gather = gather_pictures(lambda positions: pictures[positions], self.preprocessor, device)
            for batch in in_batches(len(pictures), AT_ONCE):
                maps = network.features(*gather(batch))  # (batch, 64, height / 4, width / 4)
                features.append(maps.mean(dim=(2, 3)).cpu().numpy())  # (batch, 64)
                classes.append(network.head(maps).argmax(dim=1).cpu().numpy())  # (batch,)
        return np.concatenate(features), np.concatenate(classes)


def feature_network(train: Examples, compute: Compute) -> FeatureNetwork:
    """The network for these data: from the cache, or trained now, in float32.

    Args:
        train: what it learns from.
        compute: the run's own, in which pictures are looked at. The network is trained on one thread of the processor
            whatever it says, since rounding depends on these, and runs of all kinds are to be compared.
    """
    from chainrule.models.cnn import small_network

    compute = replace(compute, precision="fp32", processes=1)
    alone = replace(compute, device="cpu", threads=1)
    preprocessor = PicturePreprocessor.fit(train)
    # The caller's draws go on as if nothing had been trained, whether it was or was kept.
    with alone.active(), undisturbed():
        reseed_all(SEED, "feature network")
        channels, classes = preprocessor.shape[0], len(train.dataset.classes or ())
        network = small_network(channels=channels, classes=classes, widths=WIDTHS, dropout=0.0)
        path = _place(train.dataset.sha256)
        if not _restored(network, path):
            say("training the classifier in whose features pictures are compared, once for these data")
            _train(network, train.limited_to(MOST_EXAMPLES), preprocessor, alone)
            _keep(network, path)
    network.to(compute.device).eval().requires_grad_(requires_grad=False)
    return FeatureNetwork(network=network, preprocessor=preprocessor, compute=compute)


def _place(sha256: str) -> Path:
    """Where the weights are kept: told by all that they depend on."""
    import torch

    told = repr((sha256, SEED, WIDTHS, FITTING, MOST_EXAMPLES, torch.__version__))
    return cache.folder() / "features" / f"{hashlib.sha256(told.encode()).hexdigest()[:16]}.safetensors"


def _restored(network: "nn.Module", path: Path) -> bool:
    """Whether the weights were there; a damaged file is as good as none."""
    from chainrule.models.folder import read_weights

    with contextlib.suppress(ModelFolderError):
        weights = read_weights(path)
        # Loading what fits in part would leave the training to begin with half of it.
        if {n: v.shape for n, v in weights.items()} == {n: v.shape for n, v in network.state_dict().items()}:
            network.load_state_dict(weights)
            return True
    return False


def _keep(network: "nn.Module", path: Path) -> None:
    """Keeps the weights; where nothing can be kept, the next one trains again, with the same result."""
    from safetensors.torch import save

    with contextlib.suppress(StorageError):
        cache.made(path.parent.name)
        write_atomically(path, save({name: value.cpu().contiguous() for name, value in network.state_dict().items()}))


def _train(network: "nn.Module", train: Examples, preprocessor: PicturePreprocessor, compute: Compute) -> None:
    """Teaches the network its classes."""
    import torch

    from chainrule.learners.batches import Part, SplitBatches, gather_pictures
    from chainrule.learners.objectives import cross_entropy

    device = torch.device(compute.device)
    part = Part(
        gather=gather_pictures(train.pictures, preprocessor, device),
        targets=torch.from_numpy(train.labels()).to(device),
    )
    order = EpochOrder(examples=len(train), batch_size=FITTING.batch_size, seed=SEED)
    batches = SplitBatches(train=part, held_out=part, order=order, evaluation_batch_size=AT_ONCE)
    steps = FITTING.steps(order.steps_per_epoch)
    learner = learner_of(
        FITTING,
        steps=steps,
        model=network,
        objective=cross_entropy(),
        batches=batches,
        judge=lambda *_: {},  # it is not evaluated here
        autocast=compute.autocast,
    )
    for step in range(steps):
        learner.step(step)
