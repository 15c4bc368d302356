"""`image-cnn`: a convolutional network that classifies pictures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from chainrule.errors import OptionError
from chainrule.evaluation.band import Band
from chainrule.recipes.contract import Assembly, ScoredFile, Setting
from chainrule.recipes.image_networks import (
    PRESETS,
    WHITENED,
    Network,
    check_smallest_batch,
    family_of,
    fit_whitening,
    muon,
)
from chainrule.recipes.supervised import (
    AT_LEAST_0,
    COUNT,
    POSITIVE,
    SHARE,
    Classifying,
    Fitting,
    check_numbers,
    check_ranges,
)
from chainrule.recipes.transfer import Trunk, rate_of_trunk, refuse_divided_stages, stages

if TYPE_CHECKING:
    import torch
    from torch import nn

    from chainrule.data.dataset import Dataset
    from chainrule.data.preprocess import PicturePreprocessor
    from chainrule.evaluation.judgement import Judgement
    from chainrule.learners.lookahead import Lookahead
    from chainrule.learners.pictures import Augmentation

Group = TypeVar("Group", Classifying, Fitting)

OF_TRUNK: dict[str, Any] = {"trunk_rate": 0.1, "frozen_epochs": 0.0}  # settings of what --from takes over
LARGEST_EVALUATED = 1000  # pictures at a time where nothing is learned

IDLE = {"fast": ("dropout",), "article": ("widths", "dropout")}  # settings that a network does nothing with

OF_NETWORK: Any = None  # a setting that is the network's own where it is not given

EXPECTED = (
    Band(
        setting={"dataset": "fashion-mnist"},
        metric="accuracy",
        mean=0.9342,
        standard_deviation=0.0005,
        seeds=3,
        machine="2 cores of an AMD EPYC (Zen 5), bf16",
        seconds=107,
        command="chainrule train image-cnn --seed SEED",
        baseline=("logistic regression on pixels", 0.8426),
    ),
    Band(
        setting={"dataset": "digits"},
        metric="accuracy",
        mean=0.9967,
        standard_deviation=0.0023,
        seeds=5,
        machine="2 cores of an AMD EPYC (Zen 4), bf16",
        seconds=13,
        command="chainrule train image-cnn --dataset digits --seed SEED",
        baseline=("logistic regression on pixels", 0.9836),
    ),
)


@dataclass(frozen=True, kw_only=True)
class ImageCnn:
    """A convolutional network for pictures."""

    name: ClassVar[str] = "image-cnn"
    summary: ClassVar[str] = "convolutional network for pictures"
    dataset: ClassVar[str] = "fashion-mnist"
    expected: ClassVar[tuple[Band, ...]] = EXPECTED

    preset: ClassVar[str] = "network"
    """The setting that the defaults of others go by."""

    network: Network = "small"
    """`small` is a plain default, `fast` learns the most in few operations, `article` is the network of Keras'
    well-known first tutorial; each has settings of its own, which hold where they are not given."""
    widths: tuple[int, ...] = OF_NETWORK
    """Filters of each stage of `small` (32 64 128) and of `fast` (64 192 192), which halve the pictures."""
    dropout: float = OF_NETWORK
    """Share of the last features of `small` silenced in training, in [0, 0.99]."""
    flip: Literal["auto", "always", "never"] = OF_NETWORK
    """Whether training sees pictures mirrored too; `auto` does unless all classes are single characters."""
    shift: float = OF_NETWORK
    """How far training moves pictures in each direction, as a share of their sides, in [0, 0.5]."""
    cutout: float = OF_NETWORK
    """The side of a square that training covers in each picture, as a share of the picture's shorter one, in [0, 1]."""
    views: Literal[1, 2, 6] = 1
    """Of each picture when it is judged: 2 with its mirror image, 6 also moved by a pixel; scores are their mean."""
    lookahead: bool = False
    """Whether the weights of `fast` follow slow ones that average them."""
    classes: tuple[str, ...] = ()
    """The classes of the data set to tell apart; all where none is named."""
    labels_per_class: int | None = None
    """How many examples of each class are learned from at most, ≥ 1; all where it is not given."""
    validation_examples: int | None = None
    """How many examples the validation split keeps, ≥ 1; the others are learned from. All where it is not given."""
    from_: Path | None = None
    """A finished run of image-cnn whose network, but for the head, this one begins with."""
    trunk_rate: float = OF_TRUNK["trunk_rate"]
    """Share of the learning rate at which what was taken over goes on learning, > 0."""
    frozen_epochs: float = OF_TRUNK["frozen_epochs"]
    """Epochs in which the new head alone learns, ≥ 0."""
    classifying: Classifying = Classifying(label_smoothing=OF_NETWORK)
    """What is asked of the classifier."""
    fitting: Fitting = Fitting(
        batch_size=OF_NETWORK,
        epochs=OF_NETWORK,
        least_steps=OF_NETWORK,
        learning_rate=OF_NETWORK,
        warmup=OF_NETWORK,
        decay=OF_NETWORK,
        weight_decay=OF_NETWORK,
        clip_norm=OF_NETWORK,
    )
    """How the model is fitted."""

    def __post_init__(self) -> None:
        """Puts the network's settings where none are given, and refuses values out of range."""
        if self.network not in PRESETS:
            raise OptionError(f"--network is {self.network!r}; it must be one of {', '.join(PRESETS)}.")
        preset = PRESETS[self.network]
        own = {name: getattr(preset, name) for name in ("widths", "dropout", "flip", "shift", "cutout")}
        filled = {
            **{name: value for name, value in own.items() if getattr(self, name) is None},
            "classifying": _filled(self.classifying, {"label_smoothing": preset.label_smoothing}),
            "fitting": _filled(self.fitting, vars(preset.fitting)),
        }
        for name in IDLE.get(self.network, ()):
            if getattr(self, name) not in (None, own[name]):
                raise OptionError(f"--network {self.network} has no use for --{name}; leave it out.")
        for name, value in filled.items():
            object.__setattr__(self, name, value)
        check_ranges(self, dropout=SHARE, shift=(0.0, 0.5), cutout=(0.0, 1.0), labels_per_class=COUNT)
        check_ranges(self, validation_examples=COUNT)
        check_ranges(self, trunk_rate=POSITIVE, frozen_epochs=AT_LEAST_0)
        check_numbers("widths", self.widths)
        if not self.widths:
            raise OptionError("--widths is empty; it needs at least one number.")
        if self.views != 1 and self.flip == "never":
            raise OptionError(
                f"--views {self.views} judges mirror images as well, and with --flip never training sees none; "
                "use --views 1, or --flip always."
            )
        self._refuse_without_trunk()
        if self.lookahead and self.network != "fast":
            raise OptionError(f"--lookahead is for --network fast, and this is {self.network}; leave it out.")

    def _refuse_without_trunk(self) -> None:
        for name, value in OF_TRUNK.items():
            if self.from_ is None and getattr(self, name) != value:
                flag = name.replace("_", "-")
                raise OptionError(f"--{flag} is for what --from takes over; name a run with --from, or leave it out.")

    def family_and_arguments(self, shape: tuple[int, int, int], classes: int) -> tuple[str, dict[str, Any]]:
        """The network as the model folder names it.

        Raises:
            OptionError: the pictures are too small for it.
        """
        return family_of(self.network, shape, classes, widths=self.widths, dropout=self.dropout, views=self.views)

    def build(self, setting: Setting) -> Assembly:
        """Measures the training pictures' mean and deviation and makes a network with fresh weights."""
        import torch

        from chainrule.data.opening import open_examples
        from chainrule.data.order import EpochOrder
        from chainrule.data.preprocess import PicturePreprocessor
        from chainrule.inference.pictures import picture_files
        from chainrule.learners.batches import Part, SplitBatches, gather_pictures
        from chainrule.learners.pictures import PictureStore
        from chainrule.models.folder import ModelConfig, build_model, write_model
        from chainrule.recipes.judging import class_figures
        from chainrule.recipes.supervised import assemble, placed
        from chainrule.runtime.draws import reseed_all
        from chainrule.training.loop import Selection

        prepare: Callable[[int], None] | None = None
        is_fast = self.network == "fast"
        if is_fast and setting.shard:
            raise OptionError("--network fast learns by Muon, which needs whole kernels; leave out --shard.")
        refuse_divided_stages(setting, self.frozen_epochs)
        trunk = None if self.from_ is None else Trunk(self.from_)
        dataset = self.narrowed(open_examples(setting.dataset, setting.data, kind="pictures"))
        train, held_out = dataset.split("train"), dataset.split("validation")
        classes = dataset.classes or ()
        preprocessor = PicturePreprocessor.fit(train)
        family, arguments = self.family_and_arguments(preprocessor.shape, len(classes))
        if trunk is not None:
            trunk.check(preprocessor.shape, family, arguments)
            preprocessor = trunk.preprocessor
        config = ModelConfig(
            family=family,
            arguments=arguments,
            task="image-classification",
            recipe=self.name,
            classes=classes,
        )
        device = torch.device(setting.compute.device)
        reseed_all(setting.seed, "weights")
        model = placed(setting, build_model(config))
        if trunk is not None:
            trunk.give_to(model)
        elif is_fast:
            fit_whitening(model, train.limited_to(WHITENED).pictures(), preprocessor)
        batch_size = self.fitting.batch_size
        order = EpochOrder(examples=len(train), batch_size=batch_size, seed=setting.seed)
        last = len(train) % batch_size or batch_size
        parts = min(self.fitting.accumulate, last // setting.processes.count)
        check_smallest_batch(model, preprocessor.shape, last // max(1, parts))
        store = PictureStore(train, device)
        if trunk is not None:
            prepare = stages(trunk.of(model), round(self.frozen_epochs * order.steps_per_epoch))
        optimizer = self.optimizer(setting.compute.precision)
        assembly = assemble(
            setting,
            self.fitting,
            dataset=dataset,
            model=model,
            objective=self.classifying.objective(train, len(classes)),
            batches=SplitBatches(
                train=Part(
                    gather=lambda positions: (store(positions),), targets=torch.from_numpy(train.labels()).to(device)
                ),
                held_out=Part(
                    gather=gather_pictures(held_out.pictures, preprocessor, device),
                    targets=torch.from_numpy(held_out.labels()).to(device),
                ),
                order=order,
                evaluation_batch_size=min(4 * batch_size, LARGEST_EVALUATED),
                augment=self.augmentation(preprocessor, classes, seed=setting.seed),
            ),
            judge=class_figures,
            selection=Selection("accuracy", higher_is_better=True),
            save_model=lambda folder: write_model(folder, model, config, picture_files(preprocessor)),
            optimizer=optimizer and optimizer(model),
            rate_of=rate_of_trunk(self._trunk_rate),
            prepare=prepare,
            average=partial(self.average, model),
        )
        if trunk is None:
            return assembly
        return replace(
            assembly, data={**assembly.data, "from": {"run": str(trunk.run.absolute()), "sha256": trunk.sha256}}
        )

    @property
    def _trunk_rate(self) -> float:
        return 1.0 if self.from_ is None else self.trunk_rate

    def optimizer(self, precision: str) -> "Callable[[nn.Module], torch.optim.Optimizer] | None":
        """What makes Muon for a `fast` model; None for AdamW.

        Args:
            precision: of the run, fp32 or bf16.
        """
        import torch

        if self.network != "fast":
            return None
        products = torch.bfloat16 if precision == "bf16" else torch.float32
        return lambda model: muon(model, self.fitting, dtype=products, trunk_rate=self._trunk_rate)

    def average(self, model: "nn.Module", steps: int) -> "Lookahead | None":
        """What averages the weights over a run of so many steps, where that is asked for."""
        from chainrule.learners.lookahead import Lookahead

        return Lookahead(model, steps=steps) if self.network == "fast" and self.lookahead else None

    def narrowed(self, dataset: "Dataset") -> "Dataset":
        """The part of a data set that is learned from and judged by."""
        from chainrule.data.subsets import narrowed

        return narrowed(
            dataset,
            classes=self.classes,
            labels_per_class=self.labels_per_class,
            validation_examples=self.validation_examples,
        )

    def augmentation(self, preprocessor: "PicturePreprocessor", classes: Sequence[str], *, seed: int) -> "Augmentation":
        """How training sees the pictures.

        Raises:
            OptionError: it sees none of the mirror images that are to be judged.
        """
        from chainrule.learners.pictures import Augmentation

        # Letters and digits have no mirror image that is one of them.
        mirror = self.flip == "always" or (self.flip == "auto" and any(len(name) > 1 for name in classes))
        if self.views != 1 and not mirror:
            raise OptionError(
                f"--views {self.views} judges mirror images as well, and --flip auto shows training none of classes "
                "that are single characters; use --views 1, or --flip always."
            )
        _, height, width = preprocessor.shape
        return Augmentation(
            preprocessor=preprocessor,
            seed=seed,
            mirror=mirror,
            shift=int(self.shift * min(height, width)),
            cutout=round(self.cutout * min(height, width)),
        )

    def judge(self, setting: Setting, model_folder: Path, rows: ScoredFile | None = None) -> "Judgement":
        """Accuracy, beside logistic regression on the pixels, and beside the same training from nothing."""
        from chainrule.data.taught import Taught
        from chainrule.evaluation.baselines import majority
        from chainrule.evaluation.classification import judge_classification
        from chainrule.evaluation.describe import describer
        from chainrule.evaluation.linear import logistic_regression_pixels
        from chainrule.inference.pictures import load_picture_predictor
        from chainrule.recipes import from_nothing
        from chainrule.recipes.judging import scored_examples

        predictor = load_picture_predictor(model_folder, setting.compute)
        like = Taught(classes=predictor.classes, picture_shape=predictor.preprocessor.shape)
        scored = scored_examples(setting, rows, like, narrow=self.narrowed, kind="pictures")
        test = scored.test
        baselines = scored.baselines(majority, logistic_regression_pixels)
        if self.from_ is not None and (nothing := self._from_nothing(setting, model_folder.parent)):
            probabilities = load_picture_predictor(nothing, setting.compute).probabilities(test.pictures, len(test))
            baselines += (from_nothing.baseline(probabilities),)
        judgement = judge_classification(
            probabilities=predictor.probabilities(test.pictures, len(test)),
            labels=test.labels(),
            classes=predictor.classes,
            baselines=baselines,
            describe=describer(test),
        )
        return scored.judged(replace(judgement, extra={"views": self.views, **from_nothing.figures(judgement)}))

    def _from_nothing(self, setting: Setting, run: Path) -> Path | None:
        """The model that the same training makes of fresh weights; None where it is not at hand afterwards."""
        from chainrule.recipes.from_nothing import trained_from_nothing

        folder = run / "from-nothing"
        if setting.sha256 is not None and not folder.is_dir():
            return None
        return trained_from_nothing(replace(self, from_=None, **OF_TRUNK).build, setting, folder)


def _filled(group: Group, own: Mapping[str, Any]) -> Group:
    """A group of settings with the network's own where none are given."""
    return replace(group, **{name: value for name, value in own.items() if getattr(group, name) is None})
