"""What `import chainrule` offers."""

import importlib.metadata
import subprocess
import sys

import pytest

import chainrule
from chainrule import api, estimators


def test_everything_in_all_is_there():
    offered = {name: getattr(chainrule, name) for name in chainrule.__all__ if name != "__version__"}
    assert offered.pop("list_recipes") is api.recipes
    assert {name: offered.pop(name) for name in estimators.__all__} == {
        name: getattr(estimators, name) for name in estimators.__all__
    }
    assert offered == {name: getattr(api, name) for name in offered}
    assert chainrule.__version__ == importlib.metadata.version("chainrule")


def test_every_verb_of_the_command_line_is_a_function_too():
    assert {"train", "resume", "evaluate", "predict", "load", "doctor", "datasets"} <= set(chainrule.__all__)


def test_dir_shows_what_was_not_loaded_yet():
    shown = subprocess.run(
        [sys.executable, "-c", "import chainrule; print(*dir(chainrule))"], check=True, capture_output=True, text=True
    )
    assert set(chainrule.__all__) <= set(shown.stdout.split())


def test_a_star_imports_all_of_it():
    found = {}
    exec("from chainrule import *", found)  # noqa: S102
    assert set(chainrule.__all__) <= found.keys()


def test_the_recipes_are_a_package_and_their_list_a_function():
    import chainrule.recipes

    assert chainrule.recipes.BUILT_IN.keys() <= {entry["recipe"] for entry in chainrule.list_recipes()}


def test_what_is_not_there_is_named():
    with pytest.raises(AttributeError) as caught:
        chainrule.trian  # noqa: B018
    assert str(caught.value) == "module 'chainrule' has no attribute 'trian'"
