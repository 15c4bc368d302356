"""Judging predictions of numbers."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from chainrule import metrics
from chainrule.errors import DataError, NotFiniteError
from chainrule.evaluation import plots
from chainrule.evaluation.baselines import Baseline, scores
from chainrule.evaluation.judgement import Judgement, Mistake, Plot

MISTAKES = 20


def judge_regression(
    *,
    predictions: Float[np.ndarray, " examples"],
    targets: Float[np.ndarray, " examples"],
    target: str,
    baselines: Sequence[Baseline],
    describe: Callable[[int], str],
    seed: int = 0,
) -> Judgement:
    """Judges by R²; mean absolute and root mean squared error and the worst mistakes stand beside it.

    Args:
        predictions: in the target's unit.
        targets: the true values.
        target: the target's name, for the plot.
        baselines: what plain methods say of the same examples; of several with one name, one counts.
        describe: from an example's index to a line of text.
        seed: of the bootstrap.

    Raises:
        NotFiniteError: a prediction is infinite or not a number.
        DataError: predictions and targets do not fit each other, a target is not finite, or there is no example.
    """
    r2 = _r2(targets, predictions)
    flat = bool((targets == targets[0]).all())
    return Judgement(
        metric="r2",
        higher_is_better=True,
        limits=(-np.inf, 1),
        value=r2.value,
        interval=r2.interval(seed=seed),
        examples=len(targets),
        baselines=scores(
            baselines,
            r2,
            statistic=partial(_r2, targets),
            figures=lambda outputs: regression_figures(outputs, targets),
            seed=seed,
        ),
        figures=regression_figures(predictions, targets),
        mistakes=_worst(predictions, targets, describe),
        plots=(Plot("residuals.png", partial(plots.draw_residuals, predictions, targets, target)),),
        notes=(
            ("All targets are equal, so R² is not defined; 0 stands for it, or 1 without any error.",) if flat else ()
        ),
    )


def regression_figures(
    predictions: Float[np.ndarray, " examples"], targets: Float[np.ndarray, " examples"]
) -> dict[str, float]:
    """Every figure of predicted numbers, by name; errors are in the target's unit."""
    return {
        "r2": metrics.r2(predictions, targets).value,
        "mean_absolute_error": metrics.mae(predictions, targets).value,
        "root_mean_squared_error": metrics.rmse(predictions, targets).value,
    }


def _check(predictions: NDArray[np.floating], targets: NDArray[np.floating]) -> None:
    if predictions.ndim != 1 or predictions.shape != targets.shape or not predictions.size:
        raise DataError(
            f"predictions of shape {predictions.shape} do not fit targets of shape {targets.shape}; "
            "give one number an example each, and at least one example."
        )
    if not np.isfinite(targets).all():
        raise DataError(f"the target of example {np.argmin(np.isfinite(targets))} is not finite; leave its row out.")
    finite = np.isfinite(predictions)
    if not finite.all():
        raise NotFiniteError(
            f"the predictions of {np.sum(~finite)} of {len(targets)} examples are not finite, the first of them "
            f"example {np.argmin(finite)}; train again with a lower learning rate."
        )


def _r2(targets: NDArray[np.float64], predictions: NDArray[np.floating]) -> metrics.Statistic:
    """R² of checked predictions."""
    _check(predictions, targets)
    return metrics.r2(predictions, targets)


def _worst(
    predictions: NDArray[np.floating], targets: NDArray[np.floating], describe: Callable[[int], str]
) -> tuple[Mistake, ...]:
    """The predictions furthest from the truth."""
    errors = np.abs(predictions.astype(np.float64) - targets)
    return tuple(
        Mistake(
            index=int(index),
            input=describe(int(index)),
            truth=float(targets[index]),
            predicted=float(predictions[index]),
        )
        for index in np.argsort(-errors, kind="stable")[:MISTAKES]
    )
