"""`image-cnn`: a convolutional network that classifies pictures."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from chainrule.errors import OptionError
from chainrule.evaluation.band import Band
from chainrule.recipes.contract import Assembly, ScoredFile, Setting
from chainrule.recipes.supervised import SHARE, Classifying, Fitting, check_numbers, check_ranges

if TYPE_CHECKING:
    from chainrule.evaluation.judgement import Judgement

SMALLEST_FOR_ARTICLE = 18  # pixels a side; less leaves no place after its three convolutions


MACHINE = "2 cores of an Intel Xeon with AMX, bf16, other work beside it"

EXPECTED = (
    Band(
        setting={"dataset": "fashion-mnist"},
        metric="accuracy",
        mean=0.9289,
        standard_deviation=0.0022,
        seeds=3,
        machine=MACHINE,
        seconds=562,
        command="chainrule train image-cnn --seed SEED",
        baseline=("logistic regression on pixels", 0.8430),
    ),
    Band(
        setting={"dataset": "digits"},
        metric="accuracy",
        mean=0.9984,
        standard_deviation=0.0024,
        seeds=5,
        machine=MACHINE,
        seconds=8,
        command="chainrule train image-cnn --dataset digits --seed SEED",
        baseline=("logistic regression on pixels", 0.9836),
    ),
    Band(
        setting={"dataset": "mnist-5k"},
        metric="accuracy",
        mean=0.9836,
        standard_deviation=0.0025,
        seeds=3,
        machine=MACHINE,
        seconds=105,
        command="chainrule train image-cnn --dataset mnist-5k --seed SEED",
        baseline=("logistic regression on pixels", 0.9133),
    ),
)


@dataclass(frozen=True, kw_only=True)
class ImageCnn:
    """A convolutional network for pictures."""

    name: ClassVar[str] = "image-cnn"
    summary: ClassVar[str] = "convolutional network for pictures"
    dataset: ClassVar[str] = "fashion-mnist"
    expected: ClassVar[tuple[Band, ...]] = EXPECTED

    network: Literal["small", "article"] = "small"
    """`small` is a modern default; `article` is the network of Keras' well-known first tutorial."""
    widths: tuple[int, ...] = (32, 64, 128)
    """Filters of each stage of `small`; pictures are halved between stages."""
    dropout: float = 0.1
    """Share of the last features of `small` silenced in training, in [0, 0.99]."""
    classifying: Classifying = Classifying()
    """What is asked of the classifier."""
    fitting: Fitting = Fitting(
        batch_size=128, epochs=4, least_steps=500, learning_rate=3e-3, warmup=0.2, weight_decay=0.05, clip_norm=None
    )
    """How the model is fitted."""

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        check_ranges(self, dropout=SHARE)
        check_numbers("widths", self.widths)
        if not self.widths:
            raise OptionError("--widths is empty; it needs at least one number.")

    def family_and_arguments(self, shape: tuple[int, int, int], classes: int) -> tuple[str, dict[str, Any]]:
        """The network as the model folder names it."""
        channels, height, width = shape
        if self.network == "article":
            if min(height, width) < SMALLEST_FOR_ARTICLE:
                raise OptionError(
                    f"--network article needs pictures of at least {SMALLEST_FOR_ARTICLE} pixels a side; "
                    f"these have {height}x{width}. Use --network small."
                )
            return "cnn-article", {"channels": channels, "classes": classes, "height": height, "width": width}
        if min(height, width) >> (len(self.widths) - 1) < 1:
            raise OptionError(
                f"--widths has {len(self.widths)} stages, which halve pictures of {height}x{width} to nothing; "
                "give fewer."
            )
        return "cnn-small", {
            "channels": channels,
            "classes": classes,
            "widths": list(self.widths),
            "dropout": self.dropout,
        }

    def build(self, setting: Setting) -> Assembly:
        """Measures the training pictures' mean and deviation and makes a network with fresh weights."""
        import torch

        from chainrule.data.opening import open_examples
        from chainrule.data.order import EpochOrder
        from chainrule.data.preprocess import PicturePreprocessor
        from chainrule.inference.pictures import picture_files
        from chainrule.learners.batches import Part, SplitBatches, gather_pictures
        from chainrule.models.folder import ModelConfig, build_model, write_model
        from chainrule.recipes.judging import class_figures
        from chainrule.recipes.supervised import assemble, placed
        from chainrule.runtime.draws import reseed_all
        from chainrule.training.loop import Selection

        dataset = open_examples(setting.dataset, setting.data, kind="pictures")
        train, held_out = dataset.split("train"), dataset.split("validation")
        classes = dataset.classes or ()
        preprocessor = PicturePreprocessor.fit(train)
        family, arguments = self.family_and_arguments(preprocessor.shape, len(classes))
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
        train_part, held_out_part = (
            Part(
                gather=gather_pictures(examples.pictures, preprocessor, device),
                targets=torch.from_numpy(examples.labels()).to(device),
            )
            for examples in (train, held_out)
        )
        batch_size = self.fitting.batch_size
        return assemble(
            setting,
            self.fitting,
            dataset=dataset,
            model=model,
            objective=self.classifying.objective(train, len(classes)),
            batches=SplitBatches(
                train=train_part,
                held_out=held_out_part,
                order=EpochOrder(examples=len(train), batch_size=batch_size, seed=setting.seed),
                evaluation_batch_size=4 * batch_size,
            ),
            judge=class_figures,
            selection=Selection("accuracy", higher_is_better=True),
            save_model=lambda folder: write_model(folder, model, config, picture_files(preprocessor)),
        )

    def judge(self, setting: Setting, model_folder: Path, rows: ScoredFile | None = None) -> "Judgement":
        """Accuracy, beside logistic regression on the pixels."""
        from chainrule.data.taught import Taught
        from chainrule.evaluation.baselines import majority
        from chainrule.evaluation.classification import judge_classification
        from chainrule.evaluation.describe import describer
        from chainrule.evaluation.linear import logistic_regression_pixels
        from chainrule.inference.pictures import load_picture_predictor
        from chainrule.recipes.judging import scored_examples

        predictor = load_picture_predictor(model_folder, setting.compute)
        like = Taught(classes=predictor.classes, picture_shape=predictor.preprocessor.shape)
        scored = scored_examples(setting, rows, like, kind="pictures")
        test = scored.test
        judgement = judge_classification(
            probabilities=predictor.probabilities(test.pictures, len(test)),
            labels=test.labels(),
            classes=predictor.classes,
            baselines=scored.baselines(majority, logistic_regression_pixels),
            describe=describer(test),
        )
        return scored.judged(judgement)
