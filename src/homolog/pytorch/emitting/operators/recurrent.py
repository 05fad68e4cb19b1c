"""Recurrent layers and cells."""

from __future__ import annotations

from typing import cast

from homolog.graph import Node, Value, Weight
from homolog.passes.ways import TIME_SECOND
from homolog.pytorch.emitting.call import Call
from homolog.pytorch.emitting.registry import writes
from homolog.rules.recurrent import BIASES
from homolog.tensors import TensorRef

CLASSES = {"lstm": "LSTM", "gru": "GRU", "rnn_tanh": "RNN", "rnn_relu": "RNN"}
GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}
STACKS = {"lstm": "lstm_stack", "gru": "gru_stack", "rnn_tanh": "simple_rnn_stack", "rnn_relu": "simple_rnn_stack"}
PROJECTION = "weight_hr"


@writes(*CLASSES)
def stack(call: Call) -> list[str]:
    """Layer upon layer, in one direction or both, as one module."""
    if "input" not in call.step.arguments:
        raise call.refusal("a packed sequence", "give the layer padded sequences")
    unit = call.step.layer
    node, arguments = _of_unit(call, unit) if unit is not None else _of_parameters(call)
    turned = call.order == TIME_SECOND  # the batch lies in front already, whatever the source calls the axes
    x, batch_first = call.x("input"), bool(call["batch_first"]) or turned
    if unit is not None and call["batch_first"] is None:
        batch_first = True
    arguments |= {"batch_first": True} if batch_first else {}
    backwards = unit is not None and bool(unit.fields.get("go_backwards"))
    time = 1 if batch_first else 0
    x = call.let(f"{x}.flip({time})") if backwards else x
    sequence, *states = _applied(call, node, arguments, ", ".join([x, *_initial(call)]))
    if backwards and call.is_read(0):
        sequence = call.let(f"{sequence}.flip({time})")
    if turned:
        states = [call.let(f"{state}.transpose(0, 1)") for state in states]
    return [sequence, *states][: len(call.step.shapes)]


def _applied(call: Call, node: Node, arguments: dict[str, object], given: str) -> list[str]:
    """The sequence and the last states; of what nobody reads there is no variable."""
    cls = f"nn.{CLASSES[call.step.operator]}"
    count = 2 if call.step.operator == "lstm" else 1
    read = [call.is_read(1 + kind) for kind in range(count)]
    if not any(read):
        sequence = call.made(f"made({given})[0]", cls, arguments, node)
        return [sequence] * (1 + count)
    if not call.is_read(0):
        sequence, last = "", call.made(f"made({given})[1]", cls, arguments, node)
    else:
        sequence, last = call.made(f"made({given})", cls, arguments, node, 2).split(", ")
    if count == 1:
        return [sequence or last, last]
    if all(read):
        hidden, cell = call.let(last, 2).split(", ")
    else:
        hidden = cell = call.let(f"{last}[{read.index(True)}]")
    return [sequence or hidden, hidden, cell]


def _of_parameters(call: Call) -> tuple[Node, dict[str, object]]:
    """The module whose tensors the operator is given in a list, in the order of PyTorch's module."""
    operator = call.step.operator
    layers, ways = cast(int, call["num_layers"]), 2 if call["bidirectional"] else 1
    tensors = [_tensor(call, value) for value in call.tensors("params")]
    kinds = ["weight_ih", "weight_hh", *(BIASES if call["has_biases"] else ())]
    if len(tensors) == (len(kinds) + 1) * layers * ways:
        kinds.append(PROJECTION)
    suffixes = [f"l{layer}{way}" for layer in range(layers) for way in ("", "_reverse")[:ways]]
    names = [f"{kind}_{suffix}" for suffix in suffixes for kind in kinds]
    held = dict(zip(names, tensors, strict=True))
    path = call.path
    weights = {name: Weight((ref,)) for name, ref in held.items()}
    node = Node(path or call.step.name, STACKS[operator], {}, weights, layer=path or None, type=operator)
    rows, width = held["weight_ih_l0"].shape
    arguments: dict[str, object] = {"0": width, "1": rows // GATES[operator]}
    arguments |= {"num_layers": layers} if layers > 1 else {}
    arguments |= {"nonlinearity": "relu"} if operator == "rnn_relu" else {}
    arguments |= {} if call["has_biases"] else {"bias": False}
    arguments |= {"dropout": call["dropout"]} if call["dropout"] else {}
    arguments |= {"bidirectional": True} if ways > 1 else {}
    arguments |= {"proj_size": held[f"{PROJECTION}_l0"].shape[0]} if PROJECTION in kinds else {}
    return node, arguments


def _tensor(call: Call, value: Value) -> TensorRef:
    tensor = call.assembler.trace.steps[value.node].tensor
    if tensor is None:
        raise call.refusal("a weight that is computed, and no tensor of the model's own")
    return tensor


USUAL = {"activation": "tanh", "recurrent_activation": "sigmoid", "reset_after": True}
"""What PyTorch's modules do, and cannot be told otherwise."""


def _of_unit(call: Call, unit: Node) -> tuple[Node, dict[str, object]]:
    """One layer in one direction."""
    operator = call.step.operator
    usual = {**USUAL, **({"activation": "relu"} if operator == "rnn_relu" else {})}
    for name, value in usual.items():
        if unit.fields.get(name, value) != value:
            raise call.refusal(f"{name}={unit.fields[name]!r}, which PyTorch's module has not")
    rows, width = unit.weights["weight_ih"].shape
    arguments: dict[str, object] = {"0": width, "1": rows // GATES[operator]}
    arguments |= {"nonlinearity": "relu"} if operator == "rnn_relu" else {}
    arguments |= {} if any(slot.startswith("bias") for slot in unit.weights) else {"bias": False}
    return unit, arguments


def _initial(call: Call) -> list[str]:
    """The first states; none for zeros, with which modules begin by themselves."""
    hx = call["hx"]
    given = call.tensors("hx") if isinstance(hx, list) else [call.value("hx")] if isinstance(hx, Value) else []
    arrays = [call.constant(value) for value in given]
    if all(array is not None and not array.any() for array in arrays):
        return []
    names = [call.plain_with_rows(value) for value in given]
    return names if len(names) == 1 else [f"({', '.join(names)})"]


CELLS = {"lstm_cell": "LSTMCell", "gru_cell": "GRUCell", "rnn_tanh_cell": "RNNCell", "rnn_relu_cell": "RNNCell"}


@writes(*CELLS)
def cell(call: Call) -> str | list[str]:
    """One step of one layer."""
    node, operator = call.step.layer, call.step.operator
    if node is None:
        raise call.refusal("a weight that is computed, and no tensor of the model's own")
    rows, width = node.weights["weight_ih"].shape
    arguments: dict[str, object] = {"0": width, "1": rows // GATES[operator.removesuffix("_cell")]}
    arguments |= {"nonlinearity": "relu"} if operator == "rnn_relu_cell" else {}
    arguments |= {} if any(slot.startswith("bias") for slot in node.weights) else {"bias": False}
    cls, x = f"nn.{CELLS[operator]}", call.plain("input")
    if operator == "lstm_cell":
        states = ", ".join(call.with_rows(value) for value in call.tensors("hx"))
        hidden, memory = call.made(f"made({x}, ({states}))", cls, arguments, node, 2).split(", ")
        return [hidden, memory]
    return call.made(f"made({x}, {call.with_rows('hx')})", cls, arguments, node)
