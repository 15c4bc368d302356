import json

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
from tests.data.sequence_files import (
    FORMS,
    LENGTHS,
    RANDOM,
    SEQUENCES,
    jsonl,
    lists,
    measured,
    npz,
    padded,
    parquet,
    read_back,
    written,
)

pytestmark = pytest.mark.usefixtures("empty_cache")


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
        read_own(jsonl(tmp_path, [{"sequence": [[1, 2]], "label": "a"}] * 3), kind="sequences")
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
