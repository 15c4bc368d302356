"""BERT's tokenizer: WordPiece with the vocabulary of a published checkpoint, or one of a user's own texts."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from chainrule.data.text_tokens import MIN_COUNT
from chainrule.data.token_store import Frame
from chainrule.errors import DataError, ModelFolderError
from chainrule.models.folder import read_json, read_text

VOCABULARY, WHOLE, SETTINGS = "vocab.txt", "tokenizer.json", "tokenizer_config.json"
PAD, UNKNOWN, FIRST, LAST, MASK = "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"
SPECIAL = (PAD, UNKNOWN, FIRST, LAST, MASK)
LARGEST_VOCABULARY = 2**20  # tokens; the largest that is published has an eighth of this
LONGEST_WORD = 100  # characters; a longer word is unknown as a whole


def frame_of(tokenizer: Tokenizer) -> Frame:
    """What stands around every text: [CLS] before it and [SEP] after it.

    Raises:
        ValueError: the vocabulary lacks one of the two, or [UNK].
    """

    def number(name: str) -> int:
        found: int | None = tokenizer.token_to_id(name)
        if found is None:
            raise ValueError(f"the vocabulary lacks {name}, which BERT's texts need")
        return found

    return Frame(number(UNKNOWN), (number(FIRST),), (number(LAST),))


def wordpiece(
    vocabulary: Sequence[str],
    *,
    lowercase: bool = True,
    chinese_characters: bool = True,
    strip_accents: bool | None = None,
) -> Tokenizer:
    """A tokenizer that cuts words into the longest pieces it knows, from the left.

    WordPiece as in Devlin et al., "BERT", arXiv 1810.04805: control characters go, white space and punctuation
    part words, Chinese characters stand alone, a piece that continues a word begins with ##, and a word that
    cannot be cut is [UNK] as a whole.

    Args:
        vocabulary: tokens by their numbers.
        lowercase: whether texts are brought to lower case.
        chinese_characters: whether each Chinese character is a word of its own.
        strip_accents: whether accents go; they do with `lowercase` where None.

    Raises:
        ValueError: the vocabulary lacks a token that BERT's texts need.
    """
    model = models.WordPiece(
        {token: number for number, token in enumerate(vocabulary)},
        unk_token=UNKNOWN,
        max_input_chars_per_word=LONGEST_WORD,
    )
    tokenizer = Tokenizer(model)
    frame = frame_of(tokenizer)
    tokenizer.normalizer = _normaliser(
        lowercase=lowercase, chinese_characters=chinese_characters, strip_accents=strip_accents
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{FIRST} $A {LAST}",
        pair=f"{FIRST} $A {LAST} $B:1 {LAST}:1",
        special_tokens=[(FIRST, *frame.before), (LAST, *frame.after)],
    )
    # As everywhere else, "[SEP]" in a text is the token itself.
    known = [name for name in SPECIAL if tokenizer.token_to_id(name) is not None]
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in known])
    return tokenizer


def _normaliser(
    *, lowercase: bool = True, chinese_characters: bool = True, strip_accents: bool | None = None
) -> normalizers.Normalizer:
    return normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=chinese_characters, strip_accents=strip_accents, lowercase=lowercase
    )


def train_wordpiece(texts: Iterable[str], *, vocabulary_size: int) -> Tokenizer:
    """A tokenizer for texts like these, in lower case; equal texts give an equal one.

    The pieces are those that byte-pair encoding finds in the words, the most frequent ones.

    Args:
        texts: the training texts.
        vocabulary_size: the most tokens there may be, the five special ones among them.

    Raises:
        DataError: the texts hold no character twice.
    """
    normaliser, splitter = _normaliser(), pre_tokenizers.BertPreTokenizer()
    words: Counter[str] = Counter()
    for text in texts:
        words.update(word for word, _ in splitter.pre_tokenize_str(normaliser.normalize_str(text)))
    counts: Counter[str] = Counter()
    for word, count in words.items():
        counts.update(dict.fromkeys(word, count))
    if not (often := _frequent(counts, max(1, (vocabulary_size - len(SPECIAL)) // 2))):
        raise DataError("the training texts hold no character twice; a tokenizer needs more text.")
    characters = set(often)
    known = {word: count for word, count in words.items() if characters.issuperset(word)}
    pairs = Tokenizer(models.BPE())
    trainer = trainers.BpeTrainer(vocab_size=vocabulary_size, min_frequency=MIN_COUNT, show_progress=False)
    pairs.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    pairs.train_from_iterator((" ".join([word] * count) for word, count in sorted(known.items())), trainer)
    # A piece has a number for where it begins a word, and one for where it goes on; each character has both.
    pieces: Counter[str] = Counter()
    for word, count in known.items():
        first, *others = pairs.encode(word).tokens
        pieces.update({first: count})
        pieces.update({f"##{piece}": count for piece in others})
    single = [*often, *(f"##{character}" for character in often)][: vocabulary_size - len(SPECIAL)]
    for piece in single:
        del pieces[piece]
    longer = _frequent(pieces, vocabulary_size - len(SPECIAL) - len(single))
    return wordpiece([*SPECIAL, *single, *longer])


def _frequent(counts: Counter[str], limit: int) -> list[str]:
    """The most frequent, most frequent first; equal counts in the order of their characters."""
    often = [token for token, count in counts.items() if count >= MIN_COUNT]
    return sorted(often, key=lambda token: (-counts[token], token))[:limit]


def read_wordpiece(folder: Path) -> Tokenizer:
    """The tokenizer of a BERT in the hub's form: from `tokenizer.json`, else from `vocab.txt`.

    `tokenizer_config.json` says of a `vocab.txt` whether texts are brought to lower case and the like. Texts are
    neither cut nor padded by the tokenizer, whatever the file asks for.

    Raises:
        ModelFolderError: neither is there, or it is no WordPiece tokenizer for BERT.
    """
    if (folder / WHOLE).is_file():
        path, tokenizer = folder / WHOLE, _whole(folder / WHOLE)
    elif (folder / VOCABULARY).is_file():
        path, tokenizer = folder / VOCABULARY, _of_vocabulary(folder)
    else:
        raise ModelFolderError(
            f"{folder} holds neither {WHOLE} nor {VOCABULARY}; copy the tokenizer's files of the checkpoint as well."
        )
    try:
        frame_of(tokenizer)
    except ValueError as error:
        raise ModelFolderError(f"{path} is no tokenizer for BERT: {error}.") from error
    own: Any = tokenizer.model
    if own.unk_token != UNKNOWN or own.token_to_id(UNKNOWN) is None:  # it would fail at the first unknown word
        raise ModelFolderError(
            f"{path} is no tokenizer for BERT: an unknown word is {own.unk_token} in it, and must be {UNKNOWN}, a "
            "token of its vocabulary."
        )
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def wordpiece_files(tokenizer: Tokenizer, max_length: int) -> dict[str, str]:
    """The tokenizer's files in a model folder, as the hub's programs read them as well.

    Args:
        tokenizer: WordPiece.
        max_length: tokens after which a text is cut, [CLS] and [SEP] among them.
    """
    normaliser = json.loads(tokenizer.to_str())["normalizer"] or {}
    settings = {
        "model_max_length": max_length,
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": normaliser.get("lowercase", True),
        "tokenize_chinese_chars": normaliser.get("handle_chinese_chars", True),
        "strip_accents": normaliser.get("strip_accents"),
    }
    return {WHOLE: tokenizer.to_str(), SETTINGS: json.dumps(settings, indent=2) + "\n"}


def _whole(path: Path) -> Tokenizer:
    content = read_json(path)
    model = content.get("model") if isinstance(content, dict) else None
    kind = model.get("type", "WordPiece") if isinstance(model, dict) and "vocab" in model else None
    if kind != "WordPiece":
        raise ModelFolderError(f"{path} holds a tokenizer of the kind {kind!r}; BERT's is WordPiece.")
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing more particular
        raise ModelFolderError(f"{path} cannot be read as a tokenizer: {error}.") from error


def _of_vocabulary(folder: Path) -> Tokenizer:
    path = folder / VOCABULARY
    tokens = read_text(path).removesuffix("\n").split("\n")
    if len(tokens) > LARGEST_VOCABULARY:
        raise ModelFolderError(f"{path} holds {len(tokens):,} tokens; at most {LARGEST_VOCABULARY:,} are read.")
    said: Any = read_json(folder / SETTINGS) if (folder / SETTINGS).is_file() else {}
    try:
        flags = {
            "lowercase": _flag(said, "do_lower_case", default=True),
            "chinese_characters": _flag(said, "tokenize_chinese_chars", default=True),
            "strip_accents": _flag(said, "strip_accents", default=None),
        }
    except (TypeError, AttributeError) as error:
        raise ModelFolderError(f"{folder / SETTINGS} is not a tokenizer's settings ({error}).") from error
    try:
        return wordpiece(tokens, **flags)
    except ValueError as error:
        raise ModelFolderError(f"{path} is no tokenizer for BERT: {error}.") from error


def _flag(said: Any, name: str, *, default: bool | None) -> Any:
    value = said.get(name, default)
    if not (value is None or isinstance(value, bool)):
        raise TypeError(f"{name} is {value!r} and must be true or false")
    return default if value is None else value
