"""The graph of a small computation as a picture: what was computed of what, with values and gradients."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chainrule.autograd.backward import KEPT_SIZE, Array, Node, Source, chain_rule, newest_first
from chainrule.autograd.tensor import Tensor
from chainrule.errors import GraphError

COLOURS = {"parameter": "#dbeafe", "constant": "#f3f4f6", "computed": "#fef9c3"}


@dataclass(frozen=True)
class Drawing:
    """A graph in the language of Graphviz; a notebook shows it as a picture where Graphviz is there."""

    dot: str

    def __str__(self) -> str:
        return self.dot

    def svg(self) -> str:
        """The picture.

        Raises:
            GraphError: Graphviz is not there.
        """
        try:
            drawn = subprocess.run(["dot", "-Tsvg"], input=self.dot, capture_output=True, check=True, encoding="utf-8")  # noqa: S607 - wherever it is
        except FileNotFoundError as error:
            raise GraphError(
                "a picture needs Graphviz, whose program `dot` is not there; install the package graphviz of your "
                "system, or take the text from .dot."
            ) from error
        return drawn.stdout

    def save(self, path: str | Path) -> None:
        """Writes the picture if the name ends in .svg, else the text."""
        Path(path).write_text(self.svg() if Path(path).suffix == ".svg" else self.dot, encoding="utf-8")

    def _repr_svg_(self) -> str | None:
        try:
            return self.svg()
        except GraphError:
            return None


@dataclass(frozen=True)
class Trace:
    """All that `end` was computed from."""

    nodes: list[Node]
    """Newest first."""
    names: dict[Source, str]
    gradients: dict[Source, Array]
    """The gradient of the end by each, where it is one number."""


def trace(end: Tensor, names: Mapping[str, Tensor]) -> Trace:
    """Follows a computation back and names everything in it.

    Leaves are named as given, else w1, w2, … and, where they need no gradient, c1, c2, …; what was computed is named
    t1, t2, … in the order of computing, and the end L.

    Raises:
        GraphError: nothing was recorded, or `backward` freed it.
    """
    if end.node is None:
        raise GraphError(
            "there is no graph of a tensor that nothing was recorded of; compute it of tensors that require a gradient."
        )
    nodes = newest_first(end.node)
    given: dict[Source, str] = {tensor: name for name, tensor in names.items()}
    named: dict[Source, str] = {}
    counts = dict.fromkeys("wct", 0)
    for node in reversed(nodes):
        for source in (*node.inputs, node):
            if source is not None and source not in named:
                kind = "t" if isinstance(source, Node) else "w" if source.requires_grad else "c"
                counts[kind] += source not in given
                named[source] = given.get(source, f"{kind}{counts[kind]}")
    named[end.node] = "L"
    gradients = dict(chain_rule(end.node, np.ones_like(end.data), keep=True)) if end.data.size == 1 else {}
    return Trace(nodes, named, gradients)


def written(values: Array | None, shape: tuple[int, ...]) -> str:
    """Values as text where they are few, else their shape."""
    if values is None or values.size > KEPT_SIZE:
        return " × ".join(map(str, shape)) + " values"
    return " ".join(np.array2string(values, precision=4, separator=", ").split())


def draw(end: Tensor, names: Mapping[str, Tensor]) -> Drawing:
    """See `Tensor.graph`."""
    traced = trace(end, names)
    numbers = {source: f"n{number}" for number, source in enumerate(traced.names)}
    lines = [
        "digraph {",
        "  rankdir=LR",
        '  node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=10]',
    ]
    for source, name in traced.names.items():
        if isinstance(source, Node):
            kind, head, values = "computed", f"{name} = {source.operation.name}", source.value
        else:
            kind, head, values = "parameter" if source.requires_grad else "constant", name, source.data
        text = [head, f"shape {source.shape}", f"value {written(values, source.shape)}"]
        if source in traced.gradients:
            text.append(f"gradient {written(traced.gradients[source], source.shape)}")
        # A line that ends in \l stands to the left.
        label = "".join(line.replace("\\", "\\\\").replace('"', '\\"') + "\\l" for line in text)
        lines.append(f'  {numbers[source]} [label="{label}", fillcolor="{COLOURS[kind]}"]')
    for node in reversed(traced.nodes):
        lines += [f"  {numbers[source]} -> {numbers[node]}" for source in node.inputs if source is not None]
    return Drawing("\n".join([*lines, "}"]) + "\n")
