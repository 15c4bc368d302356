"""Foreign text inside YAML and Markdown: names of a user's files and classes may hold anything."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from chainrule.evaluation.wording import one_line
from chainrule.runtime.printable import printable

MOST_CHARACTERS = 200
# What Markdown or the HTML inside it gives a meaning to, anywhere in a line.
SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+|~&$])")


def yaml_block(value: Mapping[str, Any], indent: int = 0) -> str:
    """A mapping as lines of YAML; its keys are plain words, its values anything that JSON holds."""
    lines = []
    for key, entry in value.items():
        if isinstance(entry, Mapping):
            lines.append(f"{' ' * indent}{key}:\n{yaml_block(entry, indent + 2)}")
        elif isinstance(entry, Sequence) and not isinstance(entry, str):
            lines.append(f"{' ' * indent}{key}:\n{''.join(_yaml_item(item, indent) for item in entry)}")
        else:
            lines.append(f"{' ' * indent}{key}: {_yaml_scalar(entry)}\n")
    return "".join(lines)


def _yaml_item(item: Any, indent: int) -> str:
    if not isinstance(item, Mapping):
        return f"{' ' * indent}- {_yaml_scalar(item)}\n"
    return f"{' ' * indent}- {yaml_block(item, indent + 2).lstrip()}"


def _yaml_scalar(value: str | float | None) -> str:
    if isinstance(value, str):
        # JSON's escapes are YAML's too; what JSON lets stand and YAML or an editor does not is escaped beside them.
        return "".join(c if c.isprintable() else _yaml_escape(c) for c in json.dumps(value, ensure_ascii=False))
    text = json.dumps(value)
    # YAML 1.1 reads 1e-05 as text, 1.0e-05 as a number.
    return text.replace("e", ".0e") if isinstance(value, float) and "." not in text else text


def _yaml_escape(character: str) -> str:
    code = ord(character)
    if 0xD800 <= code < 0xE000:  # half a surrogate pair, from a file name that is not UTF-8
        code = 0xFFFD
    return f"\\U{code:08x}"


def as_text(text: str) -> str:
    """Foreign text inside a line or a table's cell of Markdown, which shows it as it is."""
    return SPECIAL.sub(r"\\\1", one_line(text, MOST_CHARACTERS))


def as_code(text: str) -> str:
    """Foreign text as code inside a line of Markdown."""
    line = one_line(text, MOST_CHARACTERS)
    fence = "`" * (1 + _longest_run(line))
    # The blanks keep backticks at the ends apart from the fence; Markdown takes one off each side.
    return f"{fence} {line} {fence}" if "`" in line else f"{fence}{line}{fence}"


def as_block(text: str, language: str) -> str:
    """Foreign text as a block of code in Markdown, its lines kept."""
    lines = map(printable, text.strip("\n").split("\n"))
    fence = "`" * max(3, 1 + _longest_run(text))
    return "\n".join([f"{fence}{language}", *lines, fence])


def _longest_run(text: str) -> int:
    """Of backticks."""
    return max(map(len, re.findall("`+", text)), default=0)
