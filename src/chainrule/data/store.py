"""Converted data sets in the cache: Arrow files that are written once, in a stream, and mapped ever after.

A folder a data set, `datasets/<key>/`, there whole or not at all:

    rows.arrow      the rows, in the order of the origin
    splits.arrow    one code a row
    dataset.json    all else that `Dataset` holds
"""

import contextlib
import json
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from chainrule.data.dataset import Dataset, Kind
from chainrule.runtime import cache, files
from chainrule.runtime.locks import locked_folder

ROWS, SPLIT_CODES, FACTS = "rows.arrow", "splits.arrow", "dataset.json"
STALE_SECONDS = 86400.0  # a conversion that stands half-written for a day was killed


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a `Dataset` holds beside its rows and split codes; its fields are explained there."""

    name: str
    kind: Kind
    sha256: str
    classes: tuple[str, ...] | None = None
    picture_shape: tuple[int, int, int] | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)
    unreadable: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    licence: str = "not stated"
    source: str = ""
    same_splits: bool = False


class _AlreadyThereError(Exception):
    """Another process has stored the same data set meanwhile."""


class Writer:
    """Takes the rows of one data set in batches, then once the rest."""

    def __init__(self, stream: pa.ipc.RecordBatchFileWriter) -> None:
        self._stream = stream
        self.row_count = 0
        self.split_codes: NDArray[np.uint8] | None = None
        self.facts: Facts | None = None

    def add(self, batch: pa.RecordBatch) -> None:
        """Appends rows. A dictionary column may grow from batch to batch, but not change what it held."""
        self._stream.write_batch(batch)
        self.row_count += len(batch)

    def finish(self, split_codes: NDArray[np.uint8], facts: Facts) -> None:
        """Says in which split each row is, and all else about the data set."""
        if len(split_codes) != self.row_count:
            raise ValueError(f"{len(split_codes)} split codes were given for {self.row_count} rows")
        self.split_codes, self.facts = split_codes, facts


@contextlib.contextmanager
def writing(key: str, schema: pa.Schema) -> Iterator[Writer]:
    """Writes the data set `key`: `add` batches of `schema` to what is yielded, then `finish` it.

    Memory holds one batch at a time. Where the block fails, nothing is left behind; where another process
    wrote the same key meanwhile, its result stays.

    Args:
        key: a file name that says all the rows depend on, such as a hash of the origin's files.
        schema: the columns as `Dataset` describes them for the kind of data.
    """
    parent = cache.made("datasets")
    _remove_stale(parent)
    with (
        contextlib.suppress(_AlreadyThereError),
        contextlib.ExitStack() as held,
        files.atomic_folder(parent / key) as folder,
    ):
        with _arrow_file(folder / ROWS, schema) as stream:
            writer = Writer(stream)
            yield writer
        if writer.split_codes is None or writer.facts is None:
            raise ValueError(f"the data set {key!r} was not finished")
        codes = pa.record_batch({"split": pa.array(writer.split_codes, pa.uint8())})
        with _arrow_file(folder / SPLIT_CODES, codes.schema) as stream:
            stream.write_batch(codes)
        sizes = {name: (folder / name).stat().st_size for name in (ROWS, SPLIT_CODES)}
        files.write_json(folder / FACTS, {"facts": asdict(writer.facts), "sizes": sizes})
        held.enter_context(locked_folder(parent, f"stores {key}"))
        if open_dataset(key):
            raise _AlreadyThereError


@contextlib.contextmanager
def _arrow_file(path: Path, schema: pa.Schema) -> Iterator[pa.ipc.RecordBatchFileWriter]:
    options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema, options=options) as stream:
        yield stream


def open_dataset(key: str) -> Dataset | None:
    """The data set that was written as `key`, mapped and not read; None where there is no whole one."""
    folder = cache.folder() / "datasets" / key
    try:
        record = json.loads((folder / FACTS).read_text("utf-8"))
        if any((folder / name).stat().st_size != size for name, size in record["sizes"].items()):
            return None
        rows = _mapped(folder / ROWS)
        codes = _mapped(folder / SPLIT_CODES).column("split").combine_chunks()
    except (OSError, ValueError, KeyError):  # pa.ArrowInvalid is a ValueError
        return None
    return Dataset(rows=rows, split_codes=codes.to_numpy(), **_restored(record["facts"]))


def _mapped(path: Path) -> pa.Table:
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all()


def _restored(facts: dict[str, Any]) -> dict[str, Any]:
    """Tuples are lists in JSON."""
    tuples = {"classes", "picture_shape", "unreadable", "notes"}
    return {name: tuple(v) if name in tuples and v is not None else v for name, v in facts.items()}


def _remove_stale(parent: Path) -> None:
    for path in parent.glob(f"{files.PARTIAL}*"):
        with contextlib.suppress(OSError):  # another process was quicker
            newest = max(inner.stat().st_mtime for inner in (path, *path.iterdir()))
            if time.time() - newest > STALE_SECONDS:
                shutil.rmtree(path)
