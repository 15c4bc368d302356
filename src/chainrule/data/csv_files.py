"""CSV and TSV: one header line, then a row a line, where quoted fields may hold line breaks."""

import csv
import itertools
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from chainrule.data.cells import NUMBER, shown
from chainrule.data.encodings import detect_encoding
from chainrule.data.records import (
    CHARACTERS,
    FIELD_LIMIT,
    ROWS,
    UNNAMED,
    Batch,
    Records,
    check_names,
    string_columns,
)
from chainrule.data.text_lines import TextLines
from chainrule.errors import FileFormatError

LONGEST_NAME = 100  # characters; what is longer is a text, not the name of a column


def open_csv(path: Path) -> Records:
    """The rows of a CSV or TSV file.

    Raises:
        FileFormatError: the file is in no known encoding, or has no header line.
        ColumnError: two columns have one name.
    """
    encoding = detect_encoding(path)
    delimiter = _delimiter(path, encoding.codec)
    rows = _rows(path, encoding.codec, delimiter)
    header, first = [next(rows, None), next(rows, None)]
    if header is None:
        raise FileFormatError(f"{path} holds nothing but empty lines; a header line and rows were needed.")
    names = tuple(name.strip() or UNNAMED.format(i) for i, name in enumerate(header[1], 1))
    _check_header(path, names)
    if first is None:
        raise FileFormatError(f"{path} has a header line and no row.")
    check_names(path, names)

    def batches(wanted: Collection[str]) -> Iterator[Batch]:
        return _batches(path, encoding.codec, delimiter, names, wanted)

    separated = "" if delimiter == "," else f", its fields separated by {_NAMED[delimiter]}"
    return Records(path=path, names=names, batches=batches, notes=(f"Read as {encoding.name}{separated}.",))


_NAMED = {",": "commas", ";": "semicolons", "\t": "tabs"}


def _delimiter(path: Path, codec: str) -> str:
    """A tab in .tsv files, else what occurs most often in the header, outside of quotes."""
    if path.suffix.lower() in {".tsv", ".tab"}:
        return "\t"
    header = re.sub(r'"[^"]*"', "", next(iter(TextLines(path, codec)), ""))
    return max(_NAMED, key=header.count)


def _check_header(path: Path, names: tuple[str, ...]) -> None:
    numbers = [name for name in names if re.match(NUMBER, name)]
    counted = len(numbers) > 1 and numbers in ([str(i) for i in range(n, n + len(numbers))] for n in (0, 1))
    long = [name for name in names if len(name) > LONGEST_NAME]
    if long or (numbers and not counted):
        raise FileFormatError(
            f"{path} seems to have no header: {shown((long or numbers)[0])} in its first line looks like "
            "data; write the columns' names into the first line."
        )
    if all(name == UNNAMED.format(i) for i, name in enumerate(names, 1)):
        raise FileFormatError(f"{path} names no column in its first line; write the columns' names there.")


def _rows(path: Path, codec: str, delimiter: str) -> Iterator[tuple[int, list[str], int]]:
    """Each row that is not empty: the line it begins in, its fields, the characters read so far."""
    csv.field_size_limit(FIELD_LIMIT)
    lines = TextLines(path, codec)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    begins = 1
    try:
        for row in reader:
            if row:
                yield begins, row, lines.characters
            begins = reader.line_num + 1
    except csv.Error as error:
        what = (
            f"a field is longer than {FIELD_LIMIT:,} characters, or its quote is never closed"
            if "field limit" in str(error)
            else "a quote is never closed"
            if "unexpected end" in str(error)
            else f"a quoted field goes on behind its closing quote ({error})"
        )
        raise FileFormatError(f"{path}, line {begins:,}: {what}.") from error


def _batches(
    path: Path, codec: str, delimiter: str, names: tuple[str, ...], wanted: Collection[str]
) -> Iterator[Batch]:
    positions = {name: names.index(name) for name in wanted}
    rows: list[list[str]] = []
    places: list[int] = []
    before = 0
    for place, row, characters in itertools.islice(_rows(path, codec, delimiter), 1, None):
        if len(row) != len(names):
            raise FileFormatError(
                f"{path}, line {place:,}: {len(row):,} fields were found, and the header has {len(names):,}; "
                f"the row begins with {shown(row[0])}."
            )
        rows.append(row)
        places.append(place)
        if len(rows) == ROWS or characters - before > CHARACTERS:
            yield _batch(path, rows, places, positions)
            rows, places, before = [], [], characters
    if rows:
        yield _batch(path, rows, places, positions)


def _batch(path: Path, rows: list[list[str]], places: list[int], positions: dict[str, int]) -> Batch:
    columns = {name: [row[i] for row in rows] for name, i in positions.items()}
    return string_columns(path, columns, places)
