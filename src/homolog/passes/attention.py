"""Says of the layers in front of an attention which is the query's, which the key's and which the value's.

All three read the same values and have the same shapes, so that nothing else tells them apart. The core of an
attention does: it is an operator whose arguments are in order, or it is written out as a product, a softmax and
another product. There the key is the operand that brings the axis the softmax runs along, the value the one that the
softmax's result is multiplied with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from homolog.graph import Graph, Node, Value

ROLES = ("query", "key", "value")
CORES = {"pytorch:scaled_dot_product_attention", "keras:DotProductAttention", "heads"}
PRODUCTS = {"pytorch:matmul", "pytorch:bmm", "pytorch:baddbmm", "pytorch:einsum", "keras:Matmul", "keras:Einsum"}
STEPS = 60
"""How many operations may lie between a product and the softmax, or a layer and the core."""

Found = dict[tuple[str, int | None], str]
"""Roles by layer, and for a packed layer by the place of the part."""


def attention(graph: Graph) -> Graph:
    """The graph with ``role`` in the fields of the layers in front of every attention.

    A layer that holds several packed together gets ``roles``, one for each part in order.
    """
    if not graph.wired:
        return graph
    found: Found = {}
    readers = graph.consumers()
    for node in graph.nodes.values():
        if node.kind in CORES:
            _note(graph, dict(zip(ROLES, node.inputs[:3], strict=False)), found)
        elif node.kind == "softmax":
            _note(graph, _written_out(graph, readers, node), found)
    single = {name: role for (name, part), role in found.items() if part is None}
    packed: dict[str, dict[int, str]] = {}
    for (name, part), role in found.items():
        if part is not None:
            packed.setdefault(name, {})[part] = role
    nodes = dict(graph.nodes)
    for name, role in single.items():
        if name not in packed:
            nodes[name] = replace(nodes[name], fields={**nodes[name].fields, "role": role})
    for name, parts in packed.items():
        if sorted(parts) == list(range(len(parts))) and len(set(parts.values())) == len(parts):
            roles = tuple(parts[place] for place in range(len(parts)))
            nodes[name] = replace(nodes[name], fields={**nodes[name].fields, "roles": roles})
    return graph.with_nodes(nodes)


def _note(graph: Graph, operands: Mapping[str, Value], found: Found) -> None:
    """Follow each operand back to the layer it comes from. What two operands share is no layer of either."""
    origins = {role: _origin(graph, value) for role, value in operands.items()}
    for role, origin in origins.items():
        if origin is None or [other for other in origins.values() if other == origin] != [origin]:
            continue
        if found.setdefault(origin, role) != role:
            found[origin] = ""  # another attention uses it in another role


def _origin(graph: Graph, value: Value) -> tuple[str, int | None] | None:
    """The dense layer that a value comes from, and which part of it, through operations that keep to one value."""
    part: int | None = None
    for _ in range(STEPS):
        node = graph.nodes[value.node]
        if node.kind == "linear" or (node.weights and node.kind not in _NORMS):
            return (node.name, part)
        if value.index or _splits(node):
            part = value.index
        if node.kind in ("pytorch:select.int", "keras:GetItem") and isinstance(node.fields.get("index"), int):
            part = cast(int, node.fields["index"])
        moving = [item for item in node.inputs if _reaches_layer(graph, item)]
        if not moving:
            return None
        value = moving[0]
    return None


_NORMS = {"layer_norm", "rms_norm", "parameter"}


def _splits(node: Node) -> bool:
    return len(node.shapes) > 1


def _reaches_layer(graph: Graph, value: Value) -> bool:
    """Whether a value depends on a layer: tables of angles, masks and scales do not."""
    node = graph.nodes[value.node]
    seen: set[str] = set()
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if node.name in seen:
            continue
        seen.add(node.name)
        if node.kind == "linear":
            return True
        if len(seen) > STEPS:
            return False
        waiting += [graph.nodes[item.node] for item in node.inputs]
    return False


def _written_out(graph: Graph, readers: Mapping[Value, Sequence[Node]], softmax: Node) -> dict[str, Value]:
    """The operands of an attention that is written out around a softmax; none if it is not one."""
    scores = _product_before(graph, softmax)
    weighted = _product_behind(readers, softmax)
    if scores is None or weighted is None:
        return {}
    product, through = weighted
    others = [value for value in product.inputs if value != through]
    operands = list(scores.inputs[-2:])
    if len(others) != 1 or len(operands) != 2:
        return {}
    key = _bringing_last(scores)
    return {"query": operands[1 - key], "key": operands[key], "value": others[0]}


def _bringing_last(product: Node) -> int:
    """Which operand brings the last axis of a product: the second of a matrix product; an equation says it."""
    for text in product.fields.values():
        if isinstance(text, str) and "->" in text:
            terms, result = text.replace(" ", "").split("->")
            one, _ = terms.split(",")
            return 0 if result[-1] in one else 1
    return 1


def _product_before(graph: Graph, node: Node) -> Node | None:
    for _ in range(STEPS):
        if not node.inputs:
            return None
        candidates = [graph.nodes[value.node] for value in node.inputs]
        node = next((item for item in candidates if item.kind in PRODUCTS), candidates[0])
        if node.kind in PRODUCTS:
            return node
        if node.weights:
            return None
    return None


def _product_behind(readers: Mapping[Value, Sequence[Node]], node: Node) -> tuple[Node, Value] | None:
    value = Value(node.name)
    for _ in range(STEPS):
        behind = readers.get(value, [])
        product = next((item for item in behind if item.kind in PRODUCTS), None)
        if product is not None:
            return product, value
        if len(behind) != 1 or behind[0].weights:
            return None
        value = Value(behind[0].name)
    return None
