"""A tensor that several layers share is held by one.

Calls of one layer under several names are one layer that is called several times. A table that is also the matrix of
a linear layer is a table that can be read backwards. Whatever else shares a tensor reads it as one that belongs to no
layer.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace

from homolog.errors import Unsupported
from homolog.graph import Node, Value
from homolog.passes.simpler.dense import TURNED
from homolog.passes.simpler.rewiring import rewired
from homolog.tensors import TensorRef
from homolog.trace import PARAMETER, Step, Trace
from homolog.transforms import Part

REVERSIBLE = "reversible_embedding"
REVERSED = "reversed_embedding"
"""Operator of a linear layer whose matrix is a table of embeddings; it has no bias of its own."""


def tied(trace: Trace) -> Trace:
    """The trace with one layer for every tensor."""
    trace = _named_once(trace)
    holders = _holders(trace)
    shared = {key for key, nodes in holders.items() if len(nodes) > 1}
    if not shared:
        return trace
    steps: dict[str, Step] = {}
    before: dict[str, tuple[Step, ...]] = {}
    for step in trace.steps.values():
        if step.layer is None or not any(key in shared for key in _keys(step.layer)):
            continue
        tables = _tables(holders, step.layer, shared)
        changed, new = _backwards(step, tables) if tables is not None else _loose(step)
        steps[step.name], before[step.name] = changed, new
    return rewired(trace, steps=steps, before=before)


def _key(ref: TensorRef) -> Hashable:
    """What two names of one tensor have in common."""
    return ref.name if ref.storage is None or not ref.size else (ref.storage, ref.shape)


def _keys(node: Node) -> list[Hashable]:
    """The tensors that a layer holds; where it is some rows of one, these."""
    found: list[Hashable] = []
    for weight in node.weights.values():
        first = weight.layout[0] if weight.layout else None
        part = str(first) if isinstance(first, Part) else None
        found += [_key(ref) if part is None else (_key(ref), part) for ref in weight.tensors]
    return found


def _identity(node: Node) -> Hashable:
    """Two calls with one are calls of one layer."""
    fields = tuple(sorted((name, repr(value)) for name, value in node.fields.items()))
    weights = tuple(
        (slot, repr(weight.layout), tuple(map(_key, weight.tensors))) for slot, weight in node.weights.items()
    )
    return node.kind, fields, weights


def _named_once(trace: Trace) -> Trace:
    """Every layer under the name of its first call."""
    first: dict[Hashable, Node] = {}
    steps: dict[str, Step] = {}
    for step in trace.steps.values():
        if step.layer is not None and step.layer.weights:
            node = first.setdefault(_identity(step.layer), step.layer)
            if (node.name, node.layer) != (step.layer.name, step.layer.layer):
                steps[step.name] = replace(step, layer=replace(node, shapes=step.layer.shapes))
    return rewired(trace, steps=steps) if steps else trace


def _holders(trace: Trace) -> dict[Hashable, list[Node]]:
    """For every tensor the layers that hold it, and what reads it by itself."""
    found: dict[Hashable, dict[Hashable, Node]] = {}
    for step in trace.steps.values():
        if step.layer is not None:
            for key in _keys(step.layer):
                found.setdefault(key, {})[_identity(step.layer)] = step.layer
        elif step.operator == PARAMETER and step.tensor is not None:
            found.setdefault(_key(step.tensor), {})[PARAMETER] = Node(step.name, PARAMETER)
    return {key: list(nodes.values()) for key, nodes in found.items()}


def _tables(holders: Mapping[Hashable, list[Node]], node: Node, shared: set[Hashable]) -> Node | None:
    """The layer of embeddings that one which is read backwards can stand for: for all that share its table."""
    weight = node.weights.get("weight")
    if weight is None or weight.layout or any(key in shared for key in _keys(node) if key != _key(weight.tensors[0])):
        return None
    nodes = holders[_key(weight.tensors[0])]
    tables = [other for other in nodes if other.kind == "embedding"]
    if len(tables) != 1 or any(other.kind not in ("embedding", "linear") for other in nodes):
        return None
    if any(other.weights["weight"].layout for other in nodes):
        return None
    return tables[0]


def _backwards(step: Step, table: Node) -> tuple[Step, tuple[Step, ...]]:
    """A call of the table, or of the linear layer as the table read backwards, to which its bias is added."""
    layer = replace(table, kind=REVERSIBLE, fields={"reverse": False, "mask_zero": False})
    if step.layer is None or step.layer.kind == "embedding":
        return replace(step, layer=layer), ()
    bias = step.layer.weights.get("bias")
    if bias is None:
        return replace(step, operator=REVERSED, layer=layer), ()
    parameter = _as_parameter(bias.tensors[0])
    arguments = {**step.arguments, "bias": Value(parameter.name)}
    return replace(step, operator=REVERSED, layer=layer, arguments=arguments), (parameter,)


def _loose(step: Step) -> tuple[Step, tuple[Step, ...]]:
    """A call of a function that reads its tensors one by one."""
    node = step.layer
    if node is None:
        return step, ()
    arguments, made = dict(step.arguments), []
    for slot, weight in node.weights.items():
        turned = weight.layout == (TURNED,)
        if len(weight.tensors) > 1 or (weight.layout and not turned):
            raise Unsupported(
                "layers share a tensor that they hold in different forms",
                where=node.name,
                found=", ".join(ref.name for weight in node.weights.values() for ref in weight.tensors),
            )
        made.append(_as_parameter(weight.tensors[0]))
        if turned:
            made.append(_turned(made[-1]))
        arguments[slot] = Value(made[-1].name)
    return replace(step, layer=None, arguments=arguments), tuple(made)


def _turned(parameter: Step) -> Step:
    """A matrix with its axes exchanged: a product with it was taken for a dense layer."""
    rows, columns = parameter.shape
    name, arguments = f"turned {parameter.name}", {"self": Value(parameter.name), "dims": [1, 0]}
    return Step(name, "permute", "", arguments, ((columns, rows),), parameter.dtypes, static=True, open=(("", ""),))


def _as_parameter(ref: TensorRef) -> Step:
    known = tuple("" for _ in ref.shape)
    name = f"parameter {ref.name}"
    return Step(name, PARAMETER, shapes=(ref.shape,), dtypes=(ref.dtype,), tensor=ref, static=True, open=(known,))
