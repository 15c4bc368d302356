"""JSON Lines: one JSON object a line, its keys the columns; a list under a key may be a sequence of steps."""

import functools
import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from chainrule.data.cells import shown
from chainrule.data.encodings import detect_encoding
from chainrule.data.list_columns import FLAT, NESTED, to_sequences
from chainrule.data.records import (
    CHARACTERS,
    FIELD_LIMIT,
    ROWS,
    Batch,
    Records,
    SequenceBatch,
    check_names,
    string_columns,
)
from chainrule.data.text_lines import TextLines
from chainrule.errors import ColumnError, FileFormatError

_decoder = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)  # numbers stay as written
_reckoner = json.JSONDecoder(parse_int=float)
LIST_CHARACTERS = 1 << 20  # a batch of lists ends when it has this many: each number takes some 30 bytes for a while
CONSTANTS = {None: None, True: "true", False: "false"}


def open_json_lines(path: Path) -> Records:
    """The rows of a JSON Lines file; a key that an object lacks is a missing value.

    Raises:
        FileFormatError: the file is in no known encoding, or a line holds no object.
    """
    encoding = detect_encoding(path)
    names, lists = _columns(path, encoding.codec)
    if not names:
        raise FileFormatError(f"{path} holds no JSON object with a key; one object a line was needed.")
    check_names(path, names)
    return Records(
        path=path,
        names=names,
        batches=functools.partial(_batches, path, encoding.codec),
        notes=(f"Read as {encoding.name}.",),
        lists=lists,
        sequences=functools.partial(_sequences, path, encoding.codec),
    )


def _columns(path: Path, codec: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """All keys, and those under which a list stands anywhere."""
    has_list: dict[str, bool] = {}
    for _, row, _ in _objects(path, codec):
        for name, value in row.items():
            has_list[name] = isinstance(value, list) or has_list.get(name, False)
    return tuple(has_list), tuple(name for name, found in has_list.items() if found)


def _objects(path: Path, codec: str, decoder: json.JSONDecoder = _decoder) -> Iterator[tuple[int, dict[str, Any], int]]:
    """Each object: the line it stands in, its content, how many characters that line has."""
    for number, line in enumerate(TextLines(path, codec), 1):
        if not line.isspace():
            yield number, _object(path, number, line, decoder), len(line)


def _object(path: Path, number: int, line: str, decoder: json.JSONDecoder) -> dict[str, Any]:
    try:
        value = decoder.decode(line)
    except json.JSONDecodeError as error:
        array = "(not one array of all) " if line.lstrip().startswith("[") else ""
        raise FileFormatError(
            f"{path}, line {number:,}, character {error.pos + 1:,}: {error.msg}; "
            f"a JSON object a line {array}was needed."
        ) from error
    except RecursionError as error:
        raise FileFormatError(f"{path}, line {number:,}: nested too deeply.") from error
    if not isinstance(value, dict):
        raise FileFormatError(f"{path}, line {number:,}: {shown(line.strip())} was found; a JSON object was needed.")
    return value


def _batches(path: Path, codec: str, wanted: Collection[str]) -> Iterator[Batch]:
    columns: dict[str, list[str | None]] = {name: [] for name in wanted}
    places: list[int] = []
    size = 0
    for number, row, characters in _objects(path, codec):
        for name, cells in columns.items():
            cells.append(_cell(path, number, name, row.get(name)))
        places.append(number)
        size += characters
        if len(places) == ROWS or size > CHARACTERS:
            yield string_columns(path, columns, places)
            columns, places, size = {name: [] for name in wanted}, [], 0
    if places:
        yield string_columns(path, columns, places)


def _cell(path: Path, number: int, name: str, value: Any) -> str | None:
    if isinstance(value, str):
        if len(value) > FIELD_LIMIT:
            raise FileFormatError(
                f"{path}, line {number:,}, column {name!r}: more than {FIELD_LIMIT:,} characters stand there."
            )
        return value
    if isinstance(value, (list, dict)):
        raise FileFormatError(
            f"{path}, line {number:,}, column {name!r}: a nested value was found; "
            "text, a number, true, false or null was needed."
        )
    return CONSTANTS[value]


def _sequences(path: Path, codec: str, name: str) -> Iterator[SequenceBatch]:
    def where(number: int) -> str:
        return f"{path}, line {number:,}, column {name!r}"

    def columns() -> Iterator[tuple[pa.Array, list[int]]]:
        kind: pa.DataType | None = None
        for rows, places in _lists(path, codec, name):
            if kind is None:
                kind = _kind(rows)
            try:
                yield pa.array(rows, kind), places
            except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
                row, step, sentence = _wrong(rows, kind)
                at = f", step {step:,}" if step else ""
                raise ColumnError(f"{where(places[row])}{at}: {sentence}") from error

    return to_sequences(where, columns())


def _lists(path: Path, codec: str, name: str) -> Iterator[tuple[list[Any], list[int]]]:
    """What stands under one key, numbers as floats, and in which lines."""
    rows: list[Any] = []
    places: list[int] = []
    size = 0
    for number, row, characters in _objects(path, codec, _reckoner):
        rows.append(row.get(name))
        places.append(number)
        size += characters
        if len(places) == ROWS or size > LIST_CHARACTERS:
            yield rows, places
            rows, places, size = [], [], 0
    if places:
        yield rows, places


def _kind(rows: list[Any]) -> pa.DataType:
    """Whether a step is a list of numbers or a number: as the first step is."""
    first = next((row[0] for row in rows if isinstance(row, list) and row), None)
    return NESTED if isinstance(first, list) else FLAT


def _wrong(rows: list[Any], kind: pa.DataType) -> tuple[int, int, str]:
    """The first value that does not fit: its row, its step (0 for the row itself) and a sentence."""
    for place, row in enumerate(rows):
        if row is not None and not isinstance(row, list):
            return place, 0, f"{_called(row)} was found; a list of steps was needed."
        for number, step in enumerate(row or (), 1):
            if kind == FLAT and not _is_number(step):
                return place, number, f"{_called(step)} was found; a number was needed."
            if kind == NESTED and step is not None and not isinstance(step, list):
                return place, number, f"{_called(step)} was found; a list of numbers was needed."
            if kind == NESTED and (wrong := [value for value in step or () if not _is_number(value)]):
                return place, number, f"{_called(wrong[0])} was found; a number was needed."
    raise AssertionError("all of it is lists of numbers")


def _is_number(value: Any) -> bool:
    return value is None or isinstance(value, (float, bool))  # what is missing is refused where all values are known


def _called(value: Any) -> str:
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "an object"
    return shown(value) if isinstance(value, str) else repr(value)
