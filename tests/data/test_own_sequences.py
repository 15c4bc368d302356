import io
import json
import subprocess
import sys
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from chainrule.data import json_lines, npz_sequences, own_files, parquet_files
from chainrule.data.own_files import read_own
from chainrule.data.splits import example_digest, split_code
from chainrule.data.unlabelled import read_sequences
from chainrule.errors import ChainruleError, ColumnError, DataError

pytestmark = pytest.mark.usefixtures("empty_cache")
RANDOM = np.random.default_rng(7)
LENGTHS = [1 + i * i % 11 for i in range(61)]
SEQUENCES = [RANDOM.normal(size=(length, 3)).astype(np.float32) for length in LENGTHS]
LABELS = [["rising", "falling"][i % 2] for i in range(61)]


def jsonl(tmp_path, rows, name="a.jsonl"):
    path = tmp_path / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def parquet(tmp_path, **columns):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def npz(tmp_path, **arrays):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, **arrays)
    return path


def lists(sequences):
    return [sequence.tolist() for sequence in sequences]


def padded(sequences, *, filler=0.0):
    array = np.full((len(sequences), max(map(len, sequences)), *sequences[0].shape[1:]), filler, sequences[0].dtype)
    for row, sequence in zip(array, sequences, strict=True):
        row[: len(sequence)] = sequence
    return array


def written(tmp_path, form, sequences=SEQUENCES, labels=LABELS):
    """The same sequences and labels, in a file of some form."""
    lengths = np.array([len(sequence) for sequence in sequences])
    rows = [{"sequence": sequence.tolist(), "label": label} for sequence, label in zip(sequences, labels, strict=True)]
    match form:
        case "jsonl":
            return jsonl(tmp_path, rows)
        case "parquet":
            return parquet(
                tmp_path, sequence=pa.array(lists(sequences), pa.list_(pa.list_(pa.float32()))), label=labels
            )
        case "parquet of float64":
            return parquet(tmp_path, steps=lists(sequences), label=labels)
        case "parquet of fixed sizes":
            kind = pa.large_list(pa.list_(pa.float32(), sequences[0].shape[1]))
            return parquet(tmp_path, anything=pa.array(lists(sequences), kind), y=labels)
        case "npz":
            return npz(tmp_path, x=padded(sequences, filler=np.nan), lengths=lengths, y=np.array(labels))
        case "npz in a row":
            return npz(tmp_path, steps=np.concatenate(sequences), lengths=lengths, labels=np.array(labels)[:, None])


FORMS = ("jsonl", "parquet", "parquet of float64", "parquet of fixed sizes", "npz", "npz in a row")


def read_back(dataset):
    """The sequences and labels that a data set holds, in the order of the file."""
    every = [np.array(rows, np.float32) for rows in dataset.rows.column("sequence").to_pylist()]
    return every, dataset.rows.column("label").to_pylist()


@pytest.mark.parametrize("form", FORMS)
def test_the_same_sequences_in_any_form_give_the_same_data_set(tmp_path, form):
    path = written(tmp_path, form)
    dataset = read_own(path, kind="sequences")
    assert (dataset.name, dataset.kind, dataset.source) == (path.name, "sequences", str(path))
    assert dataset.classes == ("falling", "rising")
    assert dataset.left_out == {}
    assert dataset.rows.schema == pa.schema({"sequence": pa.large_list(pa.list_(pa.float32(), 3)), "label": pa.int32()})
    sequences, labels = read_back(dataset)
    for found, expected in zip(sequences, SEQUENCES, strict=True):
        np.testing.assert_array_equal(found, expected)
    assert labels == [1 - i % 2 for i in range(61)]
    codes = [split_code(example_digest(sequence.astype("<f4").tobytes())) for sequence in SEQUENCES]
    assert set(codes) == {0, 1, 2}
    np.testing.assert_array_equal(dataset.split_codes, codes)


@pytest.mark.parametrize("form", FORMS)
def test_many_small_batches_give_the_same_as_one(tmp_path, monkeypatch, form):
    whole = read_own(written(tmp_path, form), kind="sequences")
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "other"))
    monkeypatch.setattr(json_lines, "ROWS", 7)
    monkeypatch.setattr(parquet_files, "VALUES", 97)
    monkeypatch.setattr(npz_sequences, "BATCH_BYTES", 499)
    parts = read_own(written(tmp_path, form), kind="sequences")
    assert parts.rows.column("sequence").num_chunks > 5
    assert whole.rows.column("sequence").num_chunks == 1
    assert parts.rows.equals(whole.rows)
    np.testing.assert_array_equal(parts.split_codes, whole.split_codes)


