import hashlib
import json
import math
import subprocess
import sys
from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest
import rjieba
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from chainrule.data.dataset import Dataset
from chainrule.data.text_tokens import (
    LONGEST_WORD,
    PAD_ID,
    SPECIAL,
    UNKNOWN_ID,
    TextsOf,
    read_tokenizer,
    spelling_of,
    train_tokenizer,
)
from chainrule.errors import DataError, ModelFolderError, OptionError

TEXTS = [
    "这个酒店的服务很好，房间也很干净。",
    "酒店的房间很小，服务不好！",
    "我非常喜欢这个电影，电影很好看。",
    "The ROOM was clean, the room was quiet.",
    "Ｔｈｅ hotel room was not clean…",
] * 2


def tokens(tokenizer: Tokenizer, text: str) -> list[str]:
    return tokenizer.encode(text).tokens


def test_characters_are_lower_case_nfkc_and_without_white_space():
    tokenizer = train_tokenizer("characters", ["Ａb b", "A　Bc"], vocabulary_size=10)
    assert tokenizer.get_vocab() == {"[PAD]": PAD_ID, "[UNK]": UNKNOWN_ID, "b": 2, "a": 3}
    assert tokens(tokenizer, "a B\n\tＢc") == ["a", "b", "b", "[UNK]"]


def test_characters_are_ordered_by_count_then_by_code_point_and_limited():
    tokenizer = train_tokenizer("characters", ["ddd", "bb", "cc", "aa", "e"], vocabulary_size=5)
    assert sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get) == ["[PAD]", "[UNK]", "d", "a", "b"]


def test_subwords_merge_what_stands_together_most_often():
    tokenizer = train_tokenizer("subwords", ["low lower", "low lowest"], vocabulary_size=9)
    # "low" stands four times: l+o, then lo+w; one token is left, and of the pairs (e, r) and (e, s), (s, t) …
    # none stands twice.
    assert tokenizer.get_vocab() == {
        "[PAD]": 0,
        "[UNK]": 1,
        "e": 2,
        "l": 3,
        "o": 4,
        "w": 5,
        "lo": 6,
        "low": 7,
        "lowe": 8,
    }
    assert tokens(tokenizer, "LOWER low") == ["lowe", "[UNK]", "low"]


def test_words_are_cut_where_the_product_of_frequencies_is_largest():
    tokenizer = train_tokenizer("words", TEXTS, vocabulary_size=200)
    scores = dict(json.loads(tokenizer.to_str())["model"]["vocab"])
    text = "酒店的服务很好看电影"

    def score(cuts: tuple[int, ...]) -> float:
        words = [text[a:b] for a, b in zip((0, *cuts), (*cuts, len(text)), strict=True)]
        return sum(scores.get(word, -math.inf) for word in words)

    every = [cuts for n in range(len(text)) for cuts in combinations(range(1, len(text)), n)]
    best = max(every, key=score)
    expected = [text[a:b] for a, b in zip((0, *best), (*best, len(text)), strict=True)]
    assert tokens(tokenizer, text) == expected == ["酒店", "的", "服务", "很", "好看", "电影"]


def test_words_scores_are_log_probabilities_of_jieba_counts():
    texts = ["电影电影好看", "电影好"]
    assert rjieba.cut("电影电影好看") == ["电影", "电影", "好看"]
    tokenizer = train_tokenizer("words", texts, vocabulary_size=20)
    scores = dict(json.loads(tokenizer.to_str())["model"]["vocab"])
    # 电影 stands three times, 好 once; 电 and 影, which are no words here, count as seen once; 看 is too rare.
    assert scores == pytest.approx(
        {
            "[PAD]": 0,
            "[UNK]": 0,
            "电影": math.log(3 / 6),
            "好": math.log(1 / 6),
            "影": math.log(1 / 6),
            "电": math.log(1 / 6),
        }
    )


def test_latin_words_stay_whole_and_unknown_ones_fall_apart():
    tokenizer = train_tokenizer("words", TEXTS, vocabulary_size=200)
    assert tokens(tokenizer, "the ROOM was clean, 房间clean!") == [
        *("the", "room", "was", "clean", ",", "房间", "clean", "!")
    ]
    assert tokens(tokenizer, "classroomzz") == ["c", "l", "a", "s", "s", "room", "zz"]  # shown as written, unknown
    assert tokenizer.encode("zz").ids == [UNKNOWN_ID]


def test_a_known_word_beats_its_parts_however_often_these_stand():
    tokenizer = train_tokenizer("words", ["can not cannot can not cannot"] + ["can not"] * 50, vocabulary_size=50)
    assert tokens(tokenizer, "cannot cannotcan") == ["cannot", "cannot", "can"]


