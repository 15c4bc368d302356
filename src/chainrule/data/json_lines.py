"""JSON Lines: one JSON object a line, its keys the columns."""

import functools
import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from chainrule.data.cells import shown
from chainrule.data.encodings import detect_encoding
from chainrule.data.records import (
    CHARACTERS,
    FIELD_LIMIT,
    ROWS,
    Batch,
    Records,
    check_names,
    string_columns,
)
from chainrule.data.text_lines import TextLines
from chainrule.errors import FileFormatError

_decoder = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)  # numbers stay as written
CONSTANTS = {None: None, True: "true", False: "false"}


def open_json_lines(path: Path) -> Records:
    """The rows of a JSON Lines file; a key that an object lacks is a missing value.

    Raises:
        FileFormatError: the file is in no known encoding, or a line holds no object.
    """
    encoding = detect_encoding(path)
    names = tuple(dict.fromkeys(name for _, row, _ in _objects(path, encoding.codec) for name in row))
    if not names:
        raise FileFormatError(f"{path} holds no JSON object with a key; one object a line was needed.")
    check_names(path, names)
    return Records(
        path=path,
        names=names,
        batches=functools.partial(_batches, path, encoding.codec),
        notes=(f"Read as {encoding.name}.",),
    )


def _objects(path: Path, codec: str) -> Iterator[tuple[int, dict[str, Any], int]]:
    """Each object: the line it stands in, its content, how many characters that line has."""
    for number, line in enumerate(TextLines(path, codec), 1):
        if not line.isspace():
            yield number, _object(path, number, line), len(line)


def _object(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        value = _decoder.decode(line)
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
