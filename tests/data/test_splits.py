"""The rule by which an example falls into a split."""

from chainrule.data.splits import SPLITS, split_code


def test_the_first_32_bits_modulo_10_choose():
    chosen = [SPLITS[split_code(number.to_bytes(4, "big") + b"\xff" * 28)] for number in range(13)]
    tenth = ["test", "test", "validation", *["train"] * 7]
    assert chosen == [*tenth, *tenth[:3]]
    assert SPLITS[split_code(b"\xff" * 32)] == "train"  # 4,294,967,295
