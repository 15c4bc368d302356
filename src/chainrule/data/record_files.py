"""Files of rows, opened by the ending of their names."""

from collections.abc import Callable, Mapping
from pathlib import Path

from chainrule.data.csv_files import open_csv
from chainrule.data.json_lines import open_json_lines
from chainrule.data.own_paths import check_beginning
from chainrule.data.parquet_files import open_parquet
from chainrule.data.records import Records
from chainrule.errors import FileFormatError

OPENERS: Mapping[str, Callable[[Path], Records]] = {
    ".csv": open_csv,
    ".tsv": open_csv,
    ".tab": open_csv,
    ".jsonl": open_json_lines,
    ".ndjson": open_json_lines,
    ".json": open_json_lines,
    ".parquet": open_parquet,
    ".pq": open_parquet,
}
WITH_LISTS = (open_json_lines, open_parquet)


def open_sequences(path: Path) -> Records:
    """The rows of a regular file that can hold lists, by its name's ending.

    Raises:
        FileFormatError: it cannot be read, or its format has no lists.
        ColumnError: two columns have one name.
    """
    if OPENERS.get(path.suffix.lower()) not in WITH_LISTS:
        endings = ", ".join(ending for ending, opener in OPENERS.items() if opener in WITH_LISTS)
        raise FileFormatError(f"{path} cannot be read as sequences; a file in {endings} or .npz was needed.")
    return open_records(path)


def open_records(path: Path) -> Records:
    """The rows of a regular file, by its name's ending.

    Raises:
        FileFormatError: it cannot be read.
        ColumnError: two columns have one name.
    """
    opener = OPENERS.get(path.suffix.lower())
    if opener is None:
        raise FileFormatError(f"{path} cannot be read; a file in {', '.join(OPENERS)} was needed.")
    if opener is not open_parquet:
        check_beginning(path)
    return opener(path)
