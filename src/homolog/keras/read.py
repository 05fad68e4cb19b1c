"""A Keras model → Graph, from its configuration, which is data: the same for a file and for a live model.

Keras 3 writes a layer's inputs as ``{"args": …, "kwargs": …}`` with ``__keras_tensor__`` entries, Keras 2 as nested
lists of ``[layer, call, output, kwargs]``. Both are read; nothing is deserialised.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any, cast

from homolog import rules
from homolog.errors import Unreadable, Unsupported
from homolog.graph import BARE, Graph, Node, Value, Weight
from homolog.rules import Rule
from homolog.tensors import TensorRef
from homolog.transforms import inverse

Config = Mapping[str, Any]
Groups = Mapping[str, Sequence[TensorRef]]
Call = tuple[str, int]

MODELS = {"Sequential", "Functional", "Model"}
SEED = "state of a random generator; nothing of the function"


def read_config(config: Config, groups: Groups) -> Graph:
    """The graph of a serialised model.

    Args:
        config: ``{"class_name": …, "config": …}`` as in ``config.json`` or the ``model_config`` of a legacy file.
        groups: each layer's tensors in the order Keras keeps them, by the layer's path (``outer/inner`` where
            models are nested).

    Raises:
        Unsupported: a class of model that has no graph in its configuration, or a setting that no rule knows.
        Unreadable: a configuration that contradicts itself.
    """
    reader = _Reader(groups)
    outputs = reader.model(config, path="", inputs=None)
    used = {ref.name for node in reader.nodes.values() for ref in node.ignored}
    used |= {ref.name for node in reader.nodes.values() for w in node.weights.values() for ref in w.tensors}
    loose = tuple(ref for refs in groups.values() for ref in refs if ref.name not in used)
    return Graph("keras", reader.nodes, tuple(outputs), loose)


def read_groups(groups: Groups) -> Graph:
    """The layers of a weights file that holds no architecture, in the file's order."""
    nodes: dict[str, Node] = {}
    for path, refs in groups.items():
        ignored = {ref: SEED for ref in refs if "seed_generator" in ref.name}
        weights = {ref.name.removeprefix(f"{path}/"): Weight((ref,)) for ref in refs if ref not in ignored}
        if refs:
            nodes[path] = Node(path, BARE, {}, weights, ignored, scope=tuple(path.split("/")[:-1]))
    return Graph("keras", nodes, wired=False)


