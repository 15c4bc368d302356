"""A run of every recipe that takes a second and still has checkpoints, evaluations and a best one."""

import csv
from pathlib import Path
from typing import Any

import numpy as np

COMMON = {"threads": 1, "log_every": 3, "checkpoint_every": 4, "evaluate_every": 5, "seed": 7}

VECTORS = {"steps": 13, "environments": 3, "rollout": 17, "hidden_sizes": (11,)}
SMALL_MAZES = {
    "steps": 13,
    "rows": 4,
    "columns": 5,
    "mazes": 101,
    "environments": 3,
    "agents": 7,
    "rollout": 5,
    "hidden_sizes": (11,),
}


def reviews(path: Path) -> Path:
    """Six hundred texts of two kinds, distinct and in Chinese and English."""
    draw = np.random.default_rng(0)
    words = {
        "good": ["很好", "喜欢", "不错", "great", "lovely", "推荐"],
        "bad": ["很差", "失望", "难吃", "awful", "broken", "退货"],
        "": ["酒店", "电影", "房间", "服务", "price", "the", "书", "手机", "服务员", "味道"],
    }
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["review", "label"])
        for number in range(600):
            label = "good" if number % 2 else "bad"
            text = [*draw.choice(words[label], 2), *draw.choice(words[""], 4), str(number)]
            writer.writerow(["，".join(draw.permutation(text)), label])
    return path


def recipe_in(name: str) -> str:
    """The recipe of a small run, by the run's name."""
    return name.partition(",")[0]


def small_runs(folder: Path) -> dict[str, dict[str, Any]]:
    """Recipe → settings; own files are written to `folder`.

    A recipe that learns in more than one way stands there more than once, with the way after a comma; see `recipe_in`.
    """
    of_texts = {**COMMON, "data": reviews(folder / "reviews.csv"), "steps": 13, "runs": 50, "batch_size": 32}
    return {
        "sentiment": {**of_texts, "hidden_size": 8, "embedding_size": 8},
        "attention-text": {**of_texts, "size": 8, "heads": 2},
        "attention-text, additive": {**of_texts, "size": 8, "hidden_size": 4, "attention": "additive"},
        "transformer-text": {**of_texts, "size": 8, "heads": 2, "inner_size": 12, "pooling": "first"},
        "bert-classify": {
            **{name: value for name, value in of_texts.items() if name != "runs"},
            "from_": "nothing",
            "layers": 2,
            "hidden_size": 8,
            "heads": 2,
            "vocabulary_size": 100,
        },
        "mlp-classification": {**COMMON, "dataset": "breast-cancer", "steps": 13, "hidden_sizes": (16,)},
        "backprop-classifier": {**COMMON, "dataset": "two-moons", "steps": 13, "hidden_sizes": (16,)},
        "backprop-regression": {**COMMON, "dataset": "diabetes", "steps": 13, "hidden_sizes": (16,)},
        "sequence-lstm": {**COMMON, "dataset": "japanese-vowels", "steps": 13, "hidden_size": 8},
        "mlp-regression": {**COMMON, "dataset": "diabetes", "steps": 13, "hidden_sizes": (16,)},
        "gan": {
            **COMMON,
            "dataset": "digits",
            "steps": 13,
            "widths": (8, 4),
            "group_size": 4,
            "latent_size": 5,
            "batch_size": 32,
        },
        "q-learning": {**COMMON, "environment": "FrozenLake-v1", "steps": 13, "environments": 53},
        "q-learning, stepped": {
            **COMMON,
            "environment": "Taxi-v4",
            "steps": 13,
            "environments": 3,
            "through": "environment",
            "method": "sarsa",
        },
        "maze-dqn": {**COMMON, **SMALL_MAZES},
        "maze-dqn, replay": {
            **COMMON,
            **SMALL_MAZES,
            "algorithm": "dqn",
            "replay": 1000,
            "n_steps": 3,
            "prioritised": 0.6,
            "dueling": True,
        },
        "maze-dqn, at once": {**COMMON, **VECTORS, "environment": "CartPole-v1"},
        "maze-dqn, alone": {**COMMON, **VECTORS, "environment": "MountainCar-v0", "algorithm": "dqn", "replay": 1000},
        "image-cnn": {**COMMON, "dataset": "digits", "steps": 13, "widths": (4, 8), "batch_size": 64},
        "image-cnn, fast": {
            **COMMON,
            "dataset": "digits",
            "steps": 13,
            "network": "fast",
            "widths": (4, 8),
            "batch_size": 64,
            "flip": "always",
            "shift": 0.2,
            "views": 2,
            "lookahead": True,
        },
        "gan, conditional": {
            **COMMON,
            "dataset": "digits",
            "steps": 13,
            "widths": (8, 4),
            "group_size": 4,
            "latent_size": 5,
            "batch_size": 32,
            "conditional": True,
            "discriminator_updates": 2,
        },
    }
