"""A classifier that learns from few pictures, with and without those that a conditional GAN makes of the same few.

python augmentation.py --dataset fashion-mnist --of-each 50 --made 200 --output runs/augmentation
"""

import argparse
import json
from pathlib import Path

import numpy as np

import chainrule
from chainrule.data.opening import open_examples


def few_of_each(examples, count):
    """Pictures and labels of the first `count` examples of each class."""
    labels = examples.labels()
    places = np.sort(np.concatenate([np.flatnonzero(labels == label)[:count] for label in np.unique(labels)]))
    return examples.pictures(places), labels[places]


def save(path, names, **splits):
    """Pictures (examples, channels, height, width) and labels of each split, as a file that chainrule trains on."""
    arrays = {}
    for split, (pictures, labels) in splits.items():
        arrays[f"x_{split}"] = pictures.transpose(0, 2, 3, 1)
        arrays[f"y_{split}"] = np.array(names)[labels]
    np.savez(path, **arrays)


def made(run, names, shape, count):
    """`count` pictures of each class from a conditional generator, and their labels."""
    channels, height, width = shape
    answers = chainrule.load(run).predict([f"{name}:{seed}" for name in names for seed in range(count)])
    pixels = np.array([answer["pixels"] for answer in answers], np.uint8).reshape(-1, height, width, channels)
    return pixels.transpose(0, 3, 1, 2), np.repeat(np.arange(len(names)), count)


def compare(dataset, output, *, of_each, count, seed, gan, cnn):
    """Trains both classifiers and returns their test accuracies with their intervals.

    Both choose their weights on the same real validation pictures, half as many as they learn from.
    """
    examples = open_examples(dataset, None, kind="pictures")
    names, test = examples.classes, examples.split("test")
    pictures, labels = few_of_each(examples.split("train"), of_each)
    kept = {
        "validation": few_of_each(examples.split("validation"), max(1, of_each // 2)),
        "test": (test.pictures(), test.labels()),
    }
    output.mkdir(parents=True)
    save(output / "few.npz", names, train=(pictures, labels), **kept)
    chainrule.train("gan", data=output / "few.npz", conditional=True, output=output / "gan", seed=seed, **gan)
    more, more_labels = made(output / "gan", names, examples.picture_shape, count)
    both = np.concatenate([pictures, more]), np.concatenate([labels, more_labels])
    save(output / "more.npz", names, train=both, **kept)
    result = {}
    for name in ("few", "more"):
        report = chainrule.train("image-cnn", data=output / f"{name}.npz", output=output / name, seed=seed, **cnn)
        result[name] = {"accuracy": report["value"], "interval": report["interval"]}
    return result


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="fashion-mnist")
    parser.add_argument("--of-each", type=int, default=50, help="real pictures of each class")
    parser.add_argument("--made", type=int, default=200, help="made pictures of each class")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--gan-steps", type=int, default=3000)
    parser.add_argument("--cnn-steps", type=int, default=1000)
    given = parser.parse_args()
    found = compare(
        given.dataset,
        given.output,
        of_each=given.of_each,
        count=given.made,
        seed=given.seed,
        gan={"steps": given.gan_steps},
        cnn={"steps": given.cnn_steps},
    )
    print(json.dumps(found, indent=2))
