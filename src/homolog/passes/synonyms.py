"""Gives what is one function one kind, where the frameworks, or their layers and operators, have several for it."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from homolog.graph import Graph, Node, OpenShape, Value
from homolog.tensors import Shape


def synonyms(graph: Graph) -> Graph:
    """The graph with one kind for one function.

    Args:
        graph: with shapes and settled fields, as far as they are known.
    """
    if not graph.wired:
        return graph
    nodes: dict[str, Node] = {}
    for node in graph.nodes.values():
        before = nodes[node.inputs[0].node] if node.inputs else None
        incoming = before.shapes[0] if before is not None and before.shapes else ()
        nodes[node.name] = _renamed(node, incoming)
    return _flat_pools(graph.with_nodes(nodes))


def _renamed(node: Node, incoming: OpenShape) -> Node:
    fields = node.fields
    if node.kind == "hard_tanh" and fields["min_val"] == 0:
        return replace(node, kind="relu", fields={"max_value": fields["max_val"], "negative_slope": 0, "threshold": 0})
    if node.kind == "relu" and fields["negative_slope"] and fields["max_value"] is None and not fields["threshold"]:
        return replace(node, kind="leaky_relu", fields={"negative_slope": fields["negative_slope"]})
    if node.kind == "celu" and fields["alpha"] == 1:
        return replace(node, kind="elu")
    if node.kind == "reshape" and _is_flat(fields["shape"]):
        return replace(node, kind="flatten", fields={"start_dim": 1, "end_dim": -1, "moved": False})
    if node.kind.startswith("adaptive_"):
        return _fixed(node, incoming)
    return node


def _is_flat(shape: object) -> bool:
    return isinstance(shape, tuple) and len(shape) == 1


def _fixed(node: Node, incoming: OpenShape) -> Node:
    """Adaptive pooling to one cell is pooling over everything; to a divisor of the length, pooling by windows."""
    wanted = cast(tuple[int | None, ...], node.fields["output_size"])
    kept = {"data_format": node.fields["data_format"]}
    kind = node.kind.removeprefix("adaptive_")
    if all(size == 1 for size in wanted):
        return replace(node, kind=f"global_{kind}", fields={**kept, "keepdims": True})
    lengths = _spatial(incoming, node.fields["data_format"])
    if len(lengths) != len(wanted) or None in lengths:
        return node
    known = cast(Shape, lengths)
    pairs = [(n, n if size is None else size) for n, size in zip(known, wanted, strict=True)]
    if any(n % size for n, size in pairs):
        return node
    window = tuple(n // size for n, size in pairs)
    rank = len(window)
    fields = {"kernel_size": window, "stride": window, "padding": ((0, 0),) * rank, "dilation": (1,) * rank}
    return replace(node, kind=kind, fields={**kept, **fields, "ceil_mode": False, "count_include_pad": False})


def _spatial(shape: OpenShape, data_format: object) -> OpenShape:
    return shape[1:-1] if data_format == "channels_last" else shape[2:]


def _flat_pools(graph: Graph) -> Graph:
    """Pooling over everything that keeps axes of length one, and the flatten behind it that drops them, as one."""
    nodes = dict(graph.nodes)
    readers = graph.consumers()
    for flat in graph.nodes.values():
        if flat.kind != "flatten" or flat.fields["start_dim"] != 1 or not flat.inputs:
            continue
        pool = graph.nodes[flat.inputs[0].node]
        value = Value(pool.name)
        if not pool.kind.startswith("global_") or len(readers[value]) > 1 or value in graph.outputs:
            continue
        fields = {**pool.fields, "keepdims": False}
        nodes[flat.name] = replace(pool, name=flat.name, fields=fields, shapes=flat.shapes, layer=flat.layer)
        del nodes[pool.name]
    return graph.with_nodes(nodes)
