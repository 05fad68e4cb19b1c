"""Recurrent layers: simple, LSTM and GRU; their cells; convolutional LSTM.

A unit is one layer in one direction: what Keras calls a layer. Its outputs are the sequence, in the order of time, and
the last state of each kind. PyTorch's modules are stacks of units, taken apart by ``passes.units``.

Order of the gates along the first axis of a weight: PyTorch's LSTM i f g o, Keras's i f c o, which is the same;
PyTorch's GRU r z n, Keras's z r h (formulas in the documentation of torch.nn.LSTM and torch.nn.GRU; in Keras
keras/src/layers/rnn/lstm.py and gru.py). PyTorch keeps two biases for every gate. They are always added, but for the
GRU's n, where the reset gate lies between them; Keras has two there too, as rows of one variable, if ``reset_after``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from homolog.errors import Unsupported
from homolog.graph import Node, OpenShape, Value
from homolog.rules.arguments import Arguments, Size
from homolog.rules.conv import SPATIAL, window
from homolog.rules.forms import data_format, ints
from homolog.rules.rule import Field, Fields, Form, Keras, Rule, Slot, States, Torch
from homolog.tensors import Shape
from homolog.transforms import Axes

BIASES = ("bias_ih", "bias_hh")
PROJECTED = "Keras has no recurrent layer that projects its state"
STATEFUL = "its output depends on what it was called with before"
SEQUENCE, STATE = 0, 1
"""Outputs of a unit: the sequence, the last state; an LSTM's last cell state is the third."""
STATES = {"simple_rnn": 1, "lstm": 2, "gru": 1}
"""How many states a unit hands on from one step to the next."""


def _name(value: object) -> object:
    """The name of an activation, serialised as a name or as a class or function."""
    if isinstance(value, Mapping):
        inner = value.get("config")
        return inner if isinstance(inner, str) else value.get("class_name")
    return value


def _activation(name: str, keras: str, otherwise: object) -> Field:
    return Field(name, keras, Form(from_keras=_name), otherwise=otherwise)


ACTIVATION = _activation("activation", "activation", "tanh")
GATE_ACTIVATION = _activation("recurrent_activation", "recurrent_activation", "sigmoid")
RESET_AFTER = Field("reset_after", "reset_after", otherwise=True, absent=False)
BACKWARDS = Field("go_backwards", "go_backwards", otherwise=False)
BATCH_FIRST = Field("batch_first", otherwise=True, effect="layout")
DROPOUTS = (
    Field("dropout", "dropout", otherwise=0.0, effect="training"),
    Field("recurrent_dropout", "recurrent_dropout", otherwise=0.0, effect="training"),
)
KERNELS = (
    Slot("weight_ih", "kernel", Axes("gates inp -> inp gates")),
    Slot("weight_hh", "recurrent_kernel", Axes("gates hidden -> hidden gates")),
)
SUMMED = (*KERNELS, Slot("bias", "bias", when="use_bias", sums=BIASES))
Z_R_H = (1, 0, 2)
GATED = (
    *(replace(slot, gates=Z_R_H) for slot in KERNELS),
    Slot("bias_ih", "bias", when="use_bias", row=0, gates=Z_R_H),
    Slot("bias_hh", "bias", when="use_bias reset_after", row=1, gates=Z_R_H),
)
FLAGS = ("return_sequences", "return_state", "unroll", "zero_output_for_mask", "implementation", "time_major")
IGNORED = ("units", "unit_forget_bias", "seed")


def _infer_unit(fields: Fields, weights: Mapping[str, Shape], inputs: Sequence[OpenShape]) -> OpenShape:
    return (*inputs[0][:-1], weights["weight_hh"][1])


def _states(count: int) -> States:
    def shapes(fields: Fields, weights: Mapping[str, Shape], inputs: Sequence[OpenShape]) -> tuple[OpenShape, ...]:
        batch = inputs[0][0 if fields["batch_first"] else 1] if len(inputs[0]) > 2 else inputs[0][0]
        return ((batch, weights["weight_hh"][1]),) * count

    return shapes


def _unit(name: str, keras: str, fields: tuple[Field, ...], slots: tuple[Slot, ...]) -> Rule:
    """One layer in one direction; PyTorch has it only inside a stack."""
    return Rule(
        name,
        keras=Keras((keras,), ignore=(*FLAGS, *IGNORED), fixed={"stateful": False}, why={"stateful": STATEFUL}),
        fields=(*fields, BACKWARDS, BATCH_FIRST, *DROPOUTS),
        slots=slots,
        infer=_infer_unit,
        states=_states(STATES[name]),
    )


