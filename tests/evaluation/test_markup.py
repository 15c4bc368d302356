"""Foreign text inside YAML and Markdown comes out as it went in, whatever it holds."""

import math

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from chainrule.evaluation.markup import as_block, as_code, as_text, yaml_block

HOSTILE = "a: \"b\"\n---\n- 'c' # d: {e} [f] &g *h !i %j @k \\ \t\x00\x1b\x7f\x85\u2028\ufeff😀 no ~ ?"


def test_yaml_by_hand():
    value = {
        "license": "mit",
        "tags": ["one", "two"],
        "index": [{"name": "a", "results": [{"task": {"type": "x"}, "metrics": [{"value": 0.5}, {"value": 1e-07}]}]}],
        "known": None,
        "shown": True,
        "count": 3,
    }
    assert yaml_block(value) == (
        'license: "mit"\n'
        "tags:\n"
        '- "one"\n'
        '- "two"\n'
        "index:\n"
        '- name: "a"\n'
        "  results:\n"
        "  - task:\n"
        '      type: "x"\n'
        "    metrics:\n"
        "    - value: 0.5\n"
        "    - value: 1.0e-07\n"
        "known: null\n"
        "shown: true\n"
        "count: 3\n"
    )
    assert yaml.safe_load(yaml_block(value)) == value


# YAML has no form for half a surrogate pair: it becomes the replacement character.
@given(st.text())
@example(HOSTILE)
@example("no")
@example("\ud800")
def test_any_text_comes_back_from_yaml(text):
    block = yaml_block({"outer": [{"name": text}, {"other": 1}], "flat": [text], "plain": text})
    block.encode()
    assert len(block.splitlines()) == 6
    whole = "".join("\ufffd" if 0xD800 <= ord(c) < 0xE000 else c for c in text)
    assert yaml.safe_load(block) == {"outer": [{"name": whole}, {"other": 1}], "flat": [whole], "plain": whole}


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers())
@example(1e16)
@example(5e-324)
def test_any_number_comes_back_from_yaml(number):
    back = yaml.safe_load(yaml_block({"value": number}))["value"]
    assert type(back) is type(number)
    assert back == number or math.isclose(back, number)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text 1.5-2", "plain text 1.5-2"),
        ("a|b", r"a\|b"),
        ("# not a head\n- no list", r"\# not a head - no list"),
        ("[link](http://x) <script>", r"\[link\]\(http://x\) \<script\>"),
        ("*_`~$&amp;\\", r"\*\_\`\~\$\&amp;" + "\\\\"),
        ("\x1b[0m", r"\\x1b\[0m"),
    ],
)
def test_text_keeps_its_place_in_a_line(text, shown):
    assert as_text(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a_b*c", "`a_b*c`"),
        ("a`b", "`` a`b ``"),
        ("``a`", "``` ``a` ```"),
        ("two\nlines", "`two lines`"),
    ],
)
def test_code_in_a_line(text, shown):
    assert as_code(text) == shown


def test_code_in_a_block():
    assert as_block("import a\na.b()\n", "python") == "```python\nimport a\na.b()\n```"
    assert as_block("echo '```'", "sh") == "````sh\necho '```'\n````"
    assert as_block("echo '\x1b\n'", "sh") == "```sh\necho '\\x1b\n'\n```"
