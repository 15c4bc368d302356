"""Every classic deep-learning system as software that works.

    report = chainrule.train("sentiment", seed=1)
    chainrule.load(report["run"]).predict(["这本书很有趣"])

Nothing heavy is imported before the first of these functions is used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainrule.api import (
        compare_gradients,
        curves,
        datasets,
        doctor,
        evaluate,
        load,
        predict,
        resume,
        runs,
        show_dataset,
        train,
    )
    from chainrule.api import recipes as list_recipes
    from chainrule.estimators import (
        ImageClassifier,
        MLPClassifier,
        MLPRegressor,
        SequenceClassifier,
        TextClassifier,
    )

    __version__: str

__all__ = [
    "ImageClassifier",
    "MLPClassifier",
    "MLPRegressor",
    "SequenceClassifier",
    "TextClassifier",
    "__version__",
    "compare_gradients",
    "curves",
    "datasets",
    "doctor",
    "evaluate",
    "list_recipes",
    "load",
    "predict",
    "resume",
    "runs",
    "show_dataset",
    "train",
]

_ESTIMATORS = ("ImageClassifier", "MLPClassifier", "MLPRegressor", "SequenceClassifier", "TextClassifier")


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("chainrule")
    elif name in _ESTIMATORS:
        from chainrule import estimators

        value = getattr(estimators, name)
    else:
        from chainrule import api

        # `chainrule.recipes` is the package in which the recipes are.
        value = getattr(api, "recipes" if name == "list_recipes" else name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
