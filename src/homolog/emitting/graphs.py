"""A trace and what was written of it → two graphs, step by step the same: what a proof pairs, and says places by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from homolog.emitting.assembled import Assembled
from homolog.graph import Graph, Label, Node, OpenShape, Value
from homolog.live import BEFORE_ACTIVATION
from homolog.passes.ways import Order, natural
from homolog.plan import Plan
from homolog.signature import OPEN
from homolog.trace import CONSTANT, INPUT, PARAMETER, Step, Trace

AXES = {
    "pytorch": {1: "n", 2: "nc", 3: "ncw", 4: "nchw", 5: "ncdhw"},
    "keras": {1: "n", 2: "nc", 3: "nwc", 4: "nhwc", 5: "ndhwc"},
}
"""What the source's axes are called, by their number; only which is which matters."""


OTHERWISE: Mapping[str, Mapping[str, object]] = {"keras": {"padding_idx": None}}
"""Settings of every layer that is written for a framework: Keras trains every row of a table."""


def graphs(trace: Trace, model: Assembled) -> tuple[Graph, Graph]:
    """The graph of the source, and that of the written model with its own names and orders of axes."""
    left: dict[str, Node] = {}
    right: dict[str, Node] = {}
    names: dict[str, tuple[str, str]] = {}
    otherwise = OTHERWISE.get(model.framework, {})
    entries = dict(zip((step.name for step in trace.inputs), model.inputs, strict=True))
    readers = trace.readers()
    for step in trace.steps.values():
        if step.operator in (PARAMETER, CONSTANT):
            continue
        one, two = (step.name, entries[step.name]) if step.operator == INPUT else _names(step, model, left)
        names[step.name] = (one, two)
        order = model.orders.get(step.name, natural(len(step.shape)))
        node = _node(step)
        inputs = [value for value in step.values() if value.node in names]
        first = [Value(names[value.node][0], value.index) for value in inputs]
        second = [Value(names[value.node][1], value.index) for value in inputs]
        letters = AXES[trace.framework]
        labels = tuple(_labels(shape, letters) for shape in step.shapes)
        is_layer = one != step.name and step.operator != INPUT
        place: str | None = one if is_layer else None
        own: Order = natural(len(step.shape))
        if is_layer and trace.framework == "keras":
            place, own = _seen(step, one, readers)
        elif is_layer and _goes_on(step, one, readers):
            place = None
        left[one] = replace(
            node,
            name=one,
            inputs=tuple(first),
            shapes=tuple(_laid(shape, own) for shape in step.shapes),
            labels=tuple(_turned(label, own) for label in labels),
            layer=place,
        )
        shapes = tuple(_laid(shape, order) for shape in step.shapes)
        right[two] = replace(
            node,
            name=two,
            inputs=tuple(second),
            fields={**node.fields, **({OPEN: _open(shapes[0])} if step.operator == INPUT else otherwise)},
            shapes=shapes,
            labels=tuple(_turned(label, order) for label in labels),
            layer=two if is_layer else None,
        )
    ends = list(trace.outputs.values())
    return (
        Graph(trace.framework, left, tuple(Value(names[end.node][0], end.index) for end in ends if end.node in names)),
        Graph(model.framework, right, tuple(Value(names[end.node][1], end.index) for end in ends if end.node in names)),
    )


def within(plan: Plan, left: Graph, right: Graph) -> Plan:
    """The plan with those pairs of layers that stand in both graphs. A stack of recurrent layers is several, and one
    step of the source's."""
    return replace(plan, pairs=tuple((a, b) for a, b in plan.pairs if a in left.nodes and b in right.nodes))


def _goes_on(step: Step, name: str, readers: Mapping[Value, list[Step]]) -> bool:
    """Whether the module of that name computes with what the step gives: what it gives itself is something else."""
    call = next((call for call in step.calls if call.path == name), None)
    return any(call in reader.calls for reader in readers.get(Value(step.name), []))


def _seen(step: Step, name: str, readers: Mapping[Value, list[Step]]) -> tuple[str | None, Order]:
    """Where in a live Keras model the numbers of a layer can be seen, None for nowhere, and the order of axes in which
    it has them: it turns what PyTorch's operator gives, and its own activation comes behind."""
    order: Order = natural(len(step.shape))
    value = Value(step.name)
    if len(step.shapes) > 1:
        return None, order
    while inside := [reader for reader in readers.get(value, []) if reader.calls[-1:] == step.calls[-1:]]:
        (reader, *others) = inside
        if others or reader.operator != "permute":
            plain = all(other.shape == _laid(step.shape, order) for other in inside)
            return f"{name}{BEFORE_ACTIVATION}" if plain else None, order
        order = tuple(order[axis] for axis in cast(list[int], reader.arguments["dims"]))
        value = Value(reader.name)
    return name, order


def _names(step: Step, model: Assembled, taken: dict[str, Node]) -> tuple[str, str]:
    """What a step is called on either side: after its layer, the first time it is called."""
    held = model.held.get(model.placed.get(step.name, ""))
    if held is None or held.node.name in taken or held.node.layer is None:  # the last: of no module of its own
        return step.name, step.name
    called = {"", *(call.path for call in step.calls)}
    if held.node.layer not in called and held.node.layer.rpartition(".")[0] in called:  # one of those that a stack is
        return step.name, step.name
    return held.node.name, held.name


def _node(step: Step) -> Node:
    if step.operator == INPUT:
        fields: dict[str, object] = {"dtype": step.dtypes[0], OPEN: _open(step.shape), **step.arguments}
        return Node(step.name, INPUT, fields, shapes=step.shapes, type="input")
    if step.layer is not None:
        return replace(step.layer, shapes=step.shapes)
    return Node(step.name, f"pytorch:{step.operator}", shapes=step.shapes, type=step.operator)


def _open(shape: tuple[int | None, ...]) -> tuple[int, ...]:
    """The axes of an input that are open, without the batch."""
    return tuple(axis for axis, length in enumerate(shape) if axis and length is None)


def _labels(shape: OpenShape, letters: Mapping[int, str]) -> tuple[Label, ...] | None:
    names = letters.get(len(shape))
    if names is None:
        return None
    return tuple(((name, length),) for name, length in zip(names, shape, strict=True))


def _laid(shape: tuple[int | None, ...], order: Order) -> tuple[int | None, ...]:
    whole = len(order) == len(shape) and all(isinstance(axis, int) for axis in order)
    return tuple(shape[cast(int, axis)] for axis in order) if whole else shape


def _turned(labels: tuple[Label, ...] | None, order: Order) -> tuple[Label, ...] | None:
    whole = labels is not None and len(order) == len(labels) and all(isinstance(axis, int) for axis in order)
    return tuple(labels[cast(int, axis)] for axis in order) if whole and labels is not None else labels
