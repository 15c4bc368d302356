"""The pages of the documentation, taken apart."""

import re
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]
READMES = (PROJECT / "README.md", PROJECT / "README.zh-CN.md")
PAGES = (*READMES, *sorted((PROJECT / "docs").glob("*.md")))

FENCED = re.compile(
    r"^(?:<!-- (?P<note>[^\n]*?) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Block:
    """A fenced block."""

    language: str
    """python and sh are executed; console, text and toml are not."""
    note: str
    """The comment on the line before: `excerpt: FILE`, or `output` of the blocks before."""
    text: str
    line: int
    """Of the fence, from 1."""


def blocks(page):
    """The fenced blocks of a page, in order."""
    content = page.read_text(encoding="utf-8")
    return [
        Block(
            language=found["language"],
            note=found["note"] or "",
            text=found["text"],
            line=content.count("\n", 0, found.start("text")),
        )
        for found in FENCED.finditer(content)
    ]


def commands(block):
    """The commands of a block of sh, or those behind the prompts of a console; a backslash joins lines."""
    lines = block.text.replace("\\\n", " ").splitlines()
    if block.language == "console":
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    return [" ".join(line.split()) for line in lines if line.strip() and not line.startswith("#")]


def prose(page):
    """A page without its fenced blocks."""
    return FENCED.sub("", page.read_text(encoding="utf-8"))


def named(pages):
    """What tests of pages are called."""
    return [page.relative_to(PROJECT).as_posix() for page in pages]