@pytest.mark.parametrize("form", FORMS)
def test_sequences_to_predict_are_read_from_the_same_files(tmp_path, form):
    for found, expected in zip(read_sequences(written(tmp_path, form)), SEQUENCES, strict=True):
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, expected)


def test_sequences_to_predict_need_no_label(tmp_path):
    for path in (
        jsonl(tmp_path, [{"sequence": rows} for rows in lists(SEQUENCES)]),
        parquet(tmp_path, sequence=lists(SEQUENCES)),
        npz(tmp_path, x=padded(SEQUENCES), lengths=np.array(LENGTHS)),
    ):
        for found, expected in zip(read_sequences(path), SEQUENCES, strict=True):
            np.testing.assert_array_equal(found, expected)


numbers = hnp.from_dtype(np.dtype(np.float32), allow_nan=False, allow_infinity=False)


@given(
    data=st.data(),
    width=st.integers(1, 3),
    lengths=st.lists(st.integers(1, 5), min_size=2, max_size=7),
    form=st.sampled_from(FORMS),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_what_was_written_is_read(tmp_path, data, width, lengths, form):
    sequences = [data.draw(hnp.arrays(np.float32, (length, width), elements=numbers)) for length in lengths]
    dataset = read_own(
        written(tmp_path, form, sequences, ["a", "b", "a", "b", "a", "b", "a"][: len(lengths)]), kind="sequences"
    )
    found, labels = read_back(dataset)
    assert [sequence.tobytes() for sequence in found] == [sequence.tobytes() for sequence in sequences]
    assert labels == [0, 1, 0, 1, 0, 1, 0][: len(lengths)]


def test_numbers_alone_are_steps_of_one_value(tmp_path):
    flat = [[i + 0.5, 2.0, -1.0][: 1 + i % 3] for i in range(41)]
    labels = [i % 2 for i in range(41)]
    rows = [{"values": row, "class": label} for row, label in zip(flat, labels, strict=True)]
    vectors = [np.array(row, np.float64)[:, None] for row in flat]
    lengths = np.array([len(row) for row in flat])
    for path in (
        jsonl(tmp_path, rows),
        parquet(tmp_path, values=flat, target=labels),
        npz(tmp_path, X=padded(vectors)[:, :, 0], Lengths=lengths, Y=labels),
        npz(tmp_path, steps=np.concatenate(vectors)[:, 0], lengths=lengths, y=labels),
    ):
        dataset = read_own(path, kind="sequences")
        assert dataset.rows.schema.field("sequence").type.value_type == pa.list_(pa.float32(), 1)
        sequences, found = read_back(dataset)
        assert [sequence[:, 0].tolist() for sequence in sequences] == flat
        assert found == labels


@pytest.mark.parametrize("kind", [np.int8, np.uint16, ">i4", np.float16, ">f8", np.bool_])
def test_numbers_of_any_type(tmp_path, kind):
    array = RANDOM.integers(0, 2, (43, 5, 2)).astype(kind)
    dataset = read_own(npz(tmp_path, sequences=array, label=np.arange(43) % 2 > 0), kind="sequences")
    assert dataset.classes == ("false", "true")
    np.testing.assert_array_equal(np.stack(read_back(dataset)[0]), array.astype(np.float32))
    if np.dtype(kind).isnative:
        steps = pa.array(array.tolist(), pa.list_(pa.list_(pa.from_numpy_dtype(kind))))
        dataset = read_own(parquet(tmp_path, x=steps, label=[i % 2 for i in range(43)]), kind="sequences")
        np.testing.assert_array_equal(np.stack(read_back(dataset)[0]), array.astype(np.float32))


def test_rows_without_a_label_are_left_out_and_counted(tmp_path):
    labels = [None if i % 5 == 0 else i % 2 for i in range(61)]
    as_text = np.array(["" if label is None else str(label) for label in labels])
    for path in (
        jsonl(tmp_path, [{"sequence": rows, "label": one} for rows, one in zip(lists(SEQUENCES), labels, strict=True)]),
        parquet(tmp_path, sequence=lists(SEQUENCES), label=labels),
        npz(tmp_path, x=padded(SEQUENCES), lengths=np.array(LENGTHS), y=as_text),
    ):
        dataset = read_own(path, kind="sequences")
        assert dataset.left_out == {"no label": 13}
        np.testing.assert_array_equal(dataset.split_codes[::5], [255] * 13)
        assert (np.delete(dataset.split_codes, np.s_[::5]) < 3).all()
        assert read_back(dataset)[1] == labels


def test_equal_sequences_stay_and_fall_into_one_split(tmp_path):
    rows = [{"sequence": [[1, 2]], "label": i % 2} for i in range(9)] + [{"sequence": [[3, 4]], "label": 0}]
    dataset = read_own(jsonl(tmp_path, rows), kind="sequences")
    assert dataset.left_out == {}
    assert len(set(dataset.split_codes[:9])) == 1


def test_columns_are_guessed_and_named(tmp_path):
    rows = [{"id": i, "walk": [[i, 1]], "kind": i % 2, "other": [[i, 2]]} for i in range(47)]
    path = jsonl(tmp_path, rows)
    with pytest.raises(ColumnError) as caught:
        read_own(path, kind="sequences")
    assert str(caught.value) == (
        f"{path} has the columns 'id', 'walk', 'kind', 'other', and it is not plain which is the sequence; "
        "choose with --sequence-column and --label-column."
    )
    with pytest.raises(ColumnError, match="it is not plain which is the label; choose with --sequence-column and "):
        read_own(path, kind="sequences", sequence_column="walk")
    dataset = read_own(path, kind="sequences", sequence_column="walk", label_column="kind")
    assert read_back(dataset)[0][7].tolist() == [[7, 1]]
    assert dataset.notes == ("Read as UTF-8.",)
    dataset = read_own(path, kind="sequences", ignore_columns=["walk", "id"])
    assert read_back(dataset)[0][7].tolist() == [[7, 2]]
    (_, note) = dataset.notes
    assert note == (
        "Using column 'other' as sequence and 'kind' as label; choose others with --sequence-column and --label-column."
    )
    with pytest.raises(ColumnError, match=r"has no column 'wlak' \(--sequence-column\); did you mean 'walk'\?"):
        read_own(path, kind="sequences", sequence_column="wlak")
    with pytest.raises(ChainruleError, match="'walk' was named for both --sequence-column and --label-column"):
        read_own(path, kind="sequences", sequence_column="walk", label_column="walk")


def test_the_plainest_name_wins(tmp_path):
    rows = [{"steps": [[i, 2]], "sequence": [[i, 1]], "text": "x", "label": i % 2} for i in range(47)]
    dataset = read_own(jsonl(tmp_path, rows), kind="sequences")
    assert read_back(dataset)[0][7].tolist() == [[7, 1]]
    rows = [{"values": [[i, 2]], "series": [[i, 1]], "label": i % 2} for i in range(47)]
    with pytest.raises(ColumnError, match=r"has the columns 'values', 'series'; choose one with --sequence-column"):
        read_own(jsonl(tmp_path, rows), kind="sequences")


def test_columns_to_predict_from(tmp_path):
    path = jsonl(tmp_path, [{"walk": [[1, 2]], "other": [[3, 4]]}])
    assert [s.tolist() for s in read_sequences(path, sequence_column="other")] == [[[3, 4]]]
    with pytest.raises(ColumnError, match="'walk', 'other', and it is not plain which holds the sequences; name it 's"):
        list(read_sequences(path))
    with pytest.raises(ColumnError, match="'walk', 'other', and none is called 'q'; name it 'sequence'"):
        list(read_sequences(path, sequence_column="q"))


GOOD = [{"sequence": [[1, 2], [3, 4]], "label": "a"}, {"sequence": [[5, 6]], "label": "b"}]


FIRST = "values stand there, and in the first step of all 2; as many in every step were needed."
FINITE = "was found; a finite number, of at most 3.4e38, was needed."


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ([[1, 2, 3]], f", step 1: 3 {FIRST}"),
        ([[1, 2], []], f", step 2: 0 {FIRST}"),
        ([[1, 2], None], f", step 2: 0 {FIRST}"),
        ([[1, 2], [3, None]], f", step 2: nan {FINITE}"),
        ([[1, 2], [float("nan"), 3]], f", step 2: nan {FINITE}"),
        ([[1, 2], [3, 4], [float("-inf"), 3]], f", step 3: -inf {FINITE}"),
        ([[1, 1e39]], f", step 1: 1e+39 {FINITE}"),
        ([], ": no step stands there; leave the row out."),
        (None, ": no step stands there; leave the row out."),
    ],
)
def test_values_that_cannot_be_used_are_named_by_row_and_column(tmp_path, empty_cache, value, sentence):
    rows = [*GOOD, {"label": "a", "sequence": value}, *GOOD]
    columns = {name: [row[name] for row in rows] for name in ("sequence", "label")}
    for path, place in ((jsonl(tmp_path, rows), "line 3"), (parquet(tmp_path, **columns), "row 3")):
        for read in (lambda path=path: read_own(path, kind="sequences"), lambda path=path: list(read_sequences(path))):
            with pytest.raises(ColumnError) as caught:
                read()
            assert str(caught.value) == f"{path}, {place}, column 'sequence'{sentence}"
    assert not list(empty_cache.glob("datasets/*"))


