"""What is told about data sets: plain values that can be printed or written as JSON."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from chainrule.data import catalog
from chainrule.data.entries import ENTRIES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from chainrule.data.dataset import Dataset, Examples

EXAMPLES = 5
TEXT_LENGTH = 80  # characters of a text that are shown
PICTURE_WIDTH = 32  # characters across a picture
SHADES = " .:-=+*#%@"


def list_data_sets() -> list[dict[str, Any]]:
    """All data sets that go by a name, without fetching any."""
    return [
        {
            "name": entry.name,
            "kind": entry.kind,
            "description": entry.summary,
            "licence": entry.licence,
            "source": entry.source,
            "cached": catalog.is_cached(entry),
        }
        for entry in ENTRIES
    ]


def show(name: str) -> dict[str, Any]:
    """Everything about one data set that goes by a name, which is fetched where it is not in the cache."""
    return {"description": catalog.describe(name).summary, **summarise(catalog.open_dataset(name))}


def summarise(dataset: "Dataset") -> dict[str, Any]:
    """Everything about an open data set: its summary, then classes or targets, columns and a few examples."""
    training = dataset.split("train")
    return {
        **dataset.summary(),
        "columns": {field.name: str(field.type) for field in dataset.rows.schema},
        "class_counts": _class_counts(dataset),
        "target": _target(dataset),
        "examples": list(_examples(training.limited_to(EXAMPLES))),
    }


def _class_counts(dataset: "Dataset") -> dict[str, dict[str, int]] | None:
    """How many examples each class has, by split."""
    if dataset.classes is None:
        return None
    import numpy as np

    from chainrule.data.dataset import LABEL
    from chainrule.data.splits import SPLITS

    labels = dataset.rows.column(LABEL).fill_null(-1).to_numpy()
    counts = [
        np.bincount(labels[dataset.split_codes == code], minlength=len(dataset.classes)) for code in range(len(SPLITS))
    ]
    return {
        name: {split: int(of_split[index]) for split, of_split in zip(SPLITS, counts, strict=True)}
        for index, name in enumerate(dataset.classes)
    }


def _target(dataset: "Dataset") -> dict[str, float] | None:
    """Least, median and greatest value to predict, of the training examples."""
    if dataset.classes is not None:
        return None
    import numpy as np

    low, middle, high = np.quantile(dataset.split("train").targets(), [0, 0.5, 1]).tolist()
    return {"least": low, "median": middle, "greatest": high}


def _examples(chosen: "Examples") -> Iterator[dict[str, Any]]:
    dataset = chosen.dataset
    if dataset.classes is not None:
        answers = [{"label": dataset.classes[label]} for label in chosen.labels()]
    else:
        answers = [{"target": value} for value in chosen.targets().tolist()]
    for answer, content in zip(answers, _contents(chosen), strict=True):
        yield {**answer, **content}


def _contents(chosen: "Examples") -> Iterator[dict[str, Any]]:
    kind = chosen.dataset.kind
    if kind == "text":
        yield from ({"text": _shortened(text)} for text in chosen.texts())
    elif kind == "pictures":
        yield from ({"picture": _drawn(pixels)} for pixels in chosen.pictures())
    elif kind == "sequences":
        for sequence in chosen.sequences():
            yield {"steps": len(sequence), "first_step": sequence[0].tolist()}
    else:
        columns = {name: values.to_pylist() for name, values in chosen.features().items()}
        yield from (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))


def _shortened(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= TEXT_LENGTH else plain[: TEXT_LENGTH - 1] + "…"


def _drawn(pixels: "NDArray[np.uint8]") -> list[str]:
    """A picture (channels, height, width) in lines of characters, the bright ones dense.

    A line stands for two rows, as a character is twice as high as wide. Of a picture that is too wide only
    some pixels, evenly chosen, are shown.
    """
    import numpy as np

    height, width = pixels.shape[1:]
    step = max(1.0, width / PICTURE_WIDTH)
    down = np.arange(0, height, 2 * step).astype(int)
    across = np.arange(0, width, step).astype(int)
    grey = pixels.mean(0)[down][:, across]
    return ["".join(SHADES[int(value * len(SHADES) / 256)] for value in row) for row in grey]
