import numpy as np
import pyarrow as pa
import pytest

from chainrule.data.judge import table_contents
from chainrule.data.own_files import read_own
from chainrule.data.splits import example_digest, split_code
from chainrule.errors import ColumnError, OptionError

pytestmark = pytest.mark.usefixtures("empty_cache")


def csv_of(tmp_path, header, rows):
    path = tmp_path / "table.csv"
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


ROWS = [(i / 7, ["red", "blue", ""][i % 3], i % 5, i * 1.5) for i in range(61)]


def test_a_table_for_regression(tmp_path):
    dataset = read_own(csv_of(tmp_path, "size,colour,floor,price", ROWS), kind="table", target_column="price")
    assert dataset.classes is None
    assert dataset.notes == ("Read as UTF-8.",)
    assert dataset.left_out == {}
    assert dataset.rows.schema.names == ["size", "colour", "floor", "target"]
    size, colour, floor, target = (dataset.rows.column(name) for name in dataset.rows.schema.names)
    assert size.type == floor.type == target.type == pa.float64()
    assert colour.type == pa.dictionary(pa.int32(), pa.string())
    assert colour.chunk(0).dictionary.to_pylist() == ["blue", "red"]
    assert size.to_pylist() == [row[0] for row in ROWS]
    assert colour.to_pylist() == [row[1] or None for row in ROWS]
    assert floor.to_pylist() == [float(row[2]) for row in ROWS]
    assert target.to_pylist() == [row[3] for row in ROWS]


def test_splits_follow_the_features_alone(tmp_path):
    path = csv_of(tmp_path, "size,colour,floor,price", ROWS)
    dataset = read_own(path, kind="table", target_column="price")
    features = {
        "floor": pa.array([float(row[2]) for row in ROWS]),
        "size": pa.array([row[0] for row in ROWS]),
        "colour": pa.array([row[1] or None for row in ROWS]).dictionary_encode(),
    }
    expected = [split_code(example_digest(content)) for content in table_contents(features)]
    np.testing.assert_array_equal(dataset.split_codes, expected)


def test_a_table_of_classes(tmp_path):
    rows = [(i, ["no", "yes", "NA"][i % 3]) for i in range(60)]
    dataset = read_own(csv_of(tmp_path, "x,class", rows), kind="table")
    assert dataset.classes == ("no", "yes")
    assert dataset.notes[1] == "Using column 'class' as label; choose another with --label-column or --target-column."
    assert dataset.left_out == {"no label": 20}
    assert dataset.rows.schema.names == ["x", "label"]
    assert dataset.rows.column("label").to_pylist() == [[0, 1, None][i % 3] for i in range(60)]
    assert set(dataset.split("train").labels()) == {0, 1}


def test_missing_values_and_targets(tmp_path):
    rows = [("" if i % 4 == 1 else i, "NaN" if i % 7 == 2 else i) for i in range(60)]
    dataset = read_own(csv_of(tmp_path, "x,y", rows), kind="table", target_column="y")
    assert dataset.left_out == {"no target": 9}
    x = dataset.rows.column("x").to_numpy()
    np.testing.assert_array_equal(np.isnan(x), [i % 4 == 1 for i in range(60)])
    np.testing.assert_array_equal(dataset.split_codes[2::7], [255] * 9)
    assert not np.isnan(dataset.split("train").targets()).any()


def test_columns_that_describe_nothing_are_left_out_and_said(tmp_path):
    rows = [(i, f"name {i}", "", "x" * 201, i % 2 == 0, i) for i in range(60)]
    path = csv_of(tmp_path, ",name,nothing,story,even,price", rows)
    dataset = read_own(path, kind="table", target_column="price")
    assert dataset.notes[1:] == (
        "A column without a name, (column 1), is left out.",
        "Column 'name' has 60 different values in 60 rows and is left out: it looks like an identifier.",
        "Column 'nothing' holds no value and is left out.",
        "Column 'story' has values of up to 201 characters and is left out: it looks like text.",
    )
    assert dataset.rows.schema.names == ["even", "target"]
    assert dataset.rows.column("even").to_pylist() == [str(i % 2 == 0) for i in range(60)]


def test_more_than_a_thousand_categories_identify_the_rows(tmp_path):
    rows = [(f"c{i % 1001}", f"d{i % 1000}", i) for i in range(3003)]
    dataset = read_own(csv_of(tmp_path, "a,b,price", rows), kind="table", target_column="price")
    assert dataset.notes[1] == (
        "Column 'a' has more than 1,000 different values in 3,003 rows and is left out: it looks like an identifier."
    )
    assert dataset.rows.schema.names == ["b", "target"]


def test_a_number_late_in_a_column_does_not_make_it_a_number(tmp_path):
    rows = [(i, i, i) for i in range(5000)] + [("few", 1, 1)]
    dataset = read_own(csv_of(tmp_path, "a,b,price", rows), kind="table", target_column="price")
    assert "Column 'a' has more than 1,000 different values in 5,001 rows" in dataset.notes[1]


def test_columns_can_be_ignored(tmp_path):
    rows = [(i, i, i) for i in range(40)]
    dataset = read_own(csv_of(tmp_path, "a,b,price", rows), kind="table", target_column="price", ignore_columns=["a"])
    assert dataset.rows.schema.names == ["b", "target"]


@pytest.mark.parametrize(
    ("header", "rows", "sentence"),
    [
        (
            "a,y",
            [(1, 2), (3, "cheap")],
            "table.csv, line 3, column 'y': 'cheap' was found; a finite number to ",
        ),
        ("a,y", [(1, 2), (3, "x" * 60)], "table.csv, line 3, column 'y': '" + "x" * 40 + "…' was found; a finite"),
        (
            "a,y",
            [(1, "-inf")],
            "table.csv, line 2, column 'y': '-inf' was found; a finite number to ",
        ),
        ("a,y", [(1, 2), ("1e999", 2)], "table.csv, line 3, column 'a': an infinite value was found; a finite number"),
        (
            "target,y",
            [(1, 2)],
            "table.csv: column 'target' would be a feature beside the column that is predicted; ",
        ),
        (
            "a,y",
            [("", 2)],
            "table.csv has no column to predict from: its columns are 'a', 'y'. Column 'a' holds ",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_sentence(tmp_path, empty_cache, header, rows, sentence):
    with pytest.raises(ColumnError) as caught:
        read_own(csv_of(tmp_path, header, rows), kind="table", target_column="y")
    assert str(caught.value).removeprefix(f"{tmp_path}/").startswith(sentence)
    assert not list(empty_cache.glob("datasets/*"))


def test_rows_are_named_where_the_file_has_rows_and_no_lines(tmp_path):
    import pyarrow.parquet as pq

    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": [1.0] * 1500, "y": ["1"] * 1400 + ["bad"] * 100}), path)
    with pytest.raises(ColumnError, match=r"a\.parquet, row 1,401, column 'y': 'bad' was found"):
        read_own(path, kind="table", target_column="y")


def test_options_for_text_are_refused(tmp_path):
    path = csv_of(tmp_path, "a,y", [(1, 2)])
    with pytest.raises(OptionError, match="--text-column is for text; leave it out for a table"):
        read_own(path, kind="table", text_column="a")
