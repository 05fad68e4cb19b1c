"""A live Keras model → Graph, by calling it on tensors that have shapes and no values.

Every layer and operation that is called leaves a node behind, which Keras keeps in the history of its result. A layer
of a kind that no rule knows is entered: its ``call`` runs on such tensors too, and what happens inside becomes nodes
with the layer as their scope. What cannot be entered (code that asks a tensor for its values) stays one node with all
its weights. The model is left as it was.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from homolog.errors import Unsupported
from homolog.graph import PARAMETER, Graph, Node, OpenShape, Value, Weight
from homolog.keras.framework import require, results_of
from homolog.keras.lending import (
    as_it_was,
    optional_results,
    tensors_in,
    variables_as_operands,
    variables_without_values,
)
from homolog.keras.nodes import SEED_NAME, Nodes, knows, left_open
from homolog.keras.settings import PLAIN, layer_config, numbers_in, operation_config
from homolog.signature import lengths
from homolog.tensors import TensorRef

if TYPE_CHECKING:
    import keras

BATCH = 2

Groups = Mapping[str, Sequence[tuple[TensorRef, Any]]]


def trace(
    model: keras.Model, groups: Groups, paths: Mapping[int, str], shapes: Sequence[tuple[int, ...]] | None = None
) -> Graph:
    """The graph of a live model.

    Args:
        model: any model that can be called on Keras's symbolic tensors.
        groups: its variables by the path of their layer, with references.
        paths: of its layers, by the id of the layer.
        shapes: of its inputs, where they are open or the model does not say.

    Raises:
        Unsupported: the model says nothing of its inputs, or cannot be called on symbolic tensors.
    """
    inputs, entries = _inputs(model, shapes)
    calls = _Calls(paths)
    with as_it_was(model), calls.watched():
        try:
            outputs = list(results_of(model.call(inputs)).tensors.values())
        except Exception as error:  # whatever the user's own call raises on tensors without values
            raise Unsupported(
                f"{type(model).__name__} cannot be called on tensors without values",
                found=f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}",
            ) from error
        tracer = _Tracer(groups, calls)
        declared = _declared(model)
        for name, tensor in entries:
            fields = {"dtype": str(tensor.dtype), **left_open(declared.get(name))}
            entry = Node(name, "input", fields, shapes=(_shape(tensor),), type="InputLayer")
            tracer.made[id(tensor)] = tracer.nodes.add(entry)
        return tracer.nodes.graph(tracer.values(outputs))


@dataclass
class _Calls:
    """What was called while the model ran on tensors without values.

    Attributes:
        layers: paths of layers by their id.
        paths: for the result of every call, the path of the layer or operation.
        inside: for the result of a layer that was entered, the tensor inside the layer that it stands for.
        kept: the tensors themselves: an id is only good while its object lives.
        lazy: whether operations on nothing but variables leave nodes behind too, and are not done at once.
    """

    layers: Mapping[int, str]
    paths: dict[int, str] = field(default_factory=dict)
    inside: dict[int, Any] = field(default_factory=dict)
    kept: list[Any] = field(default_factory=list)
    lazy: bool = False
    _scope: list[str] = field(default_factory=list)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """While the body runs, layers of kinds that no rule knows are entered, and every call is noted."""
        keras = require()
        layer_call, operation_call = keras.layers.Layer.symbolic_call, keras.Operation.symbolic_call
        calls = self

        def on_layer(self: Any, *args: Any, **kwargs: Any) -> Any:
            for lazy in () if has_rule(self) else (True, False):
                calls._scope.append(calls.path(self))
                before, calls.lazy = calls.lazy, lazy
                try:
                    return calls.entered(self.call(*args, **kwargs))
                except Exception:  # noqa: BLE001 - the layer's own code, which may ask tensors for values
                    pass  # what is inside stays unknown: the layer becomes one node with all its weights
                finally:
                    calls._scope.pop()
                    calls.lazy = before
            return calls.noted(self, _sized(self, args, kwargs, layer_call(self, *args, **kwargs)))

        def on_operation(self: Any, *args: Any, **kwargs: Any) -> Any:
            return calls.noted(self, operation_call(self, *args, **kwargs))

        keras.layers.Layer.symbolic_call, keras.Operation.symbolic_call = on_layer, on_operation
        try:
            with optional_results(), variables_as_operands(), variables_without_values(lambda: self.lazy):
                yield
        finally:
            keras.layers.Layer.symbolic_call, keras.Operation.symbolic_call = layer_call, operation_call

    def path(self, operation: Any) -> str:
        """The path of a layer; of an operation, its name in the layer that calls it."""
        known = self.layers.get(id(operation))
        if known is not None:
            return known
        return f"{self._scope[-1]}/{operation.name}" if self._scope else str(operation.name)

    def noted(self, operation: Any, result: Any) -> Any:
        """Remember where a result comes from."""
        for tensor in tensors_in(result):
            self.paths[id(tensor)] = self.path(operation)
            self.kept.append(tensor)
        return result

    def entered(self, result: Any) -> Any:
        """Stand-ins for what a layer gives: Keras writes the layer itself into their history, and what happened
        inside must not be lost."""
        keras = require()

        if not any(isinstance(tensor, keras.KerasTensor) for tensor in tensors_in(result)):
            raise TypeError("the layer computes with values")

        def stand_in(tensor: Any) -> Any:
            if not isinstance(tensor, keras.KerasTensor):
                return tensor  # a constant, given beside what the layer computes
            fresh = keras.KerasTensor(tensor.shape, tensor.dtype)
            self.inside[id(fresh)] = tensor
            self.paths[id(fresh)] = self._scope[-1]
            self.kept.append(fresh)
            return fresh

        return keras.tree.map_structure(lambda item: None if item is None else stand_in(item), result)


@dataclass
class _Tracer:
    groups: Groups
    calls: _Calls
    nodes: Nodes = field(init=False)
    made: dict[int, Value] = field(default_factory=dict)
    variables: dict[int, TensorRef] = field(init=False)

    def __post_init__(self) -> None:
        self.nodes = Nodes({path: [ref for ref, _ in refs] for path, refs in self.groups.items()})
        self.variables = {id(variable): ref for refs in self.groups.values() for ref, variable in refs}

    def values(self, tensors: Sequence[Any]) -> list[Value]:
        """The values of symbolic tensors, with every node that leads to them; without recursion, models are deep."""
        stack = [(tensor, False) for tensor in reversed(tensors)]
        while stack:
            tensor, ready = stack.pop()
            if id(tensor) in self.made:
                continue
            before = self._before(tensor)
            if ready:
                self._make(tensor)
            else:
                stack.append((tensor, True))
                stack.extend((item, False) for item in reversed(before))
        return [self.made[id(tensor)] for tensor in tensors]

    def _before(self, tensor: Any) -> list[Any]:
        """What must be known before a tensor: what it stands for, or what its call reads."""
        if id(tensor) in self.calls.inside:
            return [self.calls.inside[id(tensor)]]
        node = _call_of(tensor)
        return [] if node is None else list(node.input_tensors)

    def _make(self, tensor: Any) -> None:
        path = self.calls.paths.get(id(tensor), "")
        if id(tensor) in self.calls.inside:
            self.made[id(tensor)] = self._left(path, self.made[id(self.calls.inside[id(tensor)])])
            return
        node = _call_of(tensor)
        if node is None:
            raise Unsupported("a tensor that no call gives", where=path, found=str(tensor))
        inputs = [self.made[id(item)] for item in _in_order_of_call(node)]
        inputs += [self._parameter(ref) for ref in self._variables_in(node.arguments)]
        values = self._called(node.operation, path, inputs, node.arguments)
        for index, output in enumerate(node.output_tensors):
            value = values[index] if index < len(values) else Value(values[0].node, index)
            self.made[id(output)] = value
            self._note_shape(value, _shape(output))

    def _called(self, operation: Any, path: str, inputs: Sequence[Value], arguments: Any) -> list[Value]:
        """What a known layer gives, or a bare operation, or a layer that could not be entered."""
        keras = require()
        class_name = type(operation).__name__
        if not isinstance(operation, keras.layers.Layer):
            return [self.nodes.operation(class_name, operation_config(operation), path, inputs, numbers_in(arguments))]
        if has_rule(operation):
            constants = {key: value for key, value in arguments.kwargs.items() if isinstance(value, PLAIN)}
            return self.nodes.layer(class_name, layer_config(operation), path, inputs, ours=True, constants=constants)
        return [self._joined(class_name, path, [*inputs, *map(self._parameter, self._unseen(path))])]

    def _left(self, path: str, value: Value) -> Value:
        """What an entered layer gives. Variables that it used where nothing could be seen join its result."""
        unseen = self._unseen(path)
        if not unseen:
            return value
        joined = self._joined("", path, [value, *map(self._parameter, unseen)])
        shapes = self.nodes.made[value.node].shapes
        if value.index < len(shapes):
            self._note_shape(joined, shapes[value.index])
        return joined

    def _joined(self, class_name: str, path: str, inputs: Sequence[Value]) -> Value:
        kind = f"keras:{class_name}"
        scope = tuple(path.split("/")[:-1])
        return self.nodes.add(Node(path, kind, inputs=tuple(inputs), scope=scope, layer=path, type=class_name))

    def _unseen(self, path: str) -> list[TensorRef]:
        return [ref for ref in self.nodes.own(path) if ref.name not in self.nodes.used and SEED_NAME not in ref.name]

    def _variables_in(self, arguments: Any) -> list[TensorRef]:
        keras = require()
        flat = keras.tree.flatten([arguments.args, arguments.kwargs])
        return [self.variables[id(item)] for item in flat if id(item) in self.variables]

    def _parameter(self, ref: TensorRef) -> Value:
        """A variable that is used by itself."""
        if ref.name in self.nodes.made:
            return Value(ref.name)
        weight = Weight((ref,), trainable=ref.trainable is not False)
        return self.nodes.add(Node(ref.name, PARAMETER, {}, {"value": weight}, shapes=(ref.shape,), type="Variable"))

    def _note_shape(self, value: Value, shape: OpenShape) -> None:
        node = self.nodes.made[value.node]
        if len(node.shapes) <= value.index:
            unknown = ((),) * (value.index - len(node.shapes))
            self.nodes.made[value.node] = replace(node, shapes=(*node.shapes, *unknown, shape))


def _sized(layer: Any, args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> Any:
    """What a layer gives, with every length: a layer that was told the shape of what it gives repeats what it was
    told, lengths that were open and all. Then its own code says them."""
    keras = require()
    if not _open(result) or _open([args, dict(kwargs)]):
        return result
    try:
        return keras.Operation.compute_output_spec(layer, *args, **kwargs)
    except Exception:  # noqa: BLE001 - the layer's own code
        return result


def _open(structure: Any) -> bool:
    return any(isinstance(item, require().KerasTensor) and None in item.shape for item in tensors_in(structure))


def _in_order_of_call(node: Any) -> list[Any]:
    """The tensors that a call reads, in the order of the parameters of ``call``: Keras sorts named ones by name. Masks
    of a layer that a rule knows are left out: they choose among values, and are none."""
    keras = require()
    masked = isinstance(node.operation, keras.layers.Layer) and has_rule(node.operation)
    parameters = list(inspect.signature(node.operation.call).parameters)
    named = sorted(
        ((name, item) for name, item in node.arguments.kwargs.items() if not (masked and "mask" in name)),
        key=lambda item: parameters.index(item[0]) if item[0] in parameters else len(parameters),
    )
    flat = keras.tree.flatten([node.arguments.args, [item for _, item in named]])
    return [item for item in flat if isinstance(item, keras.KerasTensor)]


def _call_of(tensor: Any) -> Any:
    """The call that gave a symbolic tensor, None for one that was made by itself."""
    history = getattr(tensor, "_keras_history", None)
    if history is None or history[0] is None:
        return None
    return history[0]._inbound_nodes[history[1]]


def has_rule(layer: Any) -> bool:
    """Whether a layer is one of Keras's own that a rule knows; anything else is entered."""
    return knows(type(layer).__name__) and type(layer).__module__.startswith("keras.src.")


