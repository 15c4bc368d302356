"""Texts of all kinds, on which our BERT is held against another program."""

import random
from pathlib import Path

TRUNKS = (
    "The film was, to put it mildly, unwatchable: 2 hours of nothing.",
    "这家酒店的早餐很好吃，就是房间有点小。",
    "今天weather很好 but 明天要下雨☔️！",
    "😀😃 emoji 👩‍👩‍👧‍👦 families and flags 🇨🇳🇫🇷, skin 👍🏽",
    "control\x00 characters\x01\x1f and\ttabs\r\nlines\x7f\x85\u2028ends\ufffd",
    "مرحبا بالعالم! هذا نص من اليمين إلى اليسار.",
    "שלום עולם, זה טקסט מימין לשמאל\u200f\u200e.",
    "naïve Café RÉSUMÉ Ångström ﬁne ½ Ⅷ ①  e\u0301 a\u0300\u0316",
    "[CLS] [SEP] [MASK] [PAD] [UNK] [unused5] ##ing ##",
    "supercalifragilisticexpialidocious" * 4,
    "https://example.org/a?b=c&d=%20#e user@example.org C++ don't 'tis 3.14e-10 $5 €7",
    "ﷺ 한국어 문장 日本語の文章 ไทย हिन्दी \u200b\u200c\u200d\ufeff𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𠀀𠀁",
    "   \t\n ",
    "",
    ".",
    "乐",
)


def mixed_texts(count: int = 200) -> list[str]:
    """So many texts, always the same: Chinese, emoji, control characters, right to left, 10,000 characters."""
    draw = random.Random(7)
    texts = [*TRUNKS, "好" * 10_000, "ab " * 3_333 + "c", "x" * 10_000]
    words = " ".join(TRUNKS).split(" ")
    alphabet = [*map(chr, range(0x20, 0x250)), *"的一是不了人我在有他这为之大来以个中上们😀🙏🏻\u202e\u0000\n"]
    while len(texts) < count:
        by_words = " ".join(draw.choices(words, k=draw.randint(1, 40)))
        by_characters = "".join(draw.choices(alphabet, k=draw.randint(1, 80)))
        texts.append(draw.choice((by_words, by_characters, by_words + by_characters)))
    return texts


def without(folder: Path, copy: Path, *names: str) -> Path:
    """A copy of a folder, by links, that lacks some of its files."""
    copy.mkdir()
    for path in folder.iterdir():
        if path.name not in names:
            (copy / path.name).symlink_to(path.absolute())
    return copy
