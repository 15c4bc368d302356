"""`mlp-regression` on bike sharing beside scikit-learn's own multilayer perceptron and its gradient-boosted trees."""

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import fmean

from sklearn.base import RegressorMixin
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import r2_score
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import StandardScaler

import chainrule
from benchmarks.turns import in_turns, print_table
from chainrule.data.catalog import open_dataset
from chainrule.data.preprocess import TablePreprocessor

DATASET = "bike-sharing"
SEEDS = (0, 1, 2)


def main() -> None:
    """Prints R² on the test split, mean of three seeds, and the time of a training."""
    dataset = open_dataset(DATASET)
    train, test = dataset.split("train"), dataset.split("test")
    preprocessor = TablePreprocessor.fit(train)
    rows, unseen = (preprocessor.transform(part.features()) for part in (train, test))
    scores: dict[str, list[float]] = {}
    training: list[float] = []

    def peer(name: str, make: Callable[[int], RegressorMixin]) -> Callable[[int], None]:
        def fit(seed: int) -> None:
            # A neural network wants its target at scale 1, theirs like ours.
            model = TransformedTargetRegressor(make(seed), transformer=StandardScaler())
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                model.fit(rows, train.targets())
            scores.setdefault(name, []).append(float(r2_score(test.targets(), model.predict(unseen))))

        return fit

    def ours(seed: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            report = chainrule.train("mlp-regression", dataset=DATASET, seed=seed, output=Path(folder) / "run")
        scores.setdefault("chainrule mlp-regression", []).append(report["value"])
        training.append(report["seconds"])

    contestants = {
        "chainrule mlp-regression": ours,
        "MLPRegressor()": peer("MLPRegressor()", lambda seed: MLPRegressor(random_state=seed)),
        "MLPRegressor, our sizes": peer(
            "MLPRegressor, our sizes", lambda seed: MLPRegressor(hidden_layer_sizes=(256, 256), random_state=seed)
        ),
        "HistGradientBoosting": peer(
            "HistGradientBoosting", lambda seed: HistGradientBoostingRegressor(random_state=seed)
        ),
    }
    order = {name: iter((SEEDS[0], *SEEDS)) for name in contestants}  # the first round only warms up
    works = {name: (lambda name=name, work=work: work(next(order[name]))) for name, work in contestants.items()}
    print(f"\n{DATASET}: {len(train):,} rows to learn from; ours: the whole command, baselines and report included")
    print_table(in_turns(works, rounds=len(SEEDS)))
    print(f"ours, the training alone, as the others' fit: {fmean(training[1:]):.2f} s")
    for name, found in scores.items():
        print(f"{name:<26} R² {fmean(found[1:]):.4f} on {len(test):,} rows, {len(SEEDS)} seeds")


if __name__ == "__main__":
    main()