def test_a_number_of_5000_digits(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"sequence": [[1, 2], [3, {"9" * 5000}]]}}\n')
    with pytest.raises(ColumnError, match=f"line 1, column 'sequence', step 2: inf {FINITE}"):
        list(read_sequences(path))


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("[[1, 2]]", ": '[[1, 2]]' was found; a list of steps was needed."),
        (17, ": 17.0 was found; a list of steps was needed."),
        ({"a": 1}, ": an object was found; a list of steps was needed."),
        ([1, 2], ", step 1: 1.0 was found; a list of numbers was needed."),
        ([[1, 2], "3"], ", step 2: '3' was found; a list of numbers was needed."),
        ([[1, 2], [3, "4"]], ", step 2: '4' was found; a number was needed."),
        ([[1, 2], [3, [4]]], ", step 2: a list was found; a number was needed."),
        ([[1, 2], [3, {}]], ", step 2: an object was found; a number was needed."),
    ],
)
def test_other_values_in_json_are_named_by_row_and_column(tmp_path, value, sentence):
    path = jsonl(tmp_path, [*GOOD, {"label": "a", "sequence": value}])
    with pytest.raises(ColumnError) as caught:
        read_own(path, kind="sequences")
    assert str(caught.value) == f"{path}, line 3, column 'sequence'{sentence}"


