import gc
import os
from pathlib import Path

import numpy as np
import pytest

from chainrule.data import token_store
from chainrule.data.text_tokens import train_tokenizer
from chainrule.data.token_store import Frame, encode

TOKENIZER = train_tokenizer("characters", ["aabbcc"], vocabulary_size=5)  # a 2, b 3, c 4


def test_tokens_of_all_texts_stand_one_after_another():
    store = encode(TOKENIZER, ["abc", "", "a b a b x", " 　\n"], max_length=4)
    np.testing.assert_array_equal(store.tokens, np.array([2, 3, 4, 1, 2, 3, 2, 3, 1], np.int32))
    assert store.tokens.dtype == np.int32
    np.testing.assert_array_equal(store.offsets, [0, 3, 4, 8, 9])
    np.testing.assert_array_equal(store.lengths, [3, 1, 4, 1])
    assert len(store) == 4
    assert (store.truncated, store.unknown_characters, store.characters) == (1, 1, 8)


def test_padded_spans_come_in_the_order_asked_for():
    store = encode(TOKENIZER, ["abc", "c", "ba"], max_length=9)
    positions = np.array([2, 0, 2, 1])
    tokens = store.padded_spans(store.offsets[positions], store.lengths[positions])
    np.testing.assert_array_equal(tokens, [[3, 2, 0], [2, 3, 4], [3, 2, 0], [4, 0, 0]])
    assert tokens.dtype == np.int64
    inner = store.padded_spans(np.array([1, 3]), np.array([2, 1]))
    np.testing.assert_array_equal(inner, [[3, 4], [4, 0]])


def test_packed_texts_stand_one_after_another_in_the_order_asked_for():
    store = encode(TOKENIZER, ["abc", "c", "ba"], max_length=9)
    tokens = store.packed(np.array([2, 0, 2]))
    np.testing.assert_array_equal(tokens, [3, 2, 2, 3, 4, 3, 2])
    assert tokens.dtype == np.int64


def test_a_frame_stands_around_every_text_and_counts_as_length():
    frame = Frame(unknown=1, before=(7, 8), after=(9,))
    store = encode(TOKENIZER, ["abc", "", "ax"], max_length=5, frame=frame)
    np.testing.assert_array_equal(store.tokens, [7, 8, 2, 3, 9, 7, 8, 9, 7, 8, 2, 1, 9])
    np.testing.assert_array_equal(store.lengths, [5, 3, 5])
    assert (store.truncated, store.unknown_characters) == (1, 1)


def test_the_sentence_says_shares_and_cuts():
    store = encode(TOKENIZER, ["abcx", "zzzz", "ab", "a"], max_length=3)
    assert store.sentence("validation") == (
        "45.45 % of the validation texts' characters are unknown to the tokenizer; "
        "2 of 4 texts are longer than 3 tokens and were cut."
    )


def test_unknown_characters_are_counted_in_words_too():
    tokenizer = train_tokenizer("words", ["酒店很好", "酒店很好"], vocabulary_size=20)
    store = encode(tokenizer, ["酒店很好呀呀呀 ok"], max_length=20)
    assert (store.unknown_characters, store.characters) == (5, 9)


def test_no_texts_at_all():
    store = encode(TOKENIZER, iter(()), max_length=3)
    assert len(store) == 0
    assert store.tokens.shape == (0,)
    assert store.sentence("test").startswith("0.00 % of the test texts' characters are unknown")


def test_more_texts_than_are_encoded_at_once():
    texts = ["abc"[i % 3] * (i % 7 + 1) for i in range(2500)]
    store = encode(TOKENIZER, iter(texts), max_length=5)
    for i in (0, 1023, 1024, 2047, 2048, 2499):
        expected = [2 + i % 3] * min(i % 7 + 1, 5)
        np.testing.assert_array_equal(store.tokens[store.offsets[i] : store.offsets[i + 1]], expected)
    assert store.truncated == sum(i % 7 + 1 > 5 for i in range(2500))


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="open files are counted in /proc")  # noqa: PTH112
def test_the_file_is_in_the_cache_has_no_name_and_goes_with_the_store(empty_cache):
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    store = encode(TOKENIZER, ["abc"] * 5, max_length=3)
    assert list((empty_cache / "passing").iterdir()) == []
    assert f" {empty_cache}/passing/" in Path("/proc/self/maps").read_text()
    np.testing.assert_array_equal(store.tokens, [2, 3, 4] * 5)
    del store
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_where_the_cache_takes_nothing_the_system_s_own_place_will_do(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "file" / "cache"))
    np.testing.assert_array_equal(encode(TOKENIZER, ["abc"], max_length=3).tokens, [2, 3, 4])


def test_which_tokens_of_a_vocabulary_occur(monkeypatch):
    monkeypatch.setattr(token_store, "TOKENS_AT_A_TIME", 2)  # of six
    store = encode(TOKENIZER, ["ab", "bxbb"], max_length=9)
    np.testing.assert_array_equal(store.occurring(7), [False, True, True, True, False, False, False])
