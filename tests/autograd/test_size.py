"""The engine stays small enough to be read in an afternoon."""

import io
import tokenize
from pathlib import Path

import chainrule.autograd

FOLDER = Path(chainrule.autograd.__file__).parent
ENGINE = ("tensor", "backward", "operation", "operations", "layer_operations", "table", "gradcheck")
"""What differentiates, and what checks it: no layers, no optimizers, no drawing."""
BESIDE = ("windows", "special_functions")
"""Plain NumPy that knows nothing of gradients: sliding windows, the normal distribution."""
LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def lines_of_code(name):
    """Lines that hold code: not blank, and neither comment nor docstring."""
    source = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    held, starts = set(), True
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in LAYOUT and not (starts and token.type == tokenize.STRING):
            held.update(range(token.start[0], token.end[0] + 1))
        if token.type not in {tokenize.NL, tokenize.COMMENT}:
            starts = token.type in {tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT} or (
                starts and token.type == tokenize.STRING
            )
    return len(held)


def test_the_engine_is_at_most_700_lines():
    assert sum(map(lines_of_code, ENGINE)) <= 700


def test_what_stands_beside_it_is_at_most_100():
    assert sum(map(lines_of_code, BESIDE)) <= 100


def test_every_file_is_counted_or_no_part_of_the_engine():
    above = {"__init__", "attention", "drawing", "explaining", "layers", "module", "normalization", "optimizers"}
    assert {path.stem for path in FOLDER.glob("*.py")} == {*ENGINE, *BESIDE, *above, "recurrent"}
