"""Transfer: a network that begins with the trunk of another run's and a new head."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.errors import ModelFolderError, OptionError
from chainrule.models.folder import SUMS
from chainrule.recipes.contract import Setting

if TYPE_CHECKING:
    from torch import nn


OF_HEAD = {"classes", "views", "dropout"}  # arguments that say nothing of the trunk


def model_folder_of(run: Path) -> Path:
    """The model folder of a run, or the folder itself where it is one."""
    return run / "model" if (run / "model").is_dir() else run


def fingerprint(run: Path) -> str:
    """The SHA-256 of what lists the SHA-256 of every file of the run's model.

    Raises:
        ModelFolderError: there is no finished model.
    """
    sums = model_folder_of(run) / SUMS
    try:
        return hashlib.sha256(sums.read_bytes()).hexdigest()
    except OSError as error:
        raise ModelFolderError(
            f"--from {run} holds no finished model ({sums.name} cannot be read); give the folder of a finished run."
        ) from error


class Trunk:
    """What is taken over from another run: its network up to the head, and how it looks at pictures.

    Args:
        run: the folder of the run.

    Raises:
        ModelFolderError: the model is missing or damaged, or no classifier of pictures.
    """

    def __init__(self, run: Path) -> None:
        from chainrule.data.preprocess import PicturePreprocessor
        from chainrule.inference.pictures import PREPROCESSING
        from chainrule.models.folder import read_model, read_text

        self.sha256 = fingerprint(run)
        folder = model_folder_of(run)
        self.run = run
        self.model, self.config = read_model(folder)
        if self.config.task != "image-classification" or not self.config.family.startswith("cnn-"):
            raise ModelFolderError(f"--from {run} holds a {self.config.family}; a network of image-cnn is needed.")
        self.preprocessor: PicturePreprocessor = PicturePreprocessor.from_json(read_text(folder / PREPROCESSING))

    def check(self, shape: tuple[int, int, int], family: str, arguments: Mapping[str, Any]) -> None:
        """Refuses pictures or a network that the trunk is not made for.

        Args:
            shape: of the pictures.
            family: of the network that is to be.
            arguments: likewise.

        Raises:
            OptionError: they do not fit.
        """
        if family != self.config.family:
            network = self.config.family.removeprefix("cnn-")
            raise OptionError(f"--from {self.run} holds a network {network!r}; give --network {network} as well.")
        if shape != self.preprocessor.shape:
            own, given = ("x".join(map(str, each)) for each in (self.preprocessor.shape, shape))
            raise OptionError(
                f"--from {self.run} learned from pictures of {own} (channels, height, width), these have {given}; "
                "give pictures of the same shape."
            )
        held = self.config.arguments
        if (widths := held.get("widths")) != arguments.get("widths"):
            words = " ".join(map(str, widths or ()))
            raise OptionError(f"--from {self.run} holds a network of other widths; give --widths {words} as well.")
        if any(held.get(name) != value for name, value in arguments.items() if name not in OF_HEAD):
            raise OptionError(
                f"--from {self.run} holds a network as an earlier version built it; train it again with this one."
            )

    def give_to(self, model: "nn.Module") -> None:
        """Copies the trunk's weights and running statistics."""
        self.of(model).load_state_dict(self.of(self.model).state_dict())

    @staticmethod
    def of(model: "nn.Module") -> "nn.Module":
        """The part of a network that is the trunk."""
        trunk: nn.Module = model.features  # type: ignore[assignment]
        return trunk


def refuse_divided_stages(setting: Setting, frozen_epochs: float) -> None:
    """Refuses stages where the model is divided among processes.

    Raises:
        OptionError: it is.
    """
    if frozen_epochs and setting.shard:
        raise OptionError(
            "--frozen-epochs changes during the run what is learned, which a divided model does not follow; "
            "leave out --shard, or --frozen-epochs."
        )


def stages(trunk: "nn.Module", frozen_steps: int) -> Callable[[int], None]:
    """What freezes the trunk in the first steps: neither its weights nor its running statistics change."""
    learned = [weight for weight in trunk.parameters() if weight.requires_grad]

    def prepare(index: int) -> None:
        is_frozen = index < frozen_steps
        if is_frozen:
            trunk.eval()
        for weight in learned:
            weight.requires_grad_(not is_frozen)

    return prepare


def rate_of_trunk(rate: float) -> Callable[[str], float]:
    """A parameter's name → its share of the learning rate."""
    return lambda name: rate if name.startswith("features.") else 1.0