def test_a_list_among_plain_numbers(tmp_path):
    path = jsonl(tmp_path, [{"sequence": [1, 2, [3]], "label": 1}])
    with pytest.raises(ColumnError, match="line 1, column 'sequence', step 3: a list was found; a number was needed"):
        list(read_sequences(path))
    path = jsonl(tmp_path, [{"sequence": [[], []], "label": 1}])
    with pytest.raises(ColumnError, match="step 1: no number stands there; one a step was needed, or more"):
        list(read_sequences(path))


def test_the_width_is_that_of_the_whole_file(tmp_path, monkeypatch):
    monkeypatch.setattr(json_lines, "ROWS", 2)
    path = jsonl(tmp_path, [*GOOD, *GOOD, {"sequence": [[1, 2]]}, {"sequence": [[1], [2]]}])
    with pytest.raises(ColumnError, match="line 6, column 'sequence', step 1: 1 values stand there, and in the first "):
        list(read_sequences(path))
    path = jsonl(tmp_path, [*GOOD, *GOOD, {"sequence": [1, 2]}])
    with pytest.raises(ColumnError, match="line 5, column 'sequence', step 1: 1.0 was found; a list of numbers was "):
        list(read_sequences(path))


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ([["a", "b"]], "list<element: string>"),
        ([[{"a": 1}]], "list<element: struct<a: int64>>"),
        ([[[[1.0]]]], "list<element: list<element: list<element: double>>>"),
        (["[[1, 2]]"], "string"),
    ],
)
def test_parquet_columns_of_other_types(tmp_path, column, kind):
    path = parquet(tmp_path, sequence=column * 2, label=["a", "b"])
    with pytest.raises(ColumnError) as caught:
        read_own(path, kind="sequences", sequence_column="sequence")
    assert str(caught.value) == (
        f"{path}: column 'sequence' is of type {kind}; lists of numbers, or of lists of numbers, were needed."
    )


