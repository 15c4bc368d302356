"""The data sets that go by a name: looking one up, and opening it.

A data set is converted once into a memory-mapped file in the cache; opening it again only maps the file.
"""

import hashlib
from typing import TYPE_CHECKING

from chainrule.data.entries import ENTRIES
from chainrule.data.entry import Entry
from chainrule.errors import UnknownNameError
from chainrule.runtime import cache, progress

if TYPE_CHECKING:
    from chainrule.data.dataset import Dataset

VERSION = 1  # of the conversion: another number, and every data set is converted anew


def names() -> tuple[str, ...]:
    """The names of all data sets."""
    return tuple(entry.name for entry in ENTRIES)


def describe(name: str) -> Entry:
    """What is known about a data set without fetching it.

    Raises:
        UnknownNameError: there is no such data set.
    """
    for entry in ENTRIES:
        if entry.name == name:
            return entry
    raise UnknownNameError("data set", name, names())


def key(entry: Entry) -> str:
    """Under what name its converted form stands in the cache."""
    return f"{entry.name}-{hashlib.sha256(f'{VERSION} {entry.sha256}'.encode()).hexdigest()[:12]}"


def is_cached(entry: Entry) -> bool:
    """Whether its converted form stands in the cache, as far as can be told without opening it."""
    return (cache.folder() / "datasets" / key(entry)).is_dir()


def open_dataset(name: str) -> "Dataset":
    """Opens a data set, which is fetched and converted the first time.

    Raises:
        UnknownNameError: there is no such data set.
        OriginError: it could be had from nowhere.
    """
    from chainrule.data import store

    entry = describe(name)
    if dataset := store.open_dataset(key(entry)):
        return dataset
    progress.say(f"preparing the data set {name}, once")
    _convert(entry)
    dataset = store.open_dataset(key(entry))
    assert dataset is not None, "it was just written"  # noqa: S101
    return dataset


def _convert(entry: Entry) -> None:
    if entry.kind == "text":
        from chainrule.data.review_sets import convert
    elif entry.kind == "pictures":
        from chainrule.data.picture_sets import convert
    elif entry.kind == "sequences":
        from chainrule.data.sequence_sets import convert
    else:
        from chainrule.data.table_sets import convert
    convert(entry, key(entry))