def _stack(unit: Rule, torch: str, aten: tuple[str, ...]) -> Rule:
    """PyTorch's module: layers in one direction or both, each reading what the one before it gives."""
    return Rule(
        f"{unit.name}_stack",
        torch=Torch(
            (torch,),
            tuple(f"{name}.input" for name in aten),
            ignore=("mode", "input_size", "hidden_size", "bias", "has_biases", "train"),
            fixed={"proj_size": 0},
            given={"rnn_relu.input": {"nonlinearity": "relu"}},
            listed={"params": stacked_names},
            why={"proj_size": PROJECTED},
        ),
        fields=(
            Field("num_layers", otherwise=1),
            Field("bidirectional", otherwise=False),
            Field("batch_first", otherwise=False, effect="layout"),
            Field("nonlinearity", otherwise="tanh"),
            Field("dropout", otherwise=0.0, effect="training"),
        ),
        chained=False,
        units=lambda stack: unstacked(stack, unit),
    )


def _cell(unit: Rule, torch: str, aten: tuple[str, ...]) -> Rule:
    """One step of one layer."""
    keras = "SimpleRNNCell" if torch == "RNNCell" else torch
    return Rule(
        f"{unit.name}_cell",
        torch=Torch(
            (torch,),
            aten,
            ignore=("input_size", "hidden_size", "bias"),
            renamed={"w_ih": "weight_ih", "w_hh": "weight_hh", "b_ih": "bias_ih", "b_hh": "bias_hh"},
            given={"rnn_relu_cell": {"activation": "relu"}},
        ),
        keras=Keras((keras,), ignore=IGNORED),
        fields=(
            *(setting for setting in unit.fields if setting.effect == "function" and setting is not BACKWARDS),
            *DROPOUTS,
            Field("nonlinearity", otherwise=None, effect="size"),
        ),
        slots=unit.slots,
        infer=_infer_unit,
        normalise=_normalise_cell,
        chained=False,
    )


def _normalise_cell(fields: Fields, weights: Mapping[str, Shape]) -> Fields:
    """PyTorch names the activation of a simple cell, and of no other."""
    nonlinearity = fields.pop("nonlinearity")
    return fields if nonlinearity is None else {**fields, "activation": nonlinearity}


def stacked_names(arguments: Mapping[str, object]) -> list[str]:
    """Names of a stack's weights in PyTorch's order (torch/nn/modules/rnn.py, RNNBase)."""
    kinds = ("weight_ih", "weight_hh", *(BIASES if arguments["has_biases"] else ()))
    levels = _levels(arguments)
    return [f"{kind}_{suffix}" for level in levels for suffix in level for kind in kinds]


def _levels(settings: Mapping[str, object]) -> list[tuple[str, ...]]:
    """The layers of a stack, each as the endings of the names of its one or two directions."""
    ways = ("", "_reverse") if settings["bidirectional"] else ("",)
    return [tuple(f"l{layer}{way}" for way in ways) for layer in range(cast(int, settings["num_layers"]))]


def unstacked(stack: Node, unit: Rule) -> tuple[tuple[Node, ...], tuple[Value, ...]]:
    """The units of a stack; where a layer has two directions, their joined sequences; the joined last states."""
    refs = {name: weight.tensors[0] for name, weight in stack.weights.items()}
    bare = replace(stack, fields={}, weights={}, ignored={}, shapes=(), layer=None)
    entry, states = stack.inputs[:1], stack.inputs[1:]
    units: list[Node] = []
    nodes: list[Node] = []
    for level in _levels(stack.fields):
        made = [
            replace(
                bare,
                name=f"{stack.name}.{suffix}",
                kind=unit.kind,
                fields=_unit_fields(stack, unit, backwards=suffix.endswith("_reverse")),
                weights=unit.torch_weights({name.removesuffix(f"_{suffix}"): ref for name, ref in refs.items()}),
                inputs=(*entry, *states),
            )
            for suffix in level
        ]
        units += made
        nodes += made
        if len(made) > 1:
            sequences = tuple(Value(node.name, SEQUENCE) for node in made) if stack.inputs else ()
            name = f"{stack.name}.{level[0]}.both"
            nodes.append(replace(bare, name=name, kind="concat", fields={"dim": -1}, inputs=sequences, type="concat"))
        entry = (Value(nodes[-1].name),) if stack.inputs else ()
    _refuse_strange(stack, units)
    if not stack.inputs:
        return tuple(units), ()
    nodes[-1] = replace(nodes[-1], shapes=stack.shapes[:1], layer=stack.layer)
    ends = [
        replace(
            bare,
            name=f"{stack.name}.state{kind}",
            kind="stack",
            fields={"dim": 0},
            inputs=tuple(Value(node.name, kind) for node in units),
            shapes=stack.shapes[kind : kind + 1],
            type="stack",
        )
        for kind in range(1, 1 + STATES[unit.name])
    ]
    return (*nodes, *ends), (*entry, *(Value(node.name) for node in ends))


