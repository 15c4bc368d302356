"""Foreign text where a terminal, a page or a report shows it."""

import unicodedata


def printable(text: str) -> str:
    r"""The text with every character that does not print as its escape, such as \x1b, \n or \udc80.

    So nothing in a file's name or contents moves a terminal's cursor, turns the direction of writing or begins a line.
    Blanks of every width stay, such as that of Chinese.
    """
    return "".join(
        c if c.isprintable() or unicodedata.category(c) == "Zs" else c.encode("unicode_escape").decode() for c in text
    )