@dataclass
class _Reader:
    groups: Groups
    nodes: dict[str, Node] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)

    def model(self, config: Config, path: str, inputs: Sequence[Value] | None) -> list[Value]:
        """Add a model's nodes; ``inputs`` are None for the outermost, whose inputs become nodes."""
        name, settings = config.get("class_name"), config.get("config")
        if name == "Sequential" and isinstance(settings, list):
            settings = {"layers": settings}  # before Keras 2.3
        if not isinstance(settings, Mapping) or "layers" not in settings:
            raise Unsupported(
                f"the configuration of {path or 'the model'} does not say how its layers are connected",
                found=f"class {name}",
                expected="a Sequential or functional model",
                help="give the model itself instead: FILE@package.module:factory",
            )
        if name == "Sequential":
            return self._sequential(settings["layers"], path, inputs)
        return self._functional(settings, path, inputs)

    def _sequential(self, layers: Sequence[Config], path: str, inputs: Sequence[Value] | None) -> list[Value]:
        values = list(inputs) if inputs is not None else []
        for layer in layers:
            settings = layer["config"]
            if layer["class_name"] == "InputLayer":
                if inputs is None:
                    values = [self._input(settings)]
                continue
            if not values:
                values = [self._input({**_first_input(settings), "name": "input"})]
            values = self._call(layer, _join(path, settings["name"]), values, constants={})
        return values

    def _functional(self, settings: Config, path: str, inputs: Sequence[Value] | None) -> list[Value]:
        layers = {layer["name"]: layer for layer in settings["layers"]}
        entry = [name for name, _, _ in _references(settings["input_layers"])]
        made: dict[tuple[str, int, int], Value] = {}
        if inputs is None:
            made.update({(name, 0, 0): self._input(layers[name]["config"]) for name in entry})
        else:
            made.update({(name, 0, 0): value for name, value in zip(entry, inputs, strict=True)})
        arguments = {
            (name, index): arguments
            for name, layer in layers.items()
            for index, arguments in enumerate(layer.get("inbound_nodes", ()))
            if name not in entry
        }
        for call in _in_order(arguments):
            name, index = call
            layer = layers[name]
            incoming = list(_references(arguments[call]))
            values = [made[reference] for reference in incoming]
            self._note_shapes(arguments[call], made)
            outputs = self._call(layer, _join(path, name), values, _constants(arguments[call]))
            made.update({(name, index, output): value for output, value in enumerate(outputs)})
        return [_find(made, reference) for reference in _references(settings["output_layers"])]

    def _note_shapes(self, arguments: object, made: Mapping[tuple[str, int, int], Value]) -> None:
        """Keras 3 writes the shape of every tensor a layer reads: the only word on what unknown layers give."""
        for entry in _tensors(arguments):
            name, index, output = entry["keras_history"]
            value = made.get((name, index, output))
            node = self.nodes.get(value.node) if value is not None else None
            if node is not None and value is not None and len(node.shapes) <= value.index and "shape" in entry:
                shapes = [*node.shapes, *[()] * (value.index - len(node.shapes)), tuple(entry["shape"])]
                self.nodes[node.name] = replace(node, shapes=tuple(shapes))

    def _input(self, settings: Config) -> Value:
        shape = settings.get("batch_shape") or settings.get("batch_input_shape")
        shapes = () if shape is None else (tuple(shape),)
        fields = {"dtype": _dtype(settings.get("dtype"))}
        return self._add(Node(settings["name"], "input", fields, shapes=shapes, type="InputLayer"))

    def _call(self, layer: Config, path: str, inputs: list[Value], constants: Mapping[str, object]) -> list[Value]:
        """Add the nodes of one call of one layer, operation or nested model."""
        class_name, settings = layer["class_name"], layer["config"]
        if class_name in MODELS and isinstance(settings, Mapping | list) and "layers" in settings:
            return self.model(layer, path, inputs)
        module = str(layer.get("module") or "keras.layers")
        ours = not layer.get("registered_name") or layer.get("registered_name") == class_name
        if module.startswith("keras.src.ops") and ours:
            return [self._operation(class_name, settings, path, inputs, constants)]
        rule = rules.for_keras_layer(class_name) if module.startswith("keras") and ours else None
        if class_name == "Activation" and rule is None:
            return [self._activation(settings["activation"], path, path, inputs)]
        weights, ignored = self._weights(rule, class_name, settings, path)
        value = self._add(
            Node(
                path,
                f"keras:{class_name}" if rule is None else rule.kind,
                {}
                if rule is None
                else rule.read_keras(class_name, settings, {k: w.shape for k, w in weights.items()}, path),
                weights,
                ignored,
                tuple(inputs),
                scope=tuple(path.split("/")[:-1]),
                layer=path,
                type=class_name,
            )
        )
        fused = settings.get("activation") if rule is not None else None
        if fused is None or fused == "linear":
            return [value]
        self.nodes[value.node] = replace(self.nodes[value.node], layer=None)  # what the layer gives comes after
        return [self._activation(fused, _join(path, "activation"), path, [value])]

    def _operation(
        self, class_name: str, settings: Config, path: str, inputs: list[Value], constants: Mapping[str, object]
    ) -> Value:
        rule = rules.for_keras_op(class_name)
        kind = f"keras:{class_name}" if rule is None else rule.kind
        given = {**settings, **constants}
        if rule is None:
            fields = {key: value for key, value in given.items() if key != "name"}
        else:
            fields = rule.read_keras(class_name, given, {}, path)
        return self._add(Node(path, kind, fields, inputs=tuple(inputs), layer=path, type=f"ops.{class_name}"))

    def _activation(self, activation: object, name: str, layer: str, inputs: list[Value]) -> Value:
        """An activation as a node of its own; ``activation`` as Keras serialises it: a name, or a class."""
        config: Config = {}
        if isinstance(activation, Mapping):
            inner = activation.get("config")
            config = inner if isinstance(inner, Mapping) else {}
            activation = inner if isinstance(inner, str) else activation.get("class_name")
        found = rules.for_activation(str(activation))
        rule: Rule | None
        if found is not None:
            rule, given = found
            fields = {**rule.read_keras(str(activation), given_as_keras(rule, given), {}, name), **given}
        elif (rule := rules.for_keras_layer(str(activation))) is not None:
            fields = rule.read_keras(str(activation), config, {}, name)
        else:
            fields = {}
        kind = f"keras:activation {activation}" if rule is None else rule.kind
        node = Node(name, kind, fields, inputs=tuple(inputs), layer=layer, type=f"activation {activation}")
        return self._add(replace(node, scope=tuple(layer.split("/")[:-1])))

    def _weights(
        self, rule: Rule | None, class_name: str, settings: Config, path: str
    ) -> tuple[dict[str, Weight], dict[TensorRef, str]]:
        """A layer's own tensors by slot, and those that hold nothing of the function."""
        own = list(self.groups.get(path, ()))
        inner = [ref for key, refs in self.groups.items() if key.startswith(f"{path}/") for ref in refs]
        ignored = {ref: SEED for ref in (*own, *inner) if "seed_generator" in ref.name}
        own = [ref for ref in own if ref not in ignored]
        if rule is None:
            rest = [ref for ref in (*own, *inner) if ref not in ignored]
            return {ref.name.removeprefix(f"{path}/"): Weight((ref,)) for ref in rest}, ignored
        slots = rule.keras_slots(settings)
        by_name = {ref.name.rpartition("/")[2]: ref for ref in own}
        if {slot.keras for slot in slots} == set(by_name):
            own = [by_name[slot.keras] for slot in slots]
        if own and len(own) != len(slots):
            raise Unreadable(
                f"{path} stores another number of tensors than its configuration says",
                where=f"{class_name} {path}",
                expected=f"{len(slots)}: {', '.join(slot.keras for slot in slots)}",
                found=f"{len(own)}: {', '.join(f'{ref.name} {ref.shape}' for ref in own)}",
            )
        return {
            slot.name: Weight((ref,), inverse(slot.to_keras(ref.shape)), slot.trainable)
            for slot, ref in zip(slots, own, strict=False)
        }, ignored

    def _add(self, node: Node) -> Value:
        """Add a node; a layer that is called again becomes another node with the same weights."""
        count = self.calls.get(node.name, 0)
        self.calls[node.name] = count + 1
        if count:
            node = replace(node, name=f"{node.name}:{count}")
        self.nodes[node.name] = node
        return Value(node.name)


