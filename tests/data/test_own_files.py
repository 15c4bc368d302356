import os
import pickle
import subprocess
import sys
import time

import numpy as np
import pytest

from chainrule.data import own_files, own_text
from chainrule.data.own_files import read_own
from chainrule.errors import ChainruleError, DataError, OptionError, StorageError

TEXTS = "text,label\n" + "".join(f"review number {i},{i % 2}\n" for i in range(60))
PICKLED = "is a pickle, which could run any program when it is opened; a {} file was needed."

pytestmark = pytest.mark.usefixtures("empty_cache")


@pytest.fixture
def reviews(tmp_path):
    path = tmp_path / "reviews.csv"
    path.write_text(TEXTS)
    return path


def sentence_on(path, kind="text", **options):
    with pytest.raises(ChainruleError) as caught:
        read_own(path, kind=kind, **options)
    return str(caught.value)


@pytest.mark.parametrize("kind", ["text", "table", "pictures"])
def test_nothing_there(tmp_path, kind):
    assert sentence_on(tmp_path / "no.csv", kind) == (
        f"there is nothing at {tmp_path}/no.csv; give the path of your data."
    )


def test_a_folder_is_no_file(tmp_path):
    assert sentence_on(tmp_path) == f"{tmp_path} is a folder; a file was needed: give the path of one in it."


@pytest.mark.parametrize("kind", ["text", "table"])
@pytest.mark.parametrize("name", ["zero.csv", "pipe.csv"])
def test_devices_and_pipes_do_not_hang(tmp_path, kind, name):
    path = tmp_path / name
    if name == "pipe.csv":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    assert sentence_on(path, kind) == (
        f"{path} is a device, pipe or socket; a regular file was needed: save its content first."
    )


def test_files_that_are_empty_or_closed(tmp_path, reviews, monkeypatch):
    empty = tmp_path / "empty.csv"
    empty.touch()
    assert sentence_on(empty) == f"{empty} is empty."

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    assert sentence_on(reviews) == f"{reviews} cannot be read: Permission denied."


def test_a_link_in_a_circle(tmp_path):
    path = tmp_path / "a.csv"
    path.symlink_to(path)
    assert sentence_on(path) == f"{path} cannot be read: Too many levels of symbolic links."


def test_other_kinds_of_files(tmp_path):
    path = tmp_path / "a.xlsx"
    path.write_bytes(b"PK\x03\x04")
    assert sentence_on(path).startswith(f"{path} cannot be read; a file in .csv, .tsv, .tab, .jsonl, .ndjson, .json, ")
    path = path.with_suffix(".csv")
    path.write_bytes(b"PK\x03\x04")
    assert sentence_on(path) == (
        f"{path} is a zip archive (an .xlsx, .npz or .docx file is one, too); a .csv file was needed."
    )


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
@pytest.mark.parametrize("protocol", [2, 5])
def test_a_pickle_in_disguise_is_refused(tmp_path, suffix, protocol):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(pickle.dumps({"text": ["x"]}, protocol))
    assert sentence_on(path) == f"{path} {PICKLED.format(suffix)}"


@pytest.mark.parametrize(
    ("kind", "options", "sentence"),
    [
        ("text", {"picture_shape": (1, 8, 8)}, "a picture's shape was given for text data; leave it out."),
        (
            "text",
            {"target_column": "a"},
            "--target-column is for tables; leave it out for text.",
        ),
        ("pictures", {"label_column": "a"}, "columns were named, and pictures have none; leave the options out."),
        (
            "pictures",
            {"picture_shape": (2, 8, 8)},
            "the shape (2, 8, 8) of pictures was asked for; 1 or 3 channels, ",
        ),
        (
            "pictures",
            {"picture_shape": (3, 0, 8)},
            "the shape (3, 0, 8) of pictures was asked for; 1 or 3 channels, ",
        ),
        ("text", {"sequence_column": "a"}, "--sequence-column is for sequences; leave it out for text."),
        ("sequences", {"text_column": "a"}, "--text-column is for text; leave it out for sequences."),
        ("sequences", {"target_column": "a"}, "--target-column is for tables; leave it out for sequences."),
    ],
)
def test_options_that_do_not_fit_are_refused(reviews, kind, options, sentence):
    with pytest.raises(OptionError) as caught:
        read_own(reviews, kind=kind, **options)
    assert str(caught.value).startswith(sentence)


def test_a_file_is_converted_once(reviews, monkeypatch):
    first = read_own(reviews, kind="text")
    monkeypatch.setattr(own_files, "convert_text", None)
    again = read_own(reviews, kind="text")
    assert again.summary() == first.summary()
    assert again.rows.equals(first.rows)
    np.testing.assert_array_equal(again.split_codes, first.split_codes)


def test_a_file_that_did_not_change_is_not_read_again(reviews, monkeypatch):
    os.utime(reviews, ns=(10**18, 10**18))
    first = read_own(reviews, kind="text")
    for name in ("sha256_file", "open_records", "convert_text"):
        monkeypatch.setattr(own_files, name, None)
    assert read_own(reviews, kind="text").summary() == first.summary()


