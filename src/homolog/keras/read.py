"""A Keras model → Graph, from its configuration, which is data: the same for a file and for a live model.

Keras 3 writes a layer's inputs as ``{"args": …, "kwargs": …}`` with ``__keras_tensor__`` entries, Keras 2 as nested
lists of ``[layer, call, output, kwargs]``. Both are read; nothing is deserialised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from homolog import rules
from homolog.errors import Mismatch, Unreadable, Unsupported
from homolog.graph import BARE, Graph, Node, Value, Weight
from homolog.keras.calls import (
    MODELS,
    Config,
    Reference,
    constants_of,
    find,
    first_calls,
    in_order,
    references,
    tensors_of,
)
from homolog.rules import Rule, Slot
from homolog.tensors import TensorRef
from homolog.transforms import inverse

Groups = Mapping[str, Sequence[TensorRef]]

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
        entry = [name for name, _, _ in references(settings["input_layers"])]
        made: dict[Reference, Value] = {}
        absent = [name for name in entry if name not in layers]
        if absent:
            raise Unreadable("the model refers to a layer that it does not have", found=", ".join(absent))
        if inputs is None:
            made.update({(name, 0, 0): self._input(layers[name]["config"]) for name in entry})
        else:
            made.update({(name, 0, 0): value for name, value in zip(entry, inputs, strict=True)})
        first = first_calls(settings)
        arguments = {
            (name, index): arguments
            for name, layer in layers.items()
            for index, arguments in enumerate(layer.get("inbound_nodes", ()), start=first[name])
            if name not in entry
        }
        for call in in_order(arguments):
            name, index = call
            layer = layers[name]
            incoming = list(references(arguments[call]))
            values = [find(made, reference) for reference in incoming]
            self._note_shapes(arguments[call], made)
            outputs = self._call(layer, _join(path, name), values, constants_of(arguments[call]))
            made.update({(name, index, output): value for output, value in enumerate(outputs)})
        return [find(made, reference) for reference in references(settings["output_layers"])]

    def _note_shapes(self, arguments: object, made: Mapping[Reference, Value]) -> None:
        """Keras 3 writes the shape of every tensor a layer reads: the only word on what unknown layers give."""
        for entry in tensors_of(arguments):
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
        where = f"{class_name} {path}"
        return {slot.name: _laid_out(slot, ref, where) for slot, ref in zip(slots, own, strict=False)}, ignored

    def _add(self, node: Node) -> Value:
        """Add a node; a layer that is called again becomes another node with the same weights."""
        count = self.calls.get(node.name, 0)
        self.calls[node.name] = count + 1
        if count:
            node = replace(node, name=f"{node.name}:{count}")
        self.nodes[node.name] = node
        return Value(node.name)


def _laid_out(slot: Slot, ref: TensorRef, where: str) -> Weight:
    """A stored tensor as the weight of a slot."""
    try:
        return Weight((ref,), inverse(slot.to_keras(ref.shape)), slot.trainable)
    except Mismatch as error:
        raise Unreadable(
            "a tensor has another rank than its layer keeps it in",
            where=where,
            expected=f"{slot.keras} of axes {str(slot.axes).partition(' -> ')[2]}",
            found=f"{ref.name} {ref.shape}",
        ) from error


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