def test_files_without_lists(tmp_path):
    path = jsonl(tmp_path, [{"sequence": "1 2 3", "label": 1}])
    for read in (lambda: read_own(path, kind="sequences"), lambda: list(read_sequences(path))):
        with pytest.raises(ColumnError) as caught:
            read()
        assert str(caught.value) == (
            f"{path} has no column of lists; a list of steps a row was needed, such as [[0.1, 2], [0.3, 1]]."
        )
    path = tmp_path / "a.csv"
    path.write_text("sequence,label\n1,2\n")
    for read in (lambda: read_own(path, kind="sequences"), lambda: list(read_sequences(path))):
        with pytest.raises(DataError, match=r"cannot be read as sequences; a file in \.jsonl, .* or \.npz was needed"):
            read()


def test_labels_are_judged_like_those_of_texts(tmp_path):
    with pytest.raises(ColumnError, match="column 'label' holds the label 'a' alone; at least two classes were needed"):
        read_own(jsonl(tmp_path, [GOOD[0]] * 3), kind="sequences")
    rows = [{"sequence": [[i]], "label": f"id{i}"} for i in range(2000)]
    with pytest.raises(ColumnError, match="column 'label' holds more than 1,000 different labels"):
        read_own(jsonl(tmp_path, rows), kind="sequences")
    path = parquet(tmp_path, sequence=[[[1.0]]] * 2, label=[["a"], ["b"]])
    with pytest.raises(ColumnError, match="column 'label' holds lists or structures"):
        read_own(path, kind="sequences", sequence_column="sequence", label_column="label")
    rows = [*({"sequence": [[i, 1.5]], "label": i % 2} for i in range(40)), {"sequence": [[0, 0]], "label": 7}]
    assert read_own(jsonl(tmp_path, rows), kind="sequences").notes[-1] == (
        "1 of 3 classes have less than 2 training examples: '7'."
    )


X, Y = RANDOM.normal(size=(41, 5, 3)), np.arange(41) % 2
FLAT, COUNTS = X.reshape(-1, 3), np.full(41, 5)
WANTED = "x (sequences, time, values), or steps (steps, values) with lengths (sequences,), and labels y were needed."


