"""Settings of the target that are plain numbers or words, set to what they are in the source.

The rules declare which they are (``Field.carried``): a layer keeps them under one name and reads them whenever it
runs. Everything is decided on the graphs; nothing of the target is touched here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from homolog import rules
from homolog.graph import Framework, Graph, Node
from homolog.matching.differences import differences, equal
from homolog.plan import Carried, Difference, Plan
from homolog.rules import Field

Place = tuple[str, str]
"""A layer of the target and, in the rule's words, one of its settings."""
Pairs = Sequence[tuple[str, str]]


def carry(a: Graph, b: Graph, plan: Plan) -> tuple[Graph, Plan]:
    """The target as it is with the source's plain settings, and the plan that says each of them.

    A setting of a layer that is called several times is carried only if every call agrees.

    Args:
        a, b: graphs of the source and the target.
        plan: how they correspond, with their differences.
    """
    layers = _layers(b)
    wanted: dict[Place, Carried] = {}
    values: dict[Place, object] = {}
    for item in (*plan.differences, *training(a, b, plan.pairs)):
        found = _carried(item, a, b, layers.get(item.target))
        if found is not None:
            place = found.layer, item.setting
            wanted[place], values[place] = found, item.source_value
    while True:
        changed = _with_settings(b, layers, {place: values[place] for place in wanted})
        left = differences(a, changed, plan.pairs)
        later = tuple(training(a, changed, plan.pairs))
        clashes = wanted.keys() & {(layers.get(item.target, ""), item.setting) for item in (*left, *later)}
        if not clashes:
            return changed, replace(plan, differences=left, carried=tuple(wanted.values()), training=later)
        for place in clashes:
            del wanted[place]


def _layers(graph: Graph) -> dict[str, str]:
    """For each node that is a call of a layer, the layer's path in the live model. PyTorch's trace says it of the first
    call alone; the others are named after it."""
    found = {node.name: node.layer for node in graph.nodes.values() if node.layer is not None}
    types = {node.layer: node.type for node in graph.nodes.values()}
    for node in graph.nodes.values() if graph.framework == "pytorch" else ():
        path = node.name.rpartition(".")[0]
        if node.layer is None and types.get(path) == node.type:
            found[node.name] = path
    return found


def _carried(difference: Difference, a: Graph, b: Graph, layer: str | None) -> Carried | None:
    """How a difference can be carried into a layer, None if it is no plain setting of one."""
    node = b.nodes[difference.target]
    field = _own(node, b.framework, difference.setting)
    if field is None or layer is None:
        return None
    source = a.nodes.get(difference.source)
    if field.effect == "training" and (source is None or _own(source, a.framework, field.name) is None):
        return None  # what a framework lacks it need not do
    torch = b.framework == "pytorch"
    written = field.form.to_torch if torch else field.form.to_keras
    after = written(difference.source_value)
    if not isinstance(after, bool | int | float | str) and not (after is None and field.otherwise is None):
        return None
    return Carried(
        difference.source,
        difference.target,
        layer,
        field.name if torch else str(field.keras),
        written(difference.target_value),
        after,
        () if torch else field.older,
    )


def _own(node: Node, framework: Framework, name: str) -> Field | None:
    """A setting as the node's own class keeps it, None if it does not, or not as something that can be carried."""
    torch = framework == "pytorch"
    rule = rules.for_torch_class(f"torch.nn.modules.{node.type}") if torch else rules.for_keras_layer(node.type)
    if rule is None or (rule.kind != node.kind and rule.units is None):
        return None  # a class that may be another kind, depending on this very setting
    if not torch and node.layer != node.name.partition(":")[0]:
        return None  # inside a layer around it
    found = next((field for field in rule.fields if field.name == name and field.carried), None)
    return found if found is not None and (found.torch if torch else found.keras) else None


def training(a: Graph, b: Graph, pairs: Pairs) -> Iterator[Difference]:
    """Settings of corresponding layers that only matter in training and differ."""
    for one, two in pairs:
        left, right = a.nodes[one], b.nodes[two]
        rule = rules.for_kind(left.kind) if left.kind == right.kind else None
        for field in () if rule is None else rule.fields:
            ours, theirs = left.fields.get(field.name), right.fields.get(field.name)
            if field.effect == "training" and not equal(ours, theirs):
                yield Difference(one, two, field.name, ours, theirs)
    known = {two for _, two in pairs}
    for node in b.nodes.values():
        if node.kind == "dropout" and node.name not in known and node.fields.get("p"):
            yield Difference("no layer of the source", node.name, "p", None, node.fields["p"])


def _with_settings(graph: Graph, layers: Mapping[str, str], values: Mapping[Place, object]) -> Graph:
    """The graph with other settings, at every call of their layers."""
    nodes = dict(graph.nodes)
    for (layer, name), value in values.items():
        for node in graph.nodes.values():
            if layers.get(node.name) == layer and _own(node, graph.framework, name) is not None:
                nodes[node.name] = replace(nodes[node.name], fields={**nodes[node.name].fields, name: value})
    return graph.with_nodes(nodes)
