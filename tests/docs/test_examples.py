"""Every example in the documentation runs, page by page, in an empty folder."""

import re
import shlex
import tomllib

import pytest

from chainrule.cli import main
from chainrule.runtime import devices
from tests.docs.pages import PAGES, PROJECT, blocks, commands, named

LANGUAGES = {"python", "sh", "console", "text", "toml"}
NUMBER = re.compile(r"-?\d[\d,.:]*(e-?\d+)?")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A cache of the pages' own, so that what they say of it does not depend on the machine's."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def own_recipe(tmp_path, monkeypatch):
    """The example as if it were installed: its module, and the entry points that its pyproject.toml names."""
    example = PROJECT / "examples/own-recipe"
    project = tomllib.loads((example / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"]
    info = tmp_path / "site" / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("".join(lines), encoding="utf-8")
    points = [
        f"[{group}]\n" + "".join(f"{name} = {place}\n" for name, place in members.items())
        for group, members in project["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join(points), encoding="utf-8")
    monkeypatch.syspath_prepend(info.parent)
    monkeypatch.syspath_prepend(example)


@pytest.fixture
def place(tmp_path, monkeypatch, cache, own_recipe):
    """An empty working folder."""
    folder = tmp_path / "reader"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("CHAINRULE_CACHE", str(cache))
    monkeypatch.setenv("COLUMNS", "100")
    # On a machine with other work, two threads wait for each other longer than these networks compute.
    monkeypatch.setattr(devices, "available_cores", lambda: 1)


@pytest.mark.parametrize("page", PAGES, ids=named(PAGES))
def test_the_examples_of_a_page(page, place, capsys):
    names = {"__name__": "__main__"}
    printed = set()
    for block in blocks(page):
        where = f"{page.name}, line {block.line}"
        assert block.language in LANGUAGES, where
        if block.note.startswith("excerpt: "):
            continue
        if block.language == "python":
            source = "\n" * block.line + block.text
            exec(compile(source, page, "exec"), names)  # noqa: S102 - the documentation is our own
        elif block.language == "sh":
            for command in commands(block):
                program, *arguments = shlex.split(command, comments=True)
                assert program == "chainrule", f"{where}: only chainrule is called in sh; use console for {command}"
                assert main(arguments) == 0, f"{where}: {command}\n{capsys.readouterr().err}"
        elif block.note == "output":
            missing = [line for line in shown(block.text) if line not in printed and line != "…"]
            assert not missing, f"{where}: never printed"
        printed |= {line for stream in capsys.readouterr() for line in shown(stream)}


def shown(text):
    """The lines of a text, the numbers in them made equal: those of a training differ from machine to machine."""
    return [NUMBER.sub("0", " ".join(line.split())) for line in text.splitlines() if line.strip()]
