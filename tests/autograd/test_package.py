"""The package as a whole: what it needs, what it offers, and how large it is."""

import ast
import io
import subprocess
import sys
import tokenize
from pathlib import Path

import chainrule.autograd as ag

PLACE = Path(ag.__file__).parent
ENGINE = ("backward", "tensor", "operation", "table", "operations", "layer_operations", "gradcheck")
NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def test_numpy_is_all_it_needs():
    check = (
        "import sys, chainrule.autograd\n"
        "print({name.partition('.')[0] for name in sys.modules} & {'torch', 'scipy', 'sklearn', 'matplotlib'})"
    )
    found = subprocess.run([sys.executable, "-c", check], check=True, capture_output=True, text=True)
    assert found.stdout == "set()\n"


def test_everything_in_all_is_there_and_every_operation_in_all():
    assert all(hasattr(ag, name) for name in ag.__all__)
    assert ag.OPERATIONS.keys() <= set(ag.__all__)
    assert all(getattr(ag, name) is operation for name, operation in ag.OPERATIONS.items())


def test_the_engine_is_small():
    """Tensor, operations and gradcheck have at most 700 lines of code, those with nothing but words not counted."""
    assert sum(len(code_lines(PLACE / f"{name}.py")) for name in ENGINE) <= 700


def code_lines(path):
    source = path.read_text(encoding="utf-8")
    words = {
        line
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for line in range(node.lineno, node.end_lineno + 1)
    }
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {line for t in tokens if t.type not in NO_CODE for line in range(t.start[0], t.end[0] + 1)} - words
