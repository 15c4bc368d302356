import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from chainrule.data.unlabelled import read_picture_paths, read_rows, read_texts
from chainrule.errors import ColumnError, FileFormatError


def write(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_text_a_line(tmp_path):
    path = write(tmp_path, "a.txt", "很好, 真的\r\n\n第三行\n最后".encode("gbk"))
    assert list(read_texts(path)) == ["很好, 真的", "", "第三行", "最后"]


@pytest.mark.parametrize(
    "content",
    ["id,review\n1,good\n2,\n", "stars,opinion\n1,good\n2,\n", 'anything\ngood\n""\n'],
)
def test_the_column_of_texts_is_guessed(tmp_path, content):
    assert list(read_texts(write(tmp_path, "a.csv", content))) == ["good", ""]


def test_a_column_that_only_looks_like_numbers(tmp_path):
    assert list(read_texts(write(tmp_path, "a.csv", "anything\n17\n18\n"))) == ["17", "18"]


def test_the_column_of_texts_can_be_named(tmp_path):
    path = write(tmp_path, "a.csv", "text,other\nx,y\n")
    assert list(read_texts(path, text_column="other")) == ["y"]
    with pytest.raises(ColumnError, match=r"a\.csv has the columns 'text', 'other', and none is called 'q'; name it"):
        list(read_texts(path, text_column="q"))
    path = write(tmp_path, "b.csv", "a,b\nx,y\n")
    with pytest.raises(ColumnError, match=r"the columns 'a', 'b', and it is not plain which holds the texts; name it"):
        list(read_texts(path))


def test_rows_of_any_format(tmp_path):
    expected = [{"a": "1", "b": "x"}, {"a": None, "b": "y"}]
    pq.write_table(pa.table({"a": [1, None], "b": ["x", "y"]}), tmp_path / "a.parquet")
    assert list(read_rows(tmp_path / "a.parquet")) == expected
    assert list(read_rows(write(tmp_path, "a.jsonl", '{"a": 1, "b": "x"}\n{"b": "y"}\n'))) == expected
    assert list(read_rows(write(tmp_path, "a.csv", "a,b\n1,x\n,y\n"))) == [expected[0], {"a": "", "b": "y"}]


def test_pictures_in_the_order_of_their_names(tmp_path):
    for name in ("b.png", "a/z.JPG", "a/y.png", "c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("L", (2, 3)).save(tmp_path / name)
    write(tmp_path, "notes.txt", "x")
    write(tmp_path, ".hidden.png", "x")
    found = [path.relative_to(tmp_path).as_posix() for path in read_picture_paths(tmp_path)]
    assert found == ["b.png", "c.png", "a/y.png", "a/z.JPG"]
    assert list(read_picture_paths(tmp_path / "b.png")) == [tmp_path / "b.png"]


def test_a_folder_without_pictures(tmp_path):
    with pytest.raises(FileFormatError, match="holds no picture"):
        list(read_picture_paths(tmp_path))
    with pytest.raises(FileFormatError, match="there is nothing at "):
        list(read_picture_paths(tmp_path / "no"))


@pytest.mark.parametrize("read", [read_texts, read_rows])
def test_what_is_no_file(tmp_path, read):
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(FileFormatError, match="is a device, pipe or socket"):
        list(read(tmp_path / "pipe.csv"))
    with pytest.raises(FileFormatError, match=r"a\.csv is a pickle, which could run any program"):
        list(read(write(tmp_path, "a.csv", b"\x80\x04.")))