def _inputs(model: Any, shapes: Sequence[tuple[int, ...]] | None) -> tuple[Any, list[tuple[str, Any]]]:
    """Symbolic inputs with every length known: as the model takes them, and flat with their names."""
    keras = require()
    declared = getattr(model, "_inputs_struct", None)
    if declared is None:
        declared = getattr(model, "input", None) if getattr(model, "inputs", None) else None
    if declared is None:
        shapes = _built_for(model) if shapes is None else shapes
        if not shapes:
            raise Unsupported(
                f"{type(model).__name__} says nothing of its inputs",
                help="give their shapes, batch first: --input 1,224,224,3",
            )
        made = [keras.KerasTensor(shape, "float32") for shape in shapes]
        return (made[0] if len(made) == 1 else made), [(f"input_{i}", tensor) for i, tensor in enumerate(made)]
    flat = keras.tree.flatten(declared)
    concrete = [
        keras.KerasTensor(_concrete(tensor.shape, None if shapes is None else shapes[index]), tensor.dtype)
        for index, tensor in enumerate(flat)
    ]
    return keras.tree.pack_sequence_as(declared, concrete), [
        (tensor._keras_history[0].name, made) for tensor, made in zip(flat, concrete, strict=True)
    ]


def _declared(model: Any) -> dict[str, OpenShape]:
    """The shapes that a model declares for its inputs, by name; none for a class of somebody's own."""
    declared = getattr(model, "_inputs_struct", None)
    flat = [] if declared is None else require().tree.flatten(declared)
    return {tensor._keras_history[0].name: _shape(tensor) for tensor in flat}


def _built_for(model: Any) -> list[tuple[int, ...]]:
    """The shapes that a model of a class of its own was first called with, if it was called."""
    noted = getattr(model, "_build_shapes_dict", None) or {}
    plain = [shape for shape in noted.values() if isinstance(shape, tuple) and shape]
    if len(plain) != len(noted) or not all(isinstance(n, int | None) for shape in plain for n in shape):
        return []
    return [lengths(shape, BATCH) for shape in plain]


def _concrete(shape: OpenShape, given: tuple[int, ...] | None) -> tuple[int, ...]:
    return lengths(shape, BATCH) if given is None else given


def _shape(tensor: Any) -> OpenShape:
    return tuple(tensor.shape)
