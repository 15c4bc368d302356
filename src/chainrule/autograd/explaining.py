"""The chain rule of one computation, step by step and with its numbers."""

from collections.abc import Mapping

from chainrule.autograd.backward import Source, fit
from chainrule.autograd.drawing import trace, written
from chainrule.autograd.tensor import Tensor
from chainrule.errors import GraphError


def explain(end: Tensor, leaf: Tensor, names: Mapping[str, Tensor]) -> str:
    """See `Tensor.explain`.

    Raises:
        GraphError: the end is no single number, was not computed from the leaf, or its graph was freed.
    """
    if end.data.size != 1:
        raise GraphError(f"explain was called on {end.shape} values and needs a single one; call it on a sum or mean.")
    traced = trace(end, names)
    if leaf not in traced.gradients:
        raise GraphError("the tensor was not computed from that leaf, or the leaf requires no gradient; give another.")
    name = traced.names.__getitem__
    between: set[Source] = {leaf}  # what was computed from the leaf, and it
    for node in reversed(traced.nodes):
        if not between.isdisjoint(node.inputs):
            between.add(node)
    lines = [f"∂L/∂{name(leaf)}, step by step from the end, L; dx is short for ∂L/∂x", ""]
    leaves = [source for source in traced.names if isinstance(source, Tensor)]
    lines += [f"{name(source)} = {written(source.data, source.shape)}" for source in leaves] + [""]
    shares = []
    for node in traced.nodes:
        if node not in between:
            continue
        dy = traced.gradients[node]
        arguments = ", ".join(name(source) for source in node.inputs if source is not None)
        formula = (node.operation.__doc__ or "").splitlines()[0].partition(": ")[2].rstrip(".")
        lines += [
            f"{name(node)} = {node.operation.name}({arguments}) = {written(node.value, node.shape)}",
            f"    {formula}",
            f"    d{name(node)} = {written(dy, dy.shape)}",
        ]
        for source, rule in zip(node.inputs, node.rules or (), strict=True):
            if source in between and rule is not None:
                share = written(fit(rule(dy), source), source.shape)
                lines.append(f"    share of d{name(source)}: {share}")
                if source is leaf:
                    shares.append(share)
    total = written(traced.gradients[leaf], leaf.shape)
    reason = f", the sum of {len(shares)} shares: {' + '.join(shares)}" if len(shares) > 1 else ""
    return "\n".join([*lines, "", f"∂L/∂{name(leaf)} = {total}{reason}"])
