"""Several runs of a text classifier that differ in the seed alone, beside the baseline on the same test texts.

    python -m benchmarks.seeds runs/a runs/b runs/c

The figure of all is the mean over the runs, and the interval of its lead over the baseline a paired bootstrap over the
test texts: 95 of 100 draws of as many texts fall into it.
"""

import sys
from pathlib import Path

import numpy as np

from chainrule import metrics
from chainrule.data.text_tokens import TextsOf
from chainrule.evaluation.linear import tfidf_logistic_regression
from chainrule.inference.texts import load_text_predictor
from chainrule.recipes.record import compute_of, options_of, recipe_of, setting_of
from chainrule.training.run_folder import RunFolder


def main(folders: list[str]) -> None:
    """Prints the figures of the runs."""
    if not folders:
        sys.exit("no run was named; give the folders of finished runs on one data set.")
    right, baseline, seconds = [], None, []
    for path in map(Path, folders):
        folder = RunFolder(path)
        record = folder.read_record()
        recipe, compute = recipe_of(record), compute_of(record)
        if not hasattr(recipe, "texts"):
            sys.exit(f"{path} is a run of {recipe.name}, which classifies no texts; give runs of sentiment.")
        dataset = recipe.texts.open(setting_of(recipe, options_of(record), compute))
        test = dataset.split("test")
        with compute.active():
            predictor = load_text_predictor(folder.model, compute)
            found = predictor.probabilities_of(predictor.tokens(TextsOf(test)))
        right.append(found.argmax(axis=1) == test.labels())
        seconds.append(folder.read_report()["seconds"])
        if baseline is None:
            outputs = tfidf_logistic_regression(dataset.split("train"), dataset.split("validation"), test).outputs
            baseline = outputs.argmax(axis=1) == test.labels()
            print(f"{dataset.name}, {len(test):,} test texts; TF-IDF with logistic regression {baseline.mean():.4f}")
        print(f"{path}: {right[-1].mean():.4f} after {seconds[-1]:.0f} s of training")
    mean = np.mean(right, axis=0)
    low, high = metrics.mean(mean - baseline).interval()
    deviation = np.std([one.mean() for one in right], ddof=min(1, len(right) - 1))
    print(
        f"mean of {len(right)}: {mean.mean():.4f}, standard deviation {deviation:.4f}, "
        f"{np.mean(seconds):.0f} s; ahead by {(mean - baseline).mean():.4f} [{low:.4f}, {high:.4f}]"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
