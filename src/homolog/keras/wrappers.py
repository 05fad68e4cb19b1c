"""Keras's layers around other layers: what the layers inside do, as nodes of their own.

A unit of a recurrent layer gives the sequence in the order of time and the last states (``rules.recurrent``); what a
Keras layer gives of these its configuration says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from homolog import rules
from homolog.errors import Unsupported
from homolog.graph import Node, Value
from homolog.keras.calls import Config
from homolog.rules.recurrent import SEQUENCE, STATE, STATES
from homolog.tensors import TensorRef

if TYPE_CHECKING:
    from homolog.keras.nodes import Nodes

MERGES = {"concat": "concat", "sum": "add", "mul": "multiply", "ave": "average"}
SAME_VARIABLE = "the kernel of the layer inside, which Keras lists twice"
POWER_VECTOR = "the estimate by which the kernel is divided while it trains; the stored kernel is divided already"
CELLS = {"SimpleRNNCell": "SimpleRNN", "LSTMCell": "LSTM", "GRUCell": "GRU"}


def recurrent(
    nodes: Nodes, settings: Config, path: str, unit: Value, kind: str, *, flipped: bool = False
) -> list[Value]:
    """What a Keras layer gives of the values of its unit.

    Args:
        nodes: the graph so far.
        settings: of the layer.
        path: of the layer.
        unit: its node's first value.
        kind: of the unit.
        flipped: whether a sequence that was gone through backwards is given in the order of time, as a
            ``Bidirectional`` does; by itself a layer gives it in the order in which it was made.
    """
    value = Value(unit.node, SEQUENCE if settings.get("return_sequences") else STATE)
    if settings.get("go_backwards") and settings.get("return_sequences") and not flipped:
        value = nodes.add(Node(f"{path}/reversed", "keras:reversed", inputs=(value,), layer=path, type="go_backwards"))
    if value != Value(unit.node, SEQUENCE):  # the layer in the live model gives another value than the node's first
        nodes.made[unit.node] = replace(nodes.made[unit.node], layer=None)
    states = [Value(unit.node, index) for index in range(1, 1 + STATES[kind])]
    return [value, *(states if settings.get("return_state") else ())]


def _bidirectional(
    nodes: Nodes, settings: Config, path: str, inputs: Sequence[Value], refs: Sequence[TensorRef]
) -> list[Value]:
    """Both directions, and what joins them."""
    forward = settings["layer"]
    mirrored = {**forward["config"], "go_backwards": not forward["config"].get("go_backwards", False)}
    backward = settings.get("backward_layer") or {**forward, "config": mirrored}
    names = [str(layer["config"]["name"]) for layer in (forward, backward)]
    if names[0] == names[1] or not settings.get("backward_layer"):
        bare = names[0].removeprefix("forward_")
        names = [f"forward_{bare}", f"backward_{bare}"]
    held = dealt(refs, path, [(names[0], "forward_layer"), (names[1], "backward_layer")])
    states = len(inputs[1:]) // 2  # the forward direction's come first
    given = []
    for place, layer in enumerate((forward, backward)):
        first = 1 + place * states
        own = [*inputs[:1], *inputs[first : first + states]]
        given.append(_inner(nodes, layer, f"{path}/{names[place]}", own, held[place], flipped=True))
    for values in given:
        nodes.made[values[0].node] = replace(nodes.made[values[0].node], layer=None)
    one, two = (values[0] for values in given)
    rest = [value for values in given for value in values[1:]]
    mode = settings.get("merge_mode", "concat")
    if mode is None:
        return [one, two, *rest]
    if mode not in MERGES:
        raise Unsupported(
            "two directions are joined in a way that is not known", where=path, found=f"merge_mode={mode}"
        )
    fields: Mapping[str, object] = {"dim": -1} if mode == "concat" else {"left": None, "right": None}
    both = Node(path, MERGES[mode], fields, inputs=(one, two), layer=path, type="Bidirectional")
    return [nodes.add(replace(both, scope=tuple(path.split("/")[:-1]))), *rest]


def _time_distributed(
    nodes: Nodes, settings: Config, path: str, inputs: Sequence[Value], refs: Sequence[TensorRef]
) -> list[Value]:
    """The layer inside, for each step of time: a layer over the last axis, or over single values, does so anyway;
    for others time and batch become one axis."""
    layer = settings["layer"]
    rule = rules.for_keras_layer(layer["class_name"])
    inner = f"{path}/{layer['config']['name']}"
    if rule is not None and rule.layout.way in ("features", "elementwise"):
        values = _inner(nodes, layer, inner, inputs, refs)
        nodes.made[values[0].node] = replace(nodes.made[values[0].node], layer=path)
        return values
    scope = tuple(path.split("/")[:-1])
    folded = nodes.add(
        Node(f"{path}/folded", "keras:time into batch", inputs=tuple(inputs), scope=scope, type="TimeDistributed")
    )
    (value, *_) = _inner(nodes, layer, inner, [folded], refs)
    return [
        nodes.add(
            Node(path, "keras:time out of batch", inputs=(value,), scope=scope, layer=path, type="TimeDistributed")
        )
    ]


def _rnn(nodes: Nodes, settings: Config, path: str, inputs: Sequence[Value], refs: Sequence[TensorRef]) -> list[Value]:
    """A cell, or several on top of each other, run over a sequence."""
    cell = settings["cell"]
    stacked = cell["class_name"] == "StackedRNNCells"
    cells = cell["config"]["cells"] if stacked else [cell]
    for item in cells:
        if item["class_name"] not in CELLS or not _ours(item):
            raise Unsupported("a cell that no rule knows", where=path, found=item["class_name"])
    names = [str(item["config"]["name"]) for item in cells]
    held = dealt(refs, path, [(name,) for name in names])
    states: list[Value] = []
    values = list(inputs[:1])
    given = list(inputs[1:])
    for place, (item, name) in enumerate(zip(cells, names, strict=True)):
        class_name = CELLS[item["class_name"]]
        kind = cast(rules.Rule, rules.for_keras_layer(class_name)).kind
        last = place == len(cells) - 1
        flags = {key: settings[key] for key in ("go_backwards", "stateful", "unroll") if key in settings}
        flags["return_sequences"] = settings.get("return_sequences", False) if last else True
        layer = {"class_name": class_name, "config": {**item["config"], **flags, "return_state": True}}
        before, given = given[: STATES[kind]], given[STATES[kind] :]
        flipped = not last  # a layer reads what the one before it gives in the order in which it was made
        value, *ends = _inner(nodes, layer, f"{path}/{name}", [*values, *before], held[place], flipped=flipped)
        states += ends
        values = [value]
    return [*values, *(states if settings.get("return_state") else ())]


def _spectral(
    nodes: Nodes, settings: Config, path: str, inputs: Sequence[Value], refs: Sequence[TensorRef]
) -> list[Value]:
    """The layer inside: its stored kernel has been divided by its norm in training, and is used as it is."""
    layer = settings["layer"]
    name = str(layer["config"]["name"])
    own = [ref for ref in refs if len(_below(ref, path)) == 1]
    inner = [ref for ref in refs if ref not in own]
    variables = rules.keras_variables(layer["class_name"], layer["config"]) or ()
    if len(inner) == len(variables) - 1:  # the kernel goes under the outer layer's name
        inner = [*own[:1], *inner]
    values = _inner(nodes, layer, f"{path}/{name}", inputs, inner)
    ignored = {
        ref: POWER_VECTOR if ref.name.endswith(("vector_u", "/1")) else SAME_VARIABLE
        for ref in refs
        if ref not in inner
    }
    node = nodes.made[values[0].node]
    nodes.used |= {ref.name for ref in ignored}
    nodes.made[node.name] = replace(node, ignored={**node.ignored, **ignored}, layer=path)
    return values


WRAPPERS: Mapping[str, Callable[..., list[Value]]] = {
    "Bidirectional": _bidirectional,
    "TimeDistributed": _time_distributed,
    "RNN": _rnn,
    "SpectralNormalization": _spectral,
}


def dealt(refs: Sequence[TensorRef], path: str, parts: Sequence[tuple[str, ...]]) -> list[list[TensorRef]]:
    """The tensors of each part: by the names it goes under, in files or in a live model; else equally many each."""
    found: list[list[TensorRef]] = [
        [ref for ref in refs if set(_below(ref, path)[:-1]) & set(names)] for names in parts
    ]
    if sum(map(len, found)) == len(refs):
        return found
    if len(refs) % len(parts):
        raise Unsupported(
            "the tensors of a layer made of layers cannot be told apart", where=path, details=[ref.name for ref in refs]
        )
    each = len(refs) // len(parts)
    return [list(refs[place * each : (place + 1) * each]) for place in range(len(parts))]


def _below(ref: TensorRef, path: str) -> list[str]:
    return ref.name.removeprefix(f"{path}/").split("/")


def _inner(
    nodes: Nodes, layer: Config, path: str, inputs: Sequence[Value], refs: Sequence[TensorRef], **more: Any
) -> list[Value]:
    return nodes.layer(layer["class_name"], layer["config"], path, inputs, ours=_ours(layer), refs=refs, **more)


def _ours(layer: Config) -> bool:
    name = layer.get("registered_name")
    return str(layer.get("module") or "keras.layers").startswith("keras") and name in (None, layer["class_name"])