def given_as_keras(rule: Rule, given: Mapping[str, object]) -> dict[str, object]:
    """Fields that an activation's name settles, under Keras's keys, so that the rule's own reading accepts them."""
    return {setting.keras: given[setting.name] for setting in rule.fields if setting.keras and setting.name in given}


def _join(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def _dtype(dtype: object) -> str:
    """``"float32"`` of either ``"float32"`` or a serialised dtype policy."""
    if isinstance(dtype, Mapping):
        return str(cast(Config, dtype["config"])["name"])
    return str(dtype or "float32")


def _first_input(settings: Config) -> Config:
    """Keras 2 may leave the input of a Sequential to the first layer's configuration."""
    return {"batch_input_shape": settings.get("batch_input_shape"), "dtype": settings.get("dtype")}


def _is_reference(entry: object) -> bool:
    return (
        isinstance(entry, list | tuple)
        and len(entry) >= 3
        and isinstance(entry[0], str)
        and isinstance(entry[1], int)
        and isinstance(entry[2], int)
    )


def _tensors(entry: object) -> Iterator[Config]:
    """Every ``__keras_tensor__`` in a Keras 3 call, in order."""
    if isinstance(entry, Mapping):
        if entry.get("class_name") == "__keras_tensor__":
            yield entry["config"]
        else:
            for item in entry.values():
                yield from _tensors(item)
    elif isinstance(entry, list | tuple):
        for item in entry:
            yield from _tensors(item)


def _references(entry: object) -> Iterator[tuple[str, int, int]]:
    """Every (layer, call, output) that a call reads, in order, however Keras 2 or 3 nests them."""
    if isinstance(entry, Mapping) and entry.get("class_name") == "__keras_tensor__":
        name, call, output = entry["config"]["keras_history"]
        yield (name, call, output)
    elif _is_reference(entry):
        reference = cast(Sequence[Any], entry)
        yield (reference[0], reference[1], reference[2])
        yield from _references(reference[3:])
    elif isinstance(entry, Mapping):
        for item in entry.values():
            yield from _references(item)
    elif isinstance(entry, list | tuple):
        for item in entry:
            yield from _references(item)


def _constants(arguments: object) -> dict[str, object]:
    """What a Keras 3 call is given beside tensors, under the names that operations give their operands:
    ``add(x, 2.0)`` → ``{"x2": 2.0}``."""
    if not isinstance(arguments, Mapping):
        return {}
    given = {f"x{place}": item for place, item in enumerate(arguments.get("args", ()), start=1)}
    given.update(arguments.get("kwargs", {}))
    return {key: item for key, item in given.items() if item is not None and not list(_references(item))}


def _in_order(arguments: Mapping[Call, object]) -> list[Call]:
    """The calls so that each comes after those it reads from; ties in the order of the configuration."""
    order = {
        call: [(name, index) for name, index, _ in _references(entry) if (name, index) in arguments]
        for call, entry in arguments.items()
    }
    try:
        return list(TopologicalSorter(order).static_order())
    except CycleError as error:
        raise Unreadable("the layers of the model are connected in a circle", found=str(error.args[1])) from error


def _find(made: Mapping[tuple[str, int, int], Value], reference: tuple[str, int, int]) -> Value:
    if reference not in made:
        raise Unreadable("the model's output is given by no layer of it", found=str(reference))
    return made[reference]
