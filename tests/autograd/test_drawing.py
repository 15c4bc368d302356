"""The graph as text and picture, and the chain rule in words and numbers."""

import os
import shutil
import stat

import numpy as np
import pytest

import chainrule.autograd as ag
from chainrule.errors import GraphError


def small():
    """(x w + b)² for x = 2, w = 3, b = −1, and what it was made of."""
    x, w, b = (ag.Tensor(value, requires_grad=wanted) for value, wanted in ((2.0, False), (3.0, True), (-1.0, True)))
    return (x * w + b) ** 2, {"x": x, "w": w, "b": b}


DOT = r"""digraph {
  rankdir=LR
  node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=10]
  n0 [label="x\lshape ()\lvalue 2.\l", fillcolor="#f3f4f6"]
  n1 [label="w\lshape ()\lvalue 3.\lgradient 20.\l", fillcolor="#dbeafe"]
  n2 [label="t1 = multiply\lshape ()\lvalue 6.\lgradient 10.\l", fillcolor="#fef9c3"]
  n3 [label="b\lshape ()\lvalue -1.\lgradient 10.\l", fillcolor="#dbeafe"]
  n4 [label="t2 = add\lshape ()\lvalue 5.\lgradient 10.\l", fillcolor="#fef9c3"]
  n5 [label="L = pow\lshape ()\lvalue 25.\lgradient 1.\l", fillcolor="#fef9c3"]
  n0 -> n2
  n1 -> n2
  n2 -> n4
  n3 -> n4
  n4 -> n5
}
"""


def test_the_graph_as_text():
    loss, leaves = small()
    assert loss.graph(**leaves).dot == str(loss.graph(**leaves)) == DOT
    assert leaves["w"].grad is None
    loss.backward()  # drawing freed nothing
    assert leaves["w"].grad.item() == 20.0


def test_what_has_no_name_gets_one():
    loss, _ = small()
    for given, made in (("x", "c1"), ("w", "w1"), ("b", "w2")):
        assert f'"{given}\\l' not in loss.graph().dot
        assert f'"{made}\\l' in loss.graph().dot


def test_many_values_are_only_counted_and_several_ends_have_no_gradient():
    x = ag.Tensor(np.arange(20.0).reshape(4, 5), requires_grad=True)
    text = (x * 2).graph(**{'the "x"': x}).dot
    assert r'label="the \"x\"\lshape (4, 5)\lvalue 4 × 5 values\l"' in text
    assert r'label="L = multiply\lshape (4, 5)\lvalue 4 × 5 values\l"' in text
    assert "gradient" not in text


def test_an_input_left_out_is_not_drawn():
    x = ag.Tensor(np.ones((4, 2), np.float32))
    layer = ag.LayerNorm(2, bias=False)
    y = ag.layer_norm(x, (2,), None, layer.weight).sum()
    assert y.graph(weight=layer.weight).dot.count("->") == 3


@pytest.mark.parametrize("end", [lambda: ag.Tensor(1.0, requires_grad=True), lambda: ag.Tensor(1.0) * 2])
def test_without_a_graph(end):
    with pytest.raises(GraphError) as caught:
        end().graph()
    assert str(caught.value) == (
        "there is no graph of a tensor that nothing was recorded of; compute it of tensors that require a gradient."
    )


def test_a_graph_that_was_freed():
    loss, _ = small()
    loss.backward()
    with pytest.raises(GraphError, match="the graph was freed by a backward before"):
        loss.graph()


# Pictures


@pytest.fixture
def graphviz(tmp_path, monkeypatch):
    """A program `dot` that shows what it was given."""
    program = tmp_path / "dot"
    program.write_text('#!/bin/sh\necho "<svg>$*"\ncat\necho "</svg>"\n', encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")


@pytest.mark.usefixtures("graphviz")
def test_a_picture_is_what_graphviz_makes(tmp_path):
    loss, leaves = small()
    drawing = loss.graph(**leaves)
    assert drawing.svg() == drawing._repr_svg_() == f"<svg>-Tsvg\n{DOT}</svg>\n"
    drawing.save(tmp_path / "graph.svg")
    drawing.save(str(tmp_path / "graph.dot"))
    assert (tmp_path / "graph.svg").read_text(encoding="utf-8") == drawing.svg()
    assert (tmp_path / "graph.dot").read_text(encoding="utf-8") == DOT


def test_without_graphviz_there_is_text(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    drawing = small()[0].graph()
    assert drawing._repr_svg_() is None
    with pytest.raises(GraphError) as caught:
        drawing.svg()
    assert str(caught.value) == (
        "a picture needs Graphviz, whose program `dot` is not there; install the package graphviz of your system, or "
        "take the text from .dot."
    )


@pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz")
def test_graphviz_understands_it():
    loss, leaves = small()
    picture = loss.graph(**{'"quoted" \\ <x>': leaves["x"], "w": leaves["w"]}).svg()
    assert picture.count('class="node"') == 6
    assert picture.count('class="edge"') == 5
    assert "value 25." in picture


# Words and numbers


def test_the_chain_rule_step_by_step():
    loss, leaves = small()
    assert loss.explain(leaves["w"], **leaves) == (
        "∂L/∂w, step by step from the end, L; dx is short for ∂L/∂x\n"
        "\n"
        "x = 2.\n"
        "w = 3.\n"
        "b = -1.\n"
        "\n"
        "L = pow(t2) = 25.\n"
        "    y = xⁿ, n a number;  dx = dy n xⁿ⁻¹\n"
        "    dL = 1.\n"
        "    share of dt2: 10.\n"
        "t2 = add(t1, b) = 5.\n"
        "    y = a + b;  da = dy,  db = dy\n"
        "    dt2 = 10.\n"
        "    share of dt1: 10.\n"
        "t1 = multiply(x, w) = 6.\n"
        "    y = a b;  da = dy b,  db = dy a\n"
        "    dt1 = 10.\n"
        "    share of dw: 20.\n"
        "\n"
        "∂L/∂w = 20."
    )


def test_shares_add_up_and_other_branches_are_left_out():
    w, v = (ag.Tensor(value, requires_grad=True) for value in (2.0, 5.0))
    loss = w * w + v.exp() * 0.0 + w * 3
    told = loss.explain(w, w=w, v=v)
    assert told.endswith("∂L/∂w = 7., the sum of 3 shares: 3. + 2. + 2.")
    assert "exp(v)" not in told
    loss.backward()
    assert w.grad.item() == 7.0


def test_an_input_left_out_is_not_told():
    layer = ag.LayerNorm(2)
    y = ag.layer_norm(ag.Tensor(np.ones((4, 2), np.float32)), (2,), None, layer.bias).sum()
    assert "t1 = layer_norm(c1, b) = 4 × 2" not in y.explain(layer.bias, b=layer.bias)
    assert "t1 = layer_norm(c1, b) = [[" in y.explain(layer.bias, b=layer.bias)


def test_what_cannot_be_explained():
    loss, leaves = small()
    for other in (ag.Tensor(1.0, requires_grad=True), leaves["x"]):
        with pytest.raises(GraphError) as caught:
            loss.explain(other)
        assert str(caught.value) == (
            "the tensor was not computed from that leaf, or the leaf requires no gradient; give another."
        )
    with pytest.raises(GraphError) as caught:
        (leaves["w"] * np.ones((2, 3))).explain(leaves["w"])
    assert str(caught.value) == "explain was called on (2, 3) values and needs a single one; call it on a sum or mean."