def test_too_long_words_are_not_learned():
    text = "a" * (LONGEST_WORD + 1) + " " + "b" * LONGEST_WORD
    vocabulary = train_tokenizer("words", [text, text], vocabulary_size=50).get_vocab()
    assert set(vocabulary) == {"[PAD]", "[UNK]", "a", "b", "b" * LONGEST_WORD}


@pytest.mark.parametrize("kind", ["characters", "subwords", "words"])
def test_special_tokens_in_texts_are_plain_characters(kind):
    tokenizer = train_tokenizer(kind, [*TEXTS, "[PAD] [UNK]", "[PAD] [UNK]"], vocabulary_size=300)
    ids = tokenizer.encode("[PAD] [UNK]").ids
    assert PAD_ID not in ids
    assert UNKNOWN_ID not in ids


@pytest.mark.parametrize("kind", ["characters", "subwords", "words"])
def test_vocabulary_size_is_kept(kind):
    tokenizer = train_tokenizer(kind, TEXTS, vocabulary_size=17)
    assert tokenizer.get_vocab_size() == 17


@pytest.mark.parametrize("kind", ["characters", "subwords", "words"])
@given(text=st.text(max_size=60))
@settings(max_examples=60, deadline=None)
def test_a_stored_tokenizer_gives_equal_ids(kind, text):
    tokenizer = TRAINED[kind]
    assert Tokenizer.from_str(tokenizer.to_str()).encode(text).ids == tokenizer.encode(text).ids


TRAINED = {kind: train_tokenizer(kind, TEXTS, vocabulary_size=120) for kind in ("characters", "subwords", "words")}
PRINT_HASHES = """
import hashlib
from tests.data.test_text_tokens import TEXTS
from chainrule.data.text_tokens import train_tokenizer
for kind in ("characters", "subwords", "words"):
    text = train_tokenizer(kind, TEXTS, vocabulary_size=60).to_str()
    print(hashlib.sha256(text.encode()).hexdigest())
"""


def test_equal_texts_give_equal_bytes_in_another_process():
    done = subprocess.run([sys.executable, "-c", PRINT_HASHES], capture_output=True, text=True, check=True)
    here = [
        hashlib.sha256(train_tokenizer(kind, TEXTS, vocabulary_size=60).to_str().encode()).hexdigest()
        for kind in ("characters", "subwords", "words")
    ]
    assert done.stdout.split() == here


def test_texts_of_examples_can_be_gone_through_twice():
    rows = pa.table({"text": pa.array([f"text {i}" for i in range(3001)], pa.large_string())})
    codes = np.zeros(3001, np.uint8)
    codes[[5, 7]] = 255
    examples = Dataset(name="d", kind="text", rows=rows, split_codes=codes, sha256="").split("train")
    texts = TextsOf(examples)
    expected = [f"text {i}" for i in range(3001) if i not in {5, 7}]
    assert list(texts) == expected
    assert list(texts) == expected


def test_wrong_calls_are_refused():
    with pytest.raises(TypeError, match="gone through more than once: give a list or TextsOf"):
        train_tokenizer("words", iter(TEXTS), vocabulary_size=50)
    with pytest.raises(OptionError, match="a vocabulary of 2 tokens was asked for; it needs at least 3"):
        train_tokenizer("words", TEXTS, vocabulary_size=2)
    with pytest.raises(DataError, match="hold no character twice; a tokenizer needs more text"):
        train_tokenizer("words", ["abc", "  "], vocabulary_size=50)


def test_a_tokenizer_is_read_from_its_file(tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text(TRAINED["words"].to_str(pretty=True), "utf-8")
    assert read_tokenizer(path).encode(TEXTS[0]).ids == TRAINED["words"].encode(TEXTS[0]).ids


def test_a_broken_or_foreign_tokenizer_is_refused(tmp_path):
    path = tmp_path / "tokenizer.json"
    for content in ("", "{}", "[" * 100_000, TRAINED["words"].to_str()[:-50]):
        path.write_text(content)
        with pytest.raises(ModelFolderError, match=r"tokenizer\.json cannot be read as a tokenizer: "):
            read_tokenizer(path)
    path.write_text(TRAINED["characters"].to_str().replace("[PAD]", "<pad>"))
    with pytest.raises(ModelFolderError, match=r"was not written by chainrule: \[PAD\] must be 0 and \[UNK\] 1"):
        read_tokenizer(path)


def test_tokens_are_spelt_by_their_characters():
    tokenizer = train_tokenizer("subwords", ["abab abba", "abab baab"], vocabulary_size=9)
    spelling = spelling_of(tokenizer, 3)
    letters = {2: "a", 3: "b"}
    for token, number in tokenizer.get_vocab().items():
        spelt = "".join(letters[letter] for letter in spelling[number] if letter > 1)
        assert spelt == ("" if token in SPECIAL else token[:3])
    assert spelling[0].tolist() == [0, 0, 0]
    assert spelling[1].tolist() == [1, 0, 0]
    assert {len(token) for token in tokenizer.get_vocab()} > {1, 2}
