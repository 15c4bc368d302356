"""The program answers at once: what it loads to do so, and how long it takes.

Processor time is what is measured, because starting waits for nothing and neighbours cannot take it away.
"""

import json
import resource
import statistics
import subprocess
import sys

import pytest

HEAVY = {"torch", "numpy", "pyarrow", "sklearn", "matplotlib", "tokenizers", "safetensors", "tensorboard", "scipy"}
CALL = "import json, sys; from chainrule.cli import main; main({arguments}); print(json.dumps(sorted(sys.modules)))"


def modules_after(code):
    ended = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(json.loads(ended.stdout.splitlines()[-1]))


def test_importing_the_package_imports_python_alone():
    before = modules_after("import json, sys; print(json.dumps(sorted(sys.modules)))")
    after = modules_after("import json, sys, chainrule; print(json.dumps(sorted(sys.modules)))")
    assert {name.partition(".")[0] for name in after - before} - sys.stdlib_module_names == {"chainrule"}
    assert not {name for name in after if name.startswith("chainrule.")}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["list"],
        ["list", "--json"],
        ["train", "--help"],
        ["train", "sentiment", "--help"],
        ["--version"],
        ["x"],
    ],
)
def test_nothing_heavy_is_loaded_to_answer(arguments):
    assert modules_after(CALL.format(arguments=arguments)) & HEAVY == set()


def test_a_list_is_printed_without_rich():
    assert "rich" not in modules_after(CALL.format(arguments=["list"]))


def test_a_recipe_is_imported_alone():
    found = modules_after(CALL.format(arguments=["train", "mlp-regression", "--help"]))
    assert "chainrule.recipes.mlp_regression" in found
    assert not {"chainrule.recipes.sentiment", "chainrule.recipes.image_cnn"} & found


def seconds(*command):
    """Processor time of a new process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *command], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_importing_takes_at_most_60_milliseconds_more_than_python():
    differences = [seconds("-c", "import chainrule") - seconds("-c", "pass") for _ in range(7)]
    assert statistics.median(differences) <= 0.06


@pytest.mark.parametrize("arguments", [["--help"], ["list"]])
def test_an_answer_takes_at_most_250_milliseconds(arguments):
    seconds("-m", "chainrule", *arguments)  # writes the compiled files
    assert statistics.median(seconds("-m", "chainrule", *arguments) for _ in range(7)) <= 0.25
