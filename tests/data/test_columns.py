from pathlib import Path

import pytest

from chainrule.data.columns import Choice, choose_answer, choose_text, guess_text
from chainrule.data.records import Records, string_columns
from chainrule.errors import ColumnError, OptionError

LONG_TEXT = "a text of more than twenty characters"


def table(**columns):
    """Records of one batch."""
    count = len(next(iter(columns.values())))

    def batches(wanted):
        yield string_columns(Path("a.csv"), {name: columns[name] for name in wanted}, range(2, count + 2))

    return Records(path=Path("a.csv"), names=tuple(columns), batches=batches)


CHOOSE = "; choose with --text-column and --label-column."
TEXT_NOTE = "Using column {!r} as text and {!r} as label; choose others with --text-column and --label-column."


@pytest.mark.parametrize(
    ("columns", "text", "label"),
    [
        ({"label": "1", "review": "x"}, "review", "label"),
        ({"cat": "b", "label": "1", "review": "x"}, "review", "label"),
        ({"Text": "x", "Sentiment": "1", "comment": "y"}, "Text", "Sentiment"),
        ({"评论": "x", "标签": "1", "时间": "2020"}, "评论", "标签"),
        ({"label": "1", "class": "2", "content": "x"}, "content", "label"),
        ({"stars": "5", "opinion": "very good"}, "opinion", "stars"),
        ({"label": "1", "id": "77", "opinion": LONG_TEXT, "town": "Rome"}, "opinion", "label"),
        ({"(column 1)": "0", "label": "1", "text": "x"}, "text", "label"),
        ({"(column 1)": "0", "grade": "1", "opinion": "good"}, "opinion", "grade"),
    ],
)
def test_plain_columns_are_guessed_and_said(columns, text, label):
    records = table(**{name: [value] for name, value in columns.items()})
    assert choose_text(records, Choice()) == (text, label, (TEXT_NOTE.format(text, label),))


def test_named_columns_need_no_note():
    records = table(a=["x"], text=["y"], label=["z"])
    assert choose_text(records, Choice(text="a", label="text")) == ("a", "text", ())
    assert choose_text(records, Choice(text="a"))[:2] == ("a", "label")


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        (
            ["a", "b", "label"],
            "a.csv has the columns 'a', 'b', 'label', and it is not plain which is the text" + CHOOSE,
        ),
        (["text", "b", "c"], "a.csv has the columns 'text', 'b', 'c', and it is not plain which is the label" + CHOOSE),
        (["content", "comment", "label"], "a.csv has the columns 'content', 'comment'; choose one with --text-column."),
        (["text", "class", "category"], "a.csv has the columns 'class', 'category'; choose one with --label-column."),
    ],
)  # fmt: skip
def test_columns_that_are_not_plain_are_asked_for(columns, sentence):
    records = table(**{name: ["short", "other"] for name in columns})
    with pytest.raises(ColumnError) as caught:
        choose_text(records, Choice())
    assert str(caught.value) == sentence


def test_many_columns_are_not_all_listed():
    with pytest.raises(ColumnError, match=r"'c0', .*'c11' and 1 more, and it is not plain"):
        choose_text(table(**{f"c{i}": ["word"] for i in range(13)}), Choice())


def test_a_missing_column_is_said_with_the_nearest_name():
    records = table(review=["x"], label=["1"])
    with pytest.raises(ColumnError, match=r"^a\.csv has no column 'reviw' \(--text-column\); did you mean 'review'\?$"):
        choose_text(records, Choice(text="reviw"))
    expected = r"^a\.csv has no column 'q' \(--ignore-columns\); its columns are 'review', 'label'\.$"
    with pytest.raises(ColumnError, match=expected):
        choose_answer(records, Choice(label="label", ignored=("q",)))


def test_one_column_cannot_be_two_things():
    records = table(a=["x"], b=["1"])
    with pytest.raises(OptionError, match="column 'a' was named for both --text-column and --label-column"):
        choose_text(records, Choice(text="a", label="a"))
    with pytest.raises(OptionError, match="--label-column and --target-column were both given"):
        choose_answer(records, Choice(label="a", target="b"))


@pytest.mark.parametrize(
    ("name", "values", "is_label"),
    [
        ("target", ["1.5", "2", "3"], False),
        ("target", ["0", "1", "1"], True),
        ("Y", ["yes", "no", ""], True),
        ("y", [str(i) for i in range(21)], False),
        ("目标", ["1", "2", "NA"], True),
        ("class", ["1.5", "2", "3"], True),
    ],
)
def test_what_a_table_answers_is_guessed(name, values, is_label):
    role, other = ("label", "target") if is_label else ("target", "label")
    note = f"Using column {name!r} as {role}; choose another with --{role}-column or --{other}-column."
    records = table(a=["1"] * len(values), **{name: values})
    assert choose_answer(records, Choice()) == (name, is_label, (note,))


def test_a_table_whose_answer_is_not_plain():
    with pytest.raises(ColumnError, match=r"columns 'a', 'b', and it is not plain which is to be predicted; choose"):
        choose_answer(table(a=["1"], b=["2"]), Choice())
    assert choose_answer(table(a=["1"], b=["2"]), Choice(target="b")) == ("b", False, ())
    assert choose_answer(table(a=["1"], b=["2"]), Choice(label="a")) == ("a", True, ())


def test_the_text_alone():
    assert guess_text(table(a=["1", "2"], b=["x", "3"]), ()) == "b"
    assert guess_text(table(a=["1", "2"]), ()) is None