def test_an_equal_file_elsewhere_goes_by_its_own_name(reviews, tmp_path, monkeypatch):
    read_own(reviews, kind="text")
    monkeypatch.setattr(own_files, "convert_text", None)
    copy = tmp_path / "copy.csv"
    copy.write_text(TEXTS)
    dataset = read_own(str(copy), kind="text")
    assert (dataset.name, dataset.source) == ("copy.csv", str(copy))


def test_a_changed_file_or_choice_is_converted_again(reviews):
    first = read_own(reviews, kind="text")
    reviews.write_text(TEXTS + "one more,1\n")
    assert len(read_own(reviews, kind="text").split_codes) == len(first.split_codes) + 1
    swapped = reviews.with_name("swapped.csv")
    swapped.write_text("a,b,label\n" + "".join(f"text {i},other {i},{i % 2}\n" for i in range(40)))
    a, b = (read_own(swapped, kind="text", text_column=name) for name in "ab")
    assert a.rows.column("text").to_pylist()[7] == "text 7"
    assert b.rows.column("text").to_pylist()[7] == "other 7"


def test_a_damaged_conversion_is_made_anew(reviews, empty_cache):
    first = read_own(reviews, kind="text").rows.to_pylist()
    (folder,) = (empty_cache / "datasets").iterdir()
    (folder / "rows.arrow").unlink()
    (folder / "rows.arrow").write_bytes(b"")
    assert read_own(reviews, kind="text").rows.to_pylist() == first


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_an_interrupted_conversion_leaves_nothing_behind(reviews, empty_cache, monkeypatch, error):
    def fail(*_, **__):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(own_text.Judge, "verdict", fail)
        with pytest.raises((KeyboardInterrupt, StorageError)):
            read_own(reviews, kind="text")
    assert list((empty_cache / "datasets").iterdir()) == []
    assert len(read_own(reviews, kind="text").split_codes) == 60


MEASURED = """
import resource, sys
from chainrule.data.own_files import read_own
from chainrule.errors import ChainruleError
import pyarrow.compute, pyarrow.parquet, charset_normalizer
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    dataset = read_own(sys.argv[1], kind=sys.argv[2])
    print(len(dataset.split_codes), dataset.rows.num_columns)
except ChainruleError as error:
    print(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def measured(path, kind):
    """What is printed of the data set or the error, the memory taken in MiB, and the seconds."""
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", MEASURED, path, kind], capture_output=True, text=True, check=True)
    said, mebibytes = done.stdout.splitlines()
    return said, float(mebibytes), time.monotonic() - started


def test_a_table_larger_than_the_memory_it_takes(tmp_path):
    path = tmp_path / "large.csv"
    random = np.random.default_rng(5)
    block = "\n".join(",".join(f"{value:.15f}" for value in row) for row in random.random((1000, 9))) + "\n"
    with path.open("w") as file:
        file.write(",".join(["target", *"abcdefgh"]) + "\n")
        for _ in range(500):
            file.write(block)
    assert path.stat().st_size > 80e6
    said, mebibytes, seconds = measured(path, "table")
    assert said == "500000 9"
    assert mebibytes < 80
    assert seconds < 60


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.csv", b"text,label\nx,1\n" + b"y" * 2**25, "a.csv: line 3 is longer than 16,777,216 characters; shorter"),
        ("a.jsonl", b'{"text": "x", "label": 1}\n' + b"y" * 2**25, "a.jsonl: line 2 is longer than 16,777,216 char"),
        ("a.csv", b"", "a.csv holds a NUL character in line 1, so it is not text."),
        ("a.csv", b"text,label\nx,1\ny,", "a.csv holds a NUL character in line 3, so it is not text."),
    ],
)
def test_a_gigabyte_on_one_line_is_refused_in_little_time_and_memory(tmp_path, name, content, sentence):
    path = tmp_path / name
    path.write_bytes(content)
    if not content.endswith(b"yyy"):
        with path.open("r+b") as file:
            file.truncate(2**30)  # a hole, which reads as NUL bytes
    said, mebibytes, seconds = measured(path, "text")
    assert said.removeprefix(f"{tmp_path}/").startswith(sentence)
    assert mebibytes < 150
    assert seconds < 5


def test_damaged_or_random_files_give_one_sentence(tmp_path):
    random = np.random.default_rng(11)
    for i in range(60):
        path = tmp_path / f"a{['.csv', '.tsv', '.jsonl', '.parquet', '.npz'][i % 5]}"
        path.write_bytes([b"", b"PAR1", b"PK\x03\x04", b'{"a": 1}\n', b"text,label\n"][i % 4] + random.bytes(200))
        with pytest.raises(DataError) as caught:
            read_own(path, kind="pictures" if path.suffix == ".npz" else ["text", "table"][i % 2])
        assert "\n" not in str(caught.value)