def _unit_fields(stack: Node, unit: Rule, *, backwards: bool) -> Fields:
    told = {"go_backwards": backwards, "batch_first": stack.fields["batch_first"], "dropout": stack.fields["dropout"]}
    if unit.name == "simple_rnn":
        told["activation"] = stack.fields["nonlinearity"]
    return {**{setting.name: setting.otherwise for setting in unit.fields}, **told}


def _refuse_strange(stack: Node, units: Sequence[Node]) -> None:
    taken = {ref.name for node in units for weight in node.weights.values() for ref in weight.tensors}
    strange = [weight.tensors[0].name for weight in stack.weights.values() if weight.tensors[0].name not in taken]
    if strange:
        raise Unsupported(
            f"a {stack.type} with tensors that its rule does not know", where=stack.name, found=", ".join(strange)
        )


def _infer_conv_lstm(fields: Fields, weights: Mapping[str, Shape], inputs: Sequence[OpenShape]) -> OpenShape:
    """From (batch, time, *map): the input's kernel says how the map shrinks, the other one keeps its size."""
    batch, time, *map_shape = inputs[0]
    last = fields["data_format"] == "channels_last"
    lengths = map_shape[:-1] if last else map_shape[1:]
    kernel, stride, dilation = (cast(Shape, fields[name]) for name in ("kernel_size", "stride", "dilation"))
    if fields["padding"] == "same":
        sizes = [None if n is None else -(-n // s) for n, s in zip(lengths, stride, strict=True)]
    else:
        steps = zip(lengths, kernel, stride, dilation, strict=True)
        sizes = [window(n, k, s, (0, 0), d) for n, k, s, d in steps]
    channels = weights["weight_hh"][1]
    return (
        batch,
        *((time,) if fields["return_sequences"] else ()),
        *((*sizes, channels) if last else (channels, *sizes)),
    )


def _conv_lstm(rank: int) -> Rule:
    """An LSTM whose products are convolutions; PyTorch has none."""
    space = SPATIAL[rank]
    return Rule(
        f"conv_lstm{rank}d",
        keras=Keras(
            (f"ConvLSTM{rank}D",),
            ignore=("filters", "unroll", "zero_output_for_mask", *IGNORED),
            fixed={"stateful": False, "return_state": False},
            why={"stateful": STATEFUL},
            make=Arguments(sizes={"filters": Size("weight_hh", 1)}),
        ),
        fields=(
            ACTIVATION,
            GATE_ACTIVATION,
            BACKWARDS,
            Field("return_sequences", "return_sequences", otherwise=False),
            *DROPOUTS,
            Field("kernel_size", "kernel_size", ints(rank), effect="size"),
            Field("stride", "strides", ints(rank), otherwise=(1,) * rank),
            Field("padding", "padding", otherwise="valid"),
            Field("dilation", "dilation_rate", ints(rank), otherwise=(1,) * rank),
            data_format(),
        ),
        slots=(
            Slot("weight_ih", "kernel", Axes(f"gates inp {space} -> {space} inp gates")),
            Slot("weight_hh", "recurrent_kernel", Axes(f"gates hidden {space} -> {space} hidden gates")),
            Slot("bias", "bias", when="use_bias"),
        ),
        infer=_infer_conv_lstm,
    )


SIMPLE_RNN = _unit("simple_rnn", "SimpleRNN", (ACTIVATION,), SUMMED)
LSTM = _unit("lstm", "LSTM", (ACTIVATION, GATE_ACTIVATION), SUMMED)
GRU = _unit("gru", "GRU", (ACTIVATION, GATE_ACTIVATION, RESET_AFTER), GATED)
CELLS = {"simple_rnn_cell", "lstm_cell", "gru_cell"}

RULES = (
    *(SIMPLE_RNN, LSTM, GRU),
    _stack(SIMPLE_RNN, "RNN", ("rnn_tanh", "rnn_relu")),
    _stack(LSTM, "LSTM", ("lstm",)),
    _stack(GRU, "GRU", ("gru",)),
    _cell(SIMPLE_RNN, "RNNCell", ("rnn_tanh_cell", "rnn_relu_cell")),
    _cell(LSTM, "LSTMCell", ("lstm_cell",)),
    _cell(GRU, "GRUCell", ("gru_cell",)),
    *(_conv_lstm(rank) for rank in SPATIAL),
)
