"""Recurrent layers and cells: a stack of PyTorch's is one layer of Keras for each of its layers and directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from homolog import rules
from homolog.graph import Node, Value
from homolog.keras.emitting.call import Call
from homolog.keras.emitting.registry import writes
from homolog.passes.ways import TIME_SECOND
from homolog.rules.recurrent import BIASES, GRU, LSTM, PROJECTED, SIMPLE_RNN, STATES
from homolog.rules.rule import Rule
from homolog.tensors import TensorRef

UNITS = {"lstm": LSTM, "gru": GRU, "rnn_tanh": SIMPLE_RNN, "rnn_relu": SIMPLE_RNN}
SWAPPED = "(1, 0, 2)"
"""Between the batch in front and time in front."""


@dataclass(frozen=True)
class Unit:
    """One layer in one direction.

    Attributes:
        place: among all of its stack.
        node: in the words of its rule.
        backwards: whether it reads from the end.
    """

    place: int
    node: Node
    backwards: bool


@writes("lstm", "gru", "rnn_tanh", "rnn_relu")
def stack(call: Call) -> list[str]:
    """Layer upon layer, in one direction or both; the last states of all, too, where they are read."""
    if "input" not in call.step.arguments:
        raise call.refusal("a packed sequence", "give the layer padded sequences")
    levels = _levels(call)
    count = STATES[UNITS[call.step.operator].name]
    states_read = any(call.is_read(1 + kind) for kind in range(count))
    initial = _initial(call)
    x = call.x("input")
    is_turned = call.order == TIME_SECOND  # the batch lies in front already, whatever the source calls the axes
    if not call["batch_first"] and not is_turned:
        x = call.let(f"ops.transpose({x}, {SWAPPED})")
    ends: list[list[str]] = []
    for number, units in enumerate(levels):
        is_last = number == len(levels) - 1
        if number and call["dropout"]:
            x = call.let(call.layer("Dropout", {"0": call["dropout"]}, x))
        sequences = []
        for unit in units:
            given = [call.let(f"{state}[{unit.place}]") for state in initial]
            sequence, *states = _applied(
                call, unit, x, given, sequence=call.is_read(0) or not is_last, ends=states_read
            )
            sequences.append(sequence)
            ends.append(states)
        if all(sequences):
            x = sequences[0] if len(sequences) == 1 else f"ops.concatenate([{', '.join(sequences)}], axis=-1)"
            x = call.let(x)
    results = [x]
    if call.is_read(0) and not call["batch_first"] and not is_turned:
        results = [call.let(f"ops.transpose({x}, {SWAPPED})")]
    for kind in range(count):
        names = [states[kind] for states in ends] if call.is_read(1 + kind) else []
        results.append(call.let(f"ops.stack([{', '.join(names)}], axis={int(is_turned)})") if names else x)
    return results


def _levels(call: Call) -> list[list[Unit]]:
    """Every layer as its one or two units, with the weights of each.

    Raises:
        Unsupported: weights that are computed, or a projection.
    """
    unit = UNITS[call.step.operator]
    tensors = [_tensor(call, value) for value in call.tensors("params")]
    kinds = ("weight_ih", "weight_hh", *(BIASES if call["has_biases"] else ()))
    ways = 2 if call["bidirectional"] else 1
    layers = cast(int, call["num_layers"])
    if len(tensors) != len(kinds) * ways * layers:
        raise call.refusal(PROJECTED)
    levels = []
    for layer in range(layers):
        level = []
        for way in range(ways):
            place = layer * ways + way
            own = dict(zip(kinds, tensors[place * len(kinds) :], strict=False))
            suffix = f"l{layer}{'_reverse' if way else ''}"
            name = call.path if len(tensors) == len(kinds) else f"{call.path}.{suffix}".lstrip(".")
            node = Node(name or call.step.name, unit.kind, {}, unit.torch_weights(own), layer=name or None)
            level.append(Unit(place, node, bool(way)))
        levels.append(level)
    return levels


def _tensor(call: Call, value: Value) -> TensorRef:
    tensor = call.assembler.trace.steps[value.node].tensor
    if tensor is None:
        raise call.refusal("a weight that is computed, and no tensor of the model's own")
    return tensor


def _initial(call: Call) -> list[str]:
    """The first states, of all units in one; none for zeros, with which Keras's layers begin by themselves."""
    given = call.tensors("hx") if isinstance(call["hx"], list) else [call.value("hx")]
    arrays = [call.constant(value) for value in given]
    if all(array is not None and not array.any() for array in arrays):
        return []
    names = []
    for value in given:
        name = call.plain(value)
        if call.is_static(value):  # once for all rows, which lie along the second axis
            name = call.assembler.for_each_row(name, call.rank(value), call.dtype(value), call.step, place=1)
        names.append(name)
    return names


def _applied(call: Call, unit: Unit, x: str, initial: list[str], sequence: bool, ends: bool) -> tuple[str, ...]:
    """The sequence that a unit gives, empty if it is not wanted, and its last states."""
    rule = UNITS[call.step.operator]
    count = STATES[rule.name]
    arguments: dict[str, object] = {"0": unit.node.weights["weight_hh"].shape[1]}
    if call.step.operator == "rnn_relu":
        arguments["activation"] = "relu"
    if not call["has_biases"]:
        arguments["use_bias"] = False
    flags = {"return_sequences": sequence, "return_state": ends, "go_backwards": unit.backwards}
    arguments |= {key: True for key, wanted in flags.items() if wanted}
    more = {"initial_state": f"[{', '.join(initial)}]" if count > 1 else initial[0]} if initial else {}
    made = call.weighted(_class(rule), arguments, unit.node, x, **more)
    first, *states = call.let(made, 1 + count if ends else 1).split(", ")
    if not sequence:
        return ("", *states)
    return (call.let(f"ops.flip({first}, axis=1)") if unit.backwards else first, *states)


def _class(rule: Rule) -> str:
    return rule.keras.classes[0]


@writes("lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell")
def cell(call: Call) -> str:
    """One step of one layer."""
    node = call.step.layer
    if node is None:
        raise call.refusal("a weight that is computed, and no tensor of the model's own")
    rule = rules.for_kind(node.kind)
    if rule is None:
        raise call.refusal("no rule knows it")
    hidden = node.weights["weight_hh"].shape[1]
    arguments: dict[str, object] = {"0": hidden}
    if call.step.operator == "rnn_relu_cell":
        arguments["activation"] = "relu"
    if not any(slot.startswith("bias") for slot in node.weights):
        arguments["use_bias"] = False
    x = call.plain("input")
    if call.step.operator == "lstm_cell":
        states = [call.plain(value) for value in call.tensors("hx")]
        made = call.weighted(_class(rule), arguments, node, x, f"[{', '.join(states)}]")
        return f"{made}[1]"
    made = call.weighted(_class(rule), arguments, node, x, call.plain("hx"))
    return f"{made}[0]"
