"""Which examples of one data set stand in another, too."""

from collections.abc import Iterator, Sequence

import numpy as np

from chainrule.data.dataset import Examples
from chainrule.data.judge import table_contents
from chainrule.data.splits import example_digest, normalise_text

AT_A_TIME = 1024


def count_shared(examples: Examples, others: Examples, columns: Sequence[str] = ()) -> int:
    """How many of the examples stand among the others, by their content and whatever their labels.

    Args:
        examples: all of their digests are kept in memory, so the smaller of the two.
        others: of the same kind.
        columns: of a table: those that are compared.
    """
    own = list(map(example_digest, _contents(examples, columns)))
    wanted = set(own)
    shared = {digest for digest in map(example_digest, _contents(others, columns)) if digest in wanted}
    return sum(digest in shared for digest in own)


def _contents(examples: Examples, columns: Sequence[str]) -> Iterator[bytes]:
    """The canonical bytes of each example, as the rule of the splits takes them."""
    for start in range(0, len(examples), AT_A_TIME):
        places = np.arange(start, min(start + AT_A_TIME, len(examples)))
        match examples.dataset.kind:
            case "text":
                yield from (normalise_text(text).encode("utf-8", "surrogatepass") for text in examples.texts(places))
            case "table":
                features = examples.features(places)
                yield from table_contents({name: features[name] for name in columns})
            case "pictures":
                yield from (picture.tobytes() for picture in examples.pictures(places))
            case "sequences":
                yield from (sequence.astype("<f4").tobytes() for sequence in examples.sequences(places))
