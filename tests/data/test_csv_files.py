import csv
import io
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chainrule.data.csv_files import open_csv
from chainrule.data.records import FIELD_LIMIT, ROWS
from chainrule.data.text_lines import LINE_LIMIT
from chainrule.errors import ColumnError, FileFormatError


def read(path, *names):
    """All cells of some columns, and the line each row begins in."""
    records = open_csv(path)
    cells, places = {name: [] for name in names or records.names}, []
    for batch in records.batches(list(cells)):
        for name, column in batch.columns.items():
            cells[name] += column.to_pylist()
        places += batch.places
    return cells, places


def write(tmp_path, content, name="a.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_quotes_line_breaks_and_empty_lines(tmp_path):
    path = write(tmp_path, 'text,label\r\n"a, ""b""\r\nc",1\r\n\r\n,0\r\n" x ",\r\n')
    cells, places = read(path)
    assert cells == {"text": ['a, "b"\r\nc', "", " x "], "label": ["1", "0", ""]}
    assert places == [2, 5, 6]


@pytest.mark.parametrize(
    ("name", "content", "note"),
    [
        ("a.csv", "a;b;c\n1,5;2;3\n", "Read as UTF-8, its fields separated by semicolons."),
        ("a.csv", "a\tb\tc\n1,5\t2\t3\n", "Read as UTF-8, its fields separated by tabs."),
        ("a.tsv", 'a\tb\tc\n"1,5"\t2\t3\n', "Read as UTF-8, its fields separated by tabs."),
        ("a.csv", 'a,"b;;;;",c\n"1,5",2,3\n', "Read as UTF-8."),
    ],
)
def test_delimiters_are_found_in_the_header(tmp_path, name, content, note):
    records = open_csv(write(tmp_path, content, name))
    assert records.notes == (note,)
    (batch,) = records.batches(records.names)
    assert [column.to_pylist() for column in batch.columns.values()] == [["1,5"], ["2"], ["3"]]


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "gbk", "gb18030"])
def test_chinese_files(tmp_path, codec):
    path = write(tmp_path, "评论,标签\n很好,正\n不好,负\n".encode(codec))
    assert read(path)[0] == {"评论": ["很好", "不好"], "标签": ["正", "负"]}


def test_some_of_the_columns_are_read(tmp_path):
    assert read(write(tmp_path, "a,b,c\n1,2,3\n"), "c", "a")[0] == {"c": ["3"], "a": ["1"]}


def test_rows_come_in_batches_and_can_be_read_again(tmp_path):
    path = write(tmp_path, "a,b\n" + "".join(f"{i},x\n" for i in range(ROWS + 3)))
    records = open_csv(path)
    for _ in range(2):
        batches = list(records.batches(["a"]))
        assert [len(batch.places) for batch in batches] == [ROWS, 3]
        assert batches[1].columns["a"].to_pylist() == [str(ROWS + i) for i in range(3)]
        assert batches[1].places == [ROWS + 2, ROWS + 3, ROWS + 4]


def test_a_column_without_a_name_gets_one(tmp_path):
    assert open_csv(write(tmp_path, ",text,label\n0,a,1\n")).names == ("(column 1)", "text", "label")


fields = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@given(rows=st.lists(st.tuples(fields, fields, fields), min_size=1, max_size=9), delimiter=st.sampled_from(",;\t"))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_was_written_is_read(tmp_path, rows, delimiter):
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([("a", "b", "c"), *rows])
    cells, _ = read(write(tmp_path, buffer.getvalue()))
    assert list(zip(*cells.values(), strict=True)) == rows


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("\n\n", "a.csv holds nothing but empty lines; a header line and rows were needed."),
        ("text,label\n", "a.csv has a header line and no row."),
        ("很好,1\n不好,0\n", "a.csv seems to have no header: '1' in its first line looks like data; write"),
        ("0,1,3\n1,2,3\n", "a.csv seems to have no header: '0' in its first line looks like data"),
        (f"{'很好' * 60},x\n不好,y\n", "a.csv seems to have no header: '很好很好"),
        (",,\n1,2,3\n", "a.csv names no column in its first line; write the columns' names there."),
        ("a,b\n1,2\n1,2,3\n", "a.csv, line 3: 3 fields were found, and the header has 2; the row begins with '1'."),
        ('a,b\n"x\ny",2\n1\n', "a.csv, line 4: 1 fields were found, and the header has 2; the row begins with '1'."),
        ('a,b\n1,2\n"1,2\n3,4\n', "a.csv, line 3: a quote is never closed."),
        ('a,b\n1,2\n"1"x,2\n', "a.csv, line 3: a quoted field goes on behind its closing quote ("),
        ("a,b\n1,2\n3,\0\n", "a.csv holds a NUL character in line 3, so it is not text."),
    ],
)
def test_broken_files_are_refused_in_one_sentence(tmp_path, content, sentence):
    path = write(tmp_path, content)
    with pytest.raises(FileFormatError) as caught:
        read(path)
    assert str(caught.value).removeprefix(f"{tmp_path}/").startswith(sentence)


def test_two_columns_of_one_name_are_refused(tmp_path):
    with pytest.raises(ColumnError, match=r"a\.csv has two columns 'b'; rename one of them"):
        read(write(tmp_path, "a,b, b\n1,2,3\n"))


def test_columns_that_are_counted_are_a_header(tmp_path):
    assert open_csv(write(tmp_path, "0,1,2,target\n5,6,7,8\n")).names == ("0", "1", "2", "target")
    assert open_csv(write(tmp_path, "x,1,2\n5,6,7\n")).names == ("x", "1", "2")


def peak_of_refusal(path, match):
    tracemalloc.start()
    try:
        with pytest.raises(FileFormatError, match=match):
            read(path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_field_without_end_is_refused_in_little_memory(tmp_path):
    path = write(tmp_path, 'a,b\n1,2\n"' + "x\n" * FIELD_LIMIT * 4)
    match = r"a\.csv, line 3: a field is longer than 1,048,576 characters, or its quote is never closed"
    assert peak_of_refusal(path, match) < 20 * FIELD_LIMIT


def test_a_line_without_end_is_refused_in_little_memory(tmp_path):
    path = write(tmp_path, b"a,b\n1,2\n" + b"x," * LINE_LIMIT)
    match = r"a\.csv: line 3 is longer than 16,777,216 characters; shorter lines were needed"
    assert peak_of_refusal(path, match) < 5 * LINE_LIMIT
