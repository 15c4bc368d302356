"""What the documentation names is there: files, lines of source, flags, targets of make, the other language."""

import re
import shlex

import pytest

from chainrule import recipes
from chainrule.cli.application import COMMANDS, application, tokens
from chainrule.recipes.settings import setting_fields
from chainrule.training.options import RunOptions
from tests.docs.pages import PAGES, PROJECT, READMES, blocks, commands, named, prose

DOCS = PROJECT / "docs"
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
GAP = "# …"  # in an excerpt: lines left out here
# No recipe's and no run's; the last is pip's.
FLAGS = {"--json", "--runs", "--figure", "--explain", "--no-word-vectors", "--no-from-nothing", "--require-hashes"}
FLAGS |= {"--no-layer-norm", "--no-cut-traces", "--no-target-network", "--no-double"}


def anchors(page):
    """The names by which GitHub links to the page's headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=named(PAGES))
def test_links_lead_somewhere(page):
    for target in LINK.findall(prose(page)):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        linked = (page.parent / file).resolve() if file else page
        assert linked.exists(), f"{target} is not there"
        if anchor:
            assert anchor in anchors(linked), f"{target}: no such heading"


@pytest.mark.parametrize("page", PAGES, ids=named(PAGES))
def test_excerpts_stand_in_the_source(page):
    for block in blocks(page):
        if not block.note.startswith("excerpt: "):
            continue
        source = squeezed((PROJECT / block.note.removeprefix("excerpt: ")).read_text(encoding="utf-8"))
        for part in re.split(rf"^\s*{GAP}\n", block.text, flags=re.MULTILINE):
            assert squeezed(part) in source, f"{page.name}, line {block.line}: not in {block.note}:\n{part}"


def squeezed(text):
    """The lines of a text without what stands around and between them."""
    return "\n" + "\n".join(" ".join(line.split()) for line in text.strip().splitlines()) + "\n"


@pytest.mark.parametrize("page", PAGES, ids=named(PAGES))
def test_targets_of_make_are_there(page):
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    content = page.read_text(encoding="utf-8")
    assert set(re.findall(r"(?:`|^\$ )make ([a-z-]+)", content, re.MULTILINE)) <= targets


@pytest.mark.parametrize("page", PAGES, ids=named(PAGES))
def test_flags_and_commands_are_there(page):
    kinds = [RunOptions, *map(recipes.find, [page.stem] if page.stem in recipes.BUILT_IN else recipes.BUILT_IN)]
    flags = {f"--{name.strip('_').replace('_', '-')}" for kind in kinds for name in setting_fields(kind)} | FLAGS
    code = re.findall(r"`([^`\n]+)`", prose(page))
    assert {span.split()[0] for span in code if span.startswith("--")} <= flags
    assert {span.split()[1] for span in code if span.startswith("chainrule ")} <= COMMANDS.keys()


@pytest.mark.parametrize("page", PAGES, ids=named(PAGES))
def test_commands_that_are_not_executed_are_called_rightly(page):
    consoles = [block for block in blocks(page) if block.language == "console"]
    for command in (command for block in consoles for command in commands(block)):
        program, *arguments = shlex.split(command, comments=True)
        assert program in {"chainrule", "export", "make", "pip", "python", "tensorboard", "torchrun"}
        if program == "python":
            assert (PROJECT / arguments[0]).is_file()
        if program == "torchrun":
            arguments = arguments[arguments.index("-m") + 1 :]
            program = arguments.pop(0)
        if program == "chainrule":
            application(arguments).parse_args(tokens(arguments), exit_on_error=False, print_error=False)


def test_each_recipe_has_a_page_and_each_page_is_in_the_index():
    linked = set(LINK.findall(prose(DOCS / "index.md")))
    assert {f"{name}.md" for name in recipes.BUILT_IN} <= linked
    assert {page.name for page in DOCS.glob("*.md")} - {"index.md"} <= linked


@pytest.mark.parametrize("page", READMES, ids=named(READMES))
def test_the_readmes_name_every_recipe_and_command(page):
    content = page.read_text(encoding="utf-8")
    assert all(f"docs/{name}.md" in content for name in recipes.BUILT_IN)
    assert all(f"chainrule {name}" in content for name in COMMANDS)


def test_both_readmes_name_the_same_commands():
    first, second = ([line for block in blocks(page) for line in commands_of(block)] for page in READMES)
    assert first == second
    assert "make demo" in first


def commands_of(block):
    """What a reader types, notes left out."""
    if block.language not in {"sh", "console"}:
        return []
    return [line.partition(" #")[0].rstrip() for line in commands(block)]


def test_ones_own_recipe_takes_60_lines():
    lines = (PROJECT / "examples/own-recipe/bag_of_words.py").read_text(encoding="utf-8").splitlines()
    assert 50 < len(lines) <= 60