def changed(array, place, value):
    copy = array.copy()
    copy[place] = value
    return copy


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"z": X, "y": Y}, " holds the arrays 'z', 'y'; " + WANTED),
        ({"x": X}, " holds the arrays 'x'; " + WANTED),
        ({"steps": FLAT, "y": Y}, " holds the arrays 'steps', 'y'; " + WANTED),
        ({"x": X, "steps": FLAT, "lengths": COUNTS, "y": Y}, " holds the arrays 'x', 'steps', 'lengths', 'y'; "),
        ({"x": X[:, :, :, None], "y": Y}, ": array 'x' has the shape (41, 5, 3, 1); (sequences, time, values) was"),
        ({"x": X[:, 0, 0], "y": Y}, ": array 'x' has the shape (41,); (sequences, time, values) was needed."),
        ({"x": X[:, :0], "y": Y}, ": array 'x' has the shape (41, 0, 3); (sequences, time, values) was needed."),
        ({"steps": X, "lengths": COUNTS, "y": Y}, ": array 'steps' has the shape (41, 5, 3); (steps, values) was "),
        ({"x": X, "y": Y[:-1]}, ": array 'y' has the shape (40,), and there are 41 sequences; one label a sequence"),
        ({"x": X, "y": Y + 1j}, ": array 'y' is of type complex128, which cannot be used; numbers or strings were "),
        ({"x": X.astype(str), "y": Y}, ": array 'x' is of type <U32, which cannot be used; numbers were needed."),
        ({"x": X, "y": Y.astype(object)}, ": array 'y' holds Python objects, that is a pickle, which could run any "),
        ({"x": X, "lengths": COUNTS[:-1], "y": Y}, ": array 'lengths' has the shape (40,), and 'x' has (41, 5, 3); "),
        ({"x": X, "lengths": np.int64(5), "y": Y}, ": array 'lengths' has the shape (), and 'x' has (41, 5, 3); one l"),
        ({"x": X, "lengths": COUNTS * 1.0, "y": Y}, ": array 'lengths' is of type float64, which cannot be used; whol"),
        ({"x": X, "lengths": changed(COUNTS, 7, 6), "y": Y}, ": lengths[7] is 6; a length from 1 to 5 was needed."),
        ({"x": X, "lengths": changed(COUNTS, 7, 0), "y": Y}, ": lengths[7] is 0; a length from 1 to 5 was needed."),
        ({"x": X, "lengths": changed(COUNTS, 7, -2**63), "y": Y}, ": lengths[7] is -9223372036854775808; a length fr"),
        ({"steps": FLAT, "lengths": changed(COUNTS, 7, 4), "y": Y},
         ": the lengths sum to 204, and 'steps' has 205 steps; as many were needed."),
        ({"steps": FLAT, "lengths": np.full(41, 2**62), "y": Y}, ": lengths[0] is 4611686018427387904; a length from"),
        ({"steps": FLAT, "lengths": COUNTS[None], "y": Y}, ": array 'lengths' has the shape (1, 41), and 'steps' has "),
        ({"x": changed(X, (37, 4, 1), np.nan), "y": Y}, ": x[37, 4, 1] is nan; a finite number, of at most 3.4e38, w"),
        ({"x": changed(X, (37, 4, 1), -1e39), "y": Y}, ": x[37, 4, 1] is -1e+39; a finite number, of at most 3.4e38,"),
        ({"x": changed(X[:, :, 0], (37, 4), np.inf), "y": Y}, ": x[37, 4] is inf; a finite number, of at most 3.4e38"),
        ({"steps": changed(FLAT, (203, 2), np.nan), "lengths": COUNTS, "y": Y}, ": steps[203, 2] is nan; a finite num"),
        ({"steps": changed(FLAT[:, 0], 203, np.nan), "lengths": COUNTS, "y": Y}, ": steps[203] is nan; a finite numbe"),
        ({"x": X, "y": Y * 0}, ": column 'y' holds the label '0' alone; at least two classes were needed."),
    ],
)  # fmt: skip
def test_other_arrays_are_refused_in_one_sentence(tmp_path, empty_cache, monkeypatch, arrays, sentence):
    path = npz(tmp_path, **arrays)
    for batch_bytes in (1 << 23, 997):
        monkeypatch.setattr(npz_sequences, "BATCH_BYTES", batch_bytes)
        with pytest.raises(DataError) as caught:
            read_own(path, kind="sequences")
        assert str(caught.value).startswith(f"{path}{sentence}")
        assert "\n" not in str(caught.value)
    assert not list(empty_cache.glob("datasets/*"))


def test_labels_that_are_no_text(tmp_path):
    labels = np.array(["aa", "bb"])[Y]
    labels.view(np.uint32)[17] = 0x110000
    with pytest.raises(DataError, match="array 'y' holds what is no text .*; save the labels anew"):
        read_own(npz(tmp_path, x=X, y=labels), kind="sequences")
    with pytest.raises(DataError, match="array 'y' holds what is no text .*; save the labels anew"):
        read_own(npz(tmp_path, x=X, y=np.array(["\ud800", "b"])[Y]), kind="sequences")


def test_an_npz_file_has_no_columns_to_choose(tmp_path):
    with pytest.raises(ChainruleError) as caught:
        read_own(npz(tmp_path, x=X, y=Y), kind="sequences", label_column="y")
    assert str(caught.value) == "columns were named, and an .npz file has none; call its arrays x and y instead."


def test_damaged_content_is_refused_and_leaves_nothing(tmp_path, empty_cache):
    buffer = io.BytesIO()
    np.savez(buffer, x=X, y=Y)
    content = bytearray(buffer.getvalue())
    content[content.index(X.tobytes()[:50]) + 20] ^= 1
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.npz is damaged or no archive: Bad CRC-32 for file 'x\.npy'"):
        read_own(path, kind="sequences")
    assert not list(empty_cache.glob("datasets/*"))


