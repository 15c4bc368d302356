import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chainrule.data.json_lines import open_json_lines
from chainrule.data.records import FIELD_LIMIT, ROWS
from chainrule.errors import FileFormatError


def read(path):
    records = open_json_lines(path)
    cells, places = {name: [] for name in records.names}, []
    for batch in records.batches(records.names):
        for name, column in batch.columns.items():
            cells[name] += column.to_pylist()
        places += batch.places
    return cells, places


def write(tmp_path, content):
    path = tmp_path / "a.jsonl"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_values_stay_as_they_are_written(tmp_path):
    content = '{"a": "x", "b": 1.50, "c": true}\n\n{"b": null, "a": "é\\n", "d": NaN}\r\n{"c": false, "b": -1e400}\n'
    assert read(write(tmp_path, content)) == (
        {
            "a": ["x", "é\n", None],
            "b": ["1.50", None, "-1e400"],
            "c": ["true", None, "false"],
            "d": [None, "NaN", None],
        },
        [1, 3, 4],
    )


def test_chinese_files_in_gbk(tmp_path):
    path = write(tmp_path, '{"文本": "这个酒店很好"}\n'.encode("gbk"))
    assert open_json_lines(path).notes == ("Read as GBK.",)
    assert read(path)[0] == {"文本": ["这个酒店很好"]}


def test_rows_come_in_batches(tmp_path):
    path = write(tmp_path, "".join(json.dumps({"a": i}) + "\n" for i in range(ROWS + 3)))
    records = open_json_lines(path)
    assert [len(batch.places) for batch in records.batches(["a"])] == [ROWS, 3]


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(rows=st.lists(st.fixed_dictionaries({"a": st.none() | texts, "b": st.integers()}), min_size=1, max_size=9))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_was_written_is_read(tmp_path, rows):
    path = write(tmp_path, "".join(json.dumps(row) + "\n" for row in rows))
    cells, places = read(path)
    assert cells == {"a": [row["a"] for row in rows], "b": [str(row["b"]) for row in rows]}
    assert places == list(range(1, len(rows) + 1))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('{"a": 1}\n{"a": 1,}\n', "a.jsonl, line 2, character "),
        ('{"a": 1}\n{"a"\n', "a.jsonl, line 2, character "),
        (
            '[\n{"a": 1}\n]\n',
            "a.jsonl, line 1, character 3: Expecting value; a JSON object a line (not one array ",
        ),
        ('{"a": 1}\n[1, 2]\n', "a.jsonl, line 2: '[1, 2]' was found; a JSON object was needed."),
        ('{"a": 1}\n"text"\n', "a.jsonl, line 2: '\"text\"' was found; a JSON object was needed."),
        ('{"a": 1}\n{"a": [1]}\n', "a.jsonl, line 2, column 'a': a nested value was found; text, a number, true, "),
        ('{"a": 1}\n{"a": {}}\n', "a.jsonl, line 2, column 'a': a nested value was found; "),
        ("{}\n", "a.jsonl holds no JSON object with a key; one object a line was needed."),
        ("\n", "a.jsonl holds no JSON object with a key; one object a line was needed."),
        ('{"a": ' + "[" * 100_000 + "\n", "a.jsonl, line 1: nested too deeply."),
        (
            '{"a": "x"}\n{"a": "\\ud800"}\n',
            "a.jsonl, line 2, column 'a': half of a surrogate pair stands there ",
        ),
        ('{"a": "' + "x" * (FIELD_LIMIT + 1) + '"}\n', "a.jsonl, line 1, column 'a': more than 1,048,576 characters"),
    ],
)
def test_broken_files_are_refused_in_one_sentence(tmp_path, content, sentence):
    path = write(tmp_path, content)
    with pytest.raises(FileFormatError) as caught:
        read(path)
    assert str(caught.value).removeprefix(f"{tmp_path}/").startswith(sentence)
