"""Tokenizers for texts, whole inside `tokenizer.json`."""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

from chainrule.data.dataset import Examples
from chainrule.errors import DataError, ModelFolderError, OptionError

TokenizerKind = Literal["characters", "subwords", "words"]
PAD, UNKNOWN = "[PAD]", "[UNK]"
PAD_ID, UNKNOWN_ID = 0, 1
SPECIAL = (PAD, UNKNOWN)
MIN_COUNT = 2  # what was seen once stays unknown, so that the network learns what an unknown token means
LONGEST_WORD = 32  # characters; longer ones are addresses and noise
HAN = "[〇々㐀-䶿一-鿿豈-﫿\U00020000-\U0003ffff]"
AT_A_TIME = 1024


class TextsOf:
    """The texts of some examples, read a few at a time; can be gone through again and again."""

    def __init__(self, examples: Examples) -> None:
        self._examples = examples

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self._examples), AT_A_TIME):
            yield from self._examples.texts(np.arange(start, min(start + AT_A_TIME, len(self._examples))))


def train_tokenizer(kind: TokenizerKind, texts: Iterable[str], *, vocabulary_size: int) -> Tokenizer:
    """A tokenizer for texts like these; equal texts give an equal tokenizer, byte for byte.

    All kinds bring texts to NFKC and lower case and drop white space.

    - characters: a token a character.
    - subwords: byte-pair encoding (Sennrich et al., "Neural machine translation of rare words with
      subword units", 2016) within words and runs of Chinese characters.
    - words: those that jieba finds in the texts. jieba itself cannot stand in `tokenizer.json`, so its words
      go into a unigram model, which cuts a text so that the product of the words' frequencies is largest.

    Args:
        kind: what a token is.
        texts: the training texts. They are gone through more than once: an iterator will not do.
        vocabulary_size: the most tokens there may be, [PAD] = 0 and [UNK] = 1 among them; at least 3.

    Raises:
        DataError: the texts hold no character twice.
    """
    if iter(texts) is texts:
        raise TypeError("texts are gone through more than once: give a list or TextsOf(examples)")
    if vocabulary_size < 3:
        raise OptionError(f"a vocabulary of {vocabulary_size} tokens was asked for; it needs at least 3.")
    normaliser = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    characters = _characters(map(normaliser.normalize_str, texts), vocabulary_size - len(SPECIAL))
    if not characters:
        raise DataError("the training texts hold no character twice; a tokenizer needs more text.")
    tokenizer = _TRAIN[kind](texts, characters, vocabulary_size, normaliser)
    tokenizer.normalizer = normaliser
    return tokenizer


def _characters(texts: Iterable[str], limit: int) -> Counter[str]:
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(text)
    return Counter(dict(_frequent({c: n for c, n in counts.items() if not c.isspace()}, limit)))


def _frequent(counts: dict[str, int], limit: int) -> list[tuple[str, int]]:
    """The most frequent, most frequent first; equal counts in the order of their characters."""
    often = [(token, count) for token, count in counts.items() if count >= MIN_COUNT]
    return sorted(often, key=lambda pair: (-pair[1], pair[0]))[:limit]


def _train_characters(
    _texts: Iterable[str], characters: Counter[str], _size: int, _normaliser: normalizers.Normalizer
) -> Tokenizer:
    vocabulary = {token: number for number, token in enumerate([*SPECIAL, *characters])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.FixedLength(1)])
    return tokenizer


def _train_subwords(
    texts: Iterable[str], characters: Counter[str], size: int, normaliser: normalizers.Normalizer
) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.BpeTrainer(
        vocab_size=size, min_frequency=MIN_COUNT, special_tokens=list(SPECIAL), show_progress=False
    )
    # The trainer's own limit on the alphabet breaks ties by chance, so rare characters are taken out before.
    known = ("".join(c if c in characters else " " for c in normaliser.normalize_str(text)) for text in texts)
    tokenizer.train_from_iterator(known, trainer)
    return _without_added_tokens(tokenizer)


def _without_added_tokens(tokenizer: Tokenizer) -> Tokenizer:
    """The same, but "[PAD]" in a text is five characters like any others, not the padding."""
    content = json.loads(tokenizer.to_str())
    content["added_tokens"] = []
    return Tokenizer.from_str(json.dumps(content))


def _train_words(
    texts: Iterable[str], characters: Counter[str], size: int, normaliser: normalizers.Normalizer
) -> Tokenizer:
    import rjieba

    splitter = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(f"{HAN}+"), "isolated"), pre_tokenizers.Whitespace()]
    )
    is_han = re.compile(HAN).match
    found: Counter[str] = Counter()
    for text in texts:
        for run, _ in splitter.pre_tokenize_str(normaliser.normalize_str(text)):
            found.update(rjieba.cut(run) if is_han(run) else [run])
    longer = {word: n for word, n in found.items() if 1 < len(word) <= LONGEST_WORD}
    words = dict(_frequent(longer, size - len(SPECIAL) - len(characters)))
    words |= {character: max(found[character], 1) for character in characters}
    total = sum(words.values())
    scores = {
        word: math.log(count / total) if is_han(word) else -1 / len(word)
        for word, count in sorted(words.items(), key=lambda pair: (-pair[1], pair[0]))
    }
    # Runs without Chinese characters compete only among themselves; -1/length keeps a known one whole.
    tokenizer = Tokenizer(models.Unigram([*((token, 0.0) for token in SPECIAL), *scores.items()], UNKNOWN_ID))
    tokenizer.pre_tokenizer = splitter
    return tokenizer


_TRAIN: dict[TokenizerKind, Callable[[Iterable[str], Counter[str], int, normalizers.Normalizer], Tokenizer]] = {
    "characters": _train_characters,
    "subwords": _train_subwords,
    "words": _train_words,
}


def spelling_of(tokenizer: Tokenizer, longest: int) -> NDArray[np.int64]:
    """The characters of each token by number, (vocabulary, longest).

    Characters are numbered from 2 in their order, 1 stands for the unknown token, 0 for nothing: [PAD], and what
    comes after a token's end.

    Args:
        tokenizer: whose tokens are spelt.
        longest: characters a token is cut to, ≥ 1.
    """
    vocabulary = tokenizer.get_vocab()
    words = {word: number for word, number in vocabulary.items() if word not in SPECIAL}
    alphabet = {character: number for number, character in enumerate(sorted(set("".join(words))), len(SPECIAL))}
    spelling = np.zeros((max(vocabulary.values()) + 1, longest), np.int64)
    spelling[UNKNOWN_ID, 0] = UNKNOWN_ID
    for word, number in words.items():
        letters = [alphabet[character] for character in word[:longest]]
        spelling[number, : len(letters)] = letters
    return spelling


def read_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer in a model folder.

    Raises:
        ModelFolderError: it cannot be read, or does not pad with token 0 and know token 1 as the unknown one.
    """
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing more particular
        raise ModelFolderError(f"{path} cannot be read as a tokenizer: {error}.") from error
    if (tokenizer.token_to_id(PAD), tokenizer.token_to_id(UNKNOWN)) != (PAD_ID, UNKNOWN_ID):
        raise ModelFolderError(f"{path} was not written by chainrule: {PAD} must be 0 and {UNKNOWN} 1.")
    return tokenizer
