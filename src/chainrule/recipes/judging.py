"""The examples a finished model is scored on, and the figures while it is still learning."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import metrics
from chainrule.data.dataset import Dataset, Examples
from chainrule.data.opening import open_examples
from chainrule.data.overlap import count_shared
from chainrule.data.splits import SPLITS
from chainrule.data.taught import Taught
from chainrule.errors import DataError
from chainrule.evaluation.baselines import Baseline
from chainrule.evaluation.judgement import Judgement
from chainrule.evaluation.wording import one_line
from chainrule.recipes.contract import ScoredFile, Setting

TRAIN = SPLITS.index("train")
SAME = "examples, the same that it learned from"


@dataclass(frozen=True, kw_only=True)
class Scored:
    """The examples a finished model is scored on, and those a baseline may learn from."""

    test: Examples
    learned: tuple[Examples, Examples] | None
    """The training and the validation split; None where the training data are gone."""
    is_file: bool
    """Whether the examples are a file's and not the test split."""
    notes: tuple[str, ...] = ()

    def baselines(
        self,
        plain: Callable[[Examples, Examples], Baseline],
        fitted: Callable[[Examples, Examples, Examples], Baseline],
    ) -> tuple[Baseline, ...]:
        """The baselines; the plain one of the scored examples themselves where there are no others to learn from.

        Args:
            plain: from the training split and the scored examples.
            fitted: from the training split, the validation split and the scored examples.
        """
        if self.learned is None:
            own = plain(self.test, self.test)
            return (replace(own, name=f"{own.name} of the file"),)
        train, validation = self.learned
        return plain(train, self.test), fitted(train, validation, self.test)

    def judged(self, judgement: Judgement, *notes: str) -> Judgement:
        """The judgement, knowing which examples it is of.

        Args:
            judgement: on these examples.
            notes: what else limits its figures.
        """
        data = self.test.dataset.summary()
        known = replace(judgement, data=data, notes=(*self.notes, *notes, *judgement.notes))
        if self.test.dataset.same_splits and not self.is_file:
            return replace(known, unit=SAME, notes=(*self.test.dataset.notes, *known.notes))
        if not self.is_file:
            return known
        return replace(known, unit=f"examples of {one_line(data['name'], 60)}", plots=())


def scored_examples(
    setting: Setting,
    rows: ScoredFile | None,
    like: Taught,
    *,
    narrow: Callable[[Dataset], Dataset] = lambda dataset: dataset,
    **reading: Any,
) -> Scored:
    """The test split, or every example of a file, in the classes of the model.

    Args:
        setting: the run's own.
        rows: the file, or None.
        like: what the model was taught.
        narrow: what the run made of its data set: the part that it learned from and was judged by.
        reading: what `open_examples` is told of the run's data.

    Raises:
        DataError: there are no such examples, or the test split is not that of the data the model learned from.
    """
    if rows is None:
        dataset, reason = _learned_from(setting, like, narrow, reading)
        if reason:
            raise DataError(
                f"{reason}, so the model may have learned from what is now their test split; restore them, "
                "or name other examples with --data."
            )
        return Scored(test=dataset.split("test"), learned=_splits(dataset), is_file=False)
    test = open_examples(None, rows.path, like=like, **{**reading, **rows.columns}).everything()
    try:
        dataset, reason = _learned_from(setting, like, narrow, reading)
        learned = None if reason else _splits(dataset)
    except DataError as error:
        reason, learned = f"the training data are not at hand ({one_line(str(error), 300).rstrip('.')})", None
    if learned is None:
        alone = f"{reason}, so no baseline could learn from them: the one given knows the scored answers alone."
        return Scored(
            test=test,
            learned=None,
            is_file=True,
            notes=(alone[0].upper() + alone[1:], _possibly_seen(test, is_own=setting.data is not None)),
        )
    return Scored(test=test, learned=learned, is_file=True, notes=(_seen(test, learned[0], like),))


def _learned_from(
    setting: Setting, like: Taught, narrow: Callable[[Dataset], Dataset], reading: Mapping[str, Any]
) -> tuple[Dataset, str | None]:
    """The run's data, and why they are not those that the model learned from, None where they are."""
    dataset = narrow(open_examples(setting.dataset, setting.data, **reading))
    if setting.sha256 not in {None, dataset.sha256}:
        return dataset, f"the training data, {dataset.name}, have changed since (their SHA-256 differs)"
    if dataset.classes != like.classes:
        return dataset, f"the training data, {dataset.name}, hold other classes than the model was taught"
    return dataset, None


def _splits(dataset: Dataset) -> tuple[Examples, Examples]:
    return dataset.split("train"), dataset.split("validation")


def _seen(test: Examples, train: Examples, like: Taught) -> str:
    """How many of the scored examples the model has learned from."""
    seen = count_shared(test, train, [name for name, _ in like.columns])
    if not seen:
        return "None of the scored examples stands in the training split."
    return f"{seen:,} of {len(test):,} scored examples stand in the training split, so the model has seen them."


def _possibly_seen(test: Examples, *, is_own: bool) -> str:
    """What can be said of that without the training data: published splits follow no rule."""
    kind, codes = test.dataset.kind, test.dataset.split_codes[test.row_numbers]
    if kind == "text" or (kind == "sequences" and is_own):
        return (
            f"{int((codes == TRAIN).sum()):,} of {len(test):,} scored examples fall into the training split by "
            "their content, so the model may have seen them."
        )
    return "Whether the model has seen the scored examples in training cannot be told without its data."


def class_figures(scores: NDArray[np.float32], labels: NDArray[Any]) -> Mapping[str, float]:
    """Accuracy and macro-F1 from scores before softmax, (examples, classes)."""
    predicted = scores.argmax(axis=1)
    return {
        "accuracy": metrics.accuracy(predicted, labels).value,
        "macro_f1": metrics.macro_f1(predicted, labels, classes=scores.shape[1]).value,
    }


def value_figures(outputs: NDArray[np.float32], targets: NDArray[Any]) -> Mapping[str, float]:
    """R² of a network with one output, (examples, 1)."""
    return {"r2": metrics.r2(outputs[:, 0], targets).value}