def test_damaged_parquet_files_are_refused_wherever_the_damage_is(tmp_path):
    path = written(tmp_path, "parquet")
    whole = path.read_bytes()
    refused = 0
    for place in range(4, len(whole), len(whole) // 40):
        path.write_bytes(whole[:place] + bytes(64) + whole[place + 64 :])
        try:
            for sequence in read_sequences(path):
                assert sequence.shape[1] == 3
        except DataError as error:
            assert "\n" not in str(error)  # noqa: PT017
            refused += 1
    assert refused >= 5  # zeros among the numbers are numbers


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet", ".npz"])
def test_random_files_give_one_sentence(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    for start in (b"", b"PAR1", b"PK\x03\x04", b'{"sequence": [[1', b"\x80\x04", b"\x93NUMPY"):
        path.write_bytes(start + RANDOM.bytes(200))
        with pytest.raises(DataError) as caught:
            read_own(path, kind="sequences")
        assert "\n" not in str(caught.value)


def test_a_file_is_converted_once(tmp_path, monkeypatch):
    for form in ("jsonl", "npz"):
        path = written(tmp_path, form)
        first = read_own(path, kind="sequences")
        with monkeypatch.context() as patch:
            patch.setattr(own_files, "convert_sequences", None)
            assert read_own(path, kind="sequences").rows.equals(first.rows)


MEASURED = """
import resource, sys
from chainrule.data.own_files import read_own
from chainrule.errors import ChainruleError
import pyarrow.compute, pyarrow.parquet, charset_normalizer
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    dataset = read_own(sys.argv[1], kind="sequences")
    print(len(dataset.split_codes), int(dataset.split_codes.max()))
except ChainruleError as error:
    print(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def measured(path):
    """What is printed of the data set or the error, and the memory taken in MiB."""
    done = subprocess.run([sys.executable, "-c", MEASURED, path], capture_output=True, text=True, check=True)
    said, mebibytes = done.stdout.splitlines()
    return said, float(mebibytes)


@pytest.mark.parametrize("form", ["jsonl", "parquet", "npz", "npz in a row"])
def test_a_file_larger_than_the_memory_it_takes(tmp_path, form):
    block = RANDOM.normal(size=(100, 29, 17)).astype(np.float32)
    count = {"jsonl": 50}.get(form, 500)
    labels = np.arange(100 * count) % 2
    path = tmp_path / "a.npz"
    if form == "jsonl":
        path = tmp_path / "a.jsonl"
        lines = "".join(json.dumps({"sequence": rows, "label": i % 2}) + "\n" for i, rows in enumerate(block.tolist()))
        path.write_text(lines * count)
    elif form == "parquet":
        path = tmp_path / "a.parquet"
        kind = pa.list_(pa.list_(pa.float32(), 17))
        table = pa.table({"sequence": pa.array(block.tolist(), kind), "label": labels[:100]})
        with pq.ParquetWriter(path, table.schema, use_dictionary=False) as writer:
            for _ in range(count // 100):
                writer.write_table(pa.concat_tables([table] * 100))
    else:
        repeated = np.broadcast_to(block, (count, *block.shape)).reshape(-1, 29, 17)
        if form == "npz":
            np.savez(path, x=repeated, y=labels)
        else:
            np.savez(path, steps=repeated.reshape(-1, 17), lengths=np.full(100 * count, 29), y=labels)
        del repeated
    assert path.stat().st_size > 50e6
    said, mebibytes = measured(path)
    assert said == f"{100 * count} 2"
    assert mebibytes < 100


def test_claims_of_endless_sequences_are_refused_in_little_memory(tmp_path):
    count = 40_000_000
    path = tmp_path / "a.parquet"
    offsets = pa.array([0, count // 2, count], pa.int64())
    steps = pa.LargeListArray.from_arrays(offsets, pa.array(np.zeros(count, np.float32)))
    pq.write_table(pa.table({"sequence": steps, "label": ["a", "b"]}), path)
    assert path.stat().st_size < 1e6
    del steps
    said, mebibytes = measured(path)
    assert said == (
        f"{path}: column 'sequence' claims 20,000,000 values a row; sequences of at most 16,777,216 were needed."
    )
    assert mebibytes < 60
    bomb = tmp_path / "a.npz"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x.npy", "w") as member:
        np.lib.format.write_array_header_1_0(member, {"descr": "<f4", "fortran_order": False, "shape": (count, 1, 1)})
        for _ in range(16):
            member.write(bytes(count // 4))
    said, mebibytes = measured(bomb)
    assert "a.npz was refused: it unpacks to 153 MiB or more" in said
    assert mebibytes < 30
