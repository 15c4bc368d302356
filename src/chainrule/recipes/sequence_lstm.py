"""`sequence-lstm`: a bidirectional LSTM that classifies sequences of vectors."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from chainrule.evaluation.band import Band
from chainrule.recipes.contract import Assembly, ScoredFile, Setting
from chainrule.recipes.supervised import AT_LEAST_0, COUNT, SHARE, Classifying, Fitting, check_ranges

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from chainrule.data.dataset import Examples
    from chainrule.evaluation.judgement import Judgement


MACHINE = "1 core of an AMD EPYC (Zen 4), bf16, other work beside it"

EXPECTED = (
    Band(
        setting={"dataset": "japanese-vowels"},
        metric="accuracy",
        mean=0.9778,
        standard_deviation=0.0059,
        seeds=5,
        machine=MACHINE,
        seconds=3,
        command="chainrule train sequence-lstm --seed SEED",
        baseline=("logistic regression", 0.9865),
    ),
)


@dataclass(frozen=True, kw_only=True)
class SequenceLstm:
    """An LSTM over sequences of vectors."""

    name: ClassVar[str] = "sequence-lstm"
    summary: ClassVar[str] = "LSTM over sequences of vectors"
    dataset: ClassVar[str] = "japanese-vowels"
    expected: ClassVar[tuple[Band, ...]] = EXPECTED

    sequence_column: str | None = None
    """Column of an own file that holds the sequences, lists of steps; guessed where it is plain."""
    label_column: str | None = None
    """Column of an own file that holds the labels; guessed where it is plain."""
    hidden_size: int = 64
    """Units of the LSTM in each direction, ≥ 1."""
    noise: float = 0.3
    """Standard deviation of what is added to each standardised value in training, ≥ 0."""
    dropout: float = 0.3
    """Share of the features silenced in training, in [0, 0.99]."""
    classifying: Classifying = Classifying(label_smoothing=0.1)
    """What is asked of the classifier."""
    fitting: Fitting = Fitting(batch_size=32, epochs=60, learning_rate=5e-3, decay="cosine")
    """How the model is fitted."""

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        check_ranges(self, hidden_size=COUNT, noise=AT_LEAST_0, dropout=SHARE)

    @property
    def reading(self) -> dict[str, Any]:
        """What `open_examples` is told of the data."""
        return {
            "kind": "sequences",
            "sequence_column": self.sequence_column,
            "label_column": self.label_column,
        }

    def build(self, setting: Setting) -> Assembly:
        """Standardises the values by the training split and makes a model with fresh weights."""
        import torch

        from chainrule.data.opening import open_examples
        from chainrule.data.order import EpochOrder
        from chainrule.data.sequence_store import SequencePreprocessor, SequenceStore
        from chainrule.inference.sequences import PREPROCESSING
        from chainrule.learners.batches import Part, SplitBatches, gather_sequences
        from chainrule.models.folder import ModelConfig, build_model, write_model
        from chainrule.recipes.judging import class_figures
        from chainrule.recipes.supervised import assemble, placed
        from chainrule.runtime.draws import reseed_all
        from chainrule.training.loop import Selection

        dataset = open_examples(setting.dataset, setting.data, **self.reading)
        train, held_out = dataset.split("train"), dataset.split("validation")
        classes = dataset.classes or ()
        preprocessor = SequencePreprocessor.fit(train)
        config = ModelConfig(
            family="lstm-sequence-classifier",
            arguments={
                "input_size": preprocessor.width,
                "hidden_size": self.hidden_size,
                "classes": len(classes),
                "noise": self.noise,
                "dropout": self.dropout,
            },
            task="sequence-classification",
            recipe=self.name,
            classes=classes,
        )
        device = torch.device(setting.compute.device)
        reseed_all(setting.seed, "weights")
        model = placed(setting, build_model(config))
        parts = []
        for examples in (train, held_out):
            store = SequenceStore.of(examples.sequences(), preprocessor)
            labels = torch.from_numpy(examples.labels()).to(device)
            parts.append(Part(gather=gather_sequences(store, device), targets=labels, lengths=store.lengths))
        return assemble(
            setting,
            self.fitting,
            dataset=dataset,
            model=model,
            objective=self.classifying.objective(train, len(classes)),
            batches=SplitBatches(
                train=parts[0],
                held_out=parts[1],
                order=EpochOrder(
                    examples=len(train),
                    batch_size=self.fitting.batch_size,
                    seed=setting.seed,
                    lengths=parts[0].lengths,
                ),
                evaluation_batch_size=4 * self.fitting.batch_size,
            ),
            judge=class_figures,
            selection=Selection("loss", higher_is_better=False),
            save_model=lambda folder: write_model(folder, model, config, {PREPROCESSING: preprocessor.to_json()}),
        )

    def judge(self, setting: Setting, model_folder: Path, rows: ScoredFile | None = None) -> "Judgement":
        """Accuracy, beside logistic regression on each value's mean, spread, lowest, highest, first and last."""
        from functools import partial

        import numpy as np

        from chainrule.data.taught import Taught
        from chainrule.evaluation.baselines import majority
        from chainrule.evaluation.classification import judge_classification
        from chainrule.evaluation.describe import describer
        from chainrule.evaluation.linear import logistic_regression
        from chainrule.inference.sequences import load_sequence_predictor
        from chainrule.recipes.judging import scored_examples

        predictor = load_sequence_predictor(model_folder, setting.compute)
        scored = scored_examples(setting, rows, Taught(classes=predictor.classes), **self.reading)
        test = scored.test

        def features(examples: "Examples") -> "NDArray[np.float32]":
            scaled = [predictor.preprocessor.transform(sequence) for sequence in examples.sequences()]
            return np.stack(
                [np.concatenate([x.mean(0), x.std(0), x.min(0), x.max(0), x[0], x[-1], [len(x) / 10]]) for x in scaled]
            ).astype(np.float32)

        judgement = judge_classification(
            probabilities=predictor.probabilities(test.sequences()),
            labels=test.labels(),
            classes=predictor.classes,
            baselines=scored.baselines(majority, partial(logistic_regression, features=features)),
            describe=describer(test),
        )
        return scored.judged(judgement)
