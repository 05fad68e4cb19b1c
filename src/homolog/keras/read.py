"""A Keras model → Graph, from its configuration, which is data: the same for a file and for a live model.

Keras 3 writes a layer's inputs as ``{"args": …, "kwargs": …}`` with ``__keras_tensor__`` entries, Keras 2 as nested
lists of ``[layer, call, output, kwargs]``. Both are read; nothing is deserialised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from homolog import rules
from homolog.errors import Unreadable, Unsupported
from homolog.graph import BARE, Graph, Node, Value, Weight
from homolog.keras.calls import (
    MODELS,
    Config,
    Reference,
    constants_of,
    find,
    first_calls,
    in_order,
    read_in_order,
    references,
    tensors_of,
)
from homolog.keras.nodes import SEED, SEED_NAME, Groups, Nodes, knows


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
    reader = _Reader(Nodes(groups))
    return reader.nodes.graph(reader.model(config, path="", inputs=None))


def read_groups(groups: Groups) -> Graph:
    """The layers of a weights file that holds no architecture, in the file's order."""
    nodes: dict[str, Node] = {}
    for path, refs in groups.items():
        ignored = {ref: SEED for ref in refs if SEED_NAME in ref.name}
        weights = {ref.name.removeprefix(f"{path}/"): Weight((ref,)) for ref in refs if ref not in ignored}
        if refs:
            nodes[path] = Node(path, BARE, {}, weights, ignored, scope=tuple(path.split("/")[:-1]))
    return Graph("keras", nodes, wired=False)


@dataclass
class _Reader:
    nodes: Nodes

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
                    values = [self.nodes.input(settings)]
                continue
            if not values:
                values = [self.nodes.input({**_first_input(settings), "name": "input"})]
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
            made.update({(name, 0, 0): self.nodes.input(layers[name]["config"]) for name in entry})
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
            incoming = list(references(_keyed(arguments[call], layer)))
            if layer["class_name"] not in MODELS and knows(layer["class_name"]):
                incoming = read_in_order(arguments[call], rules.keras_parameters(layer["class_name"]))
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
            node = self.nodes.made.get(value.node) if value is not None else None
            if node is not None and value is not None and len(node.shapes) <= value.index and "shape" in entry:
                shapes = [*node.shapes, *[()] * (value.index - len(node.shapes)), tuple(entry["shape"])]
                self.nodes.made[node.name] = replace(node, shapes=tuple(shapes))

    def _call(self, layer: Config, path: str, inputs: list[Value], constants: Mapping[str, object]) -> list[Value]:
        """Add the nodes of one call of one layer, operation or nested model."""
        class_name, settings = layer["class_name"], layer["config"]
        if class_name in MODELS and isinstance(settings, Mapping | list) and "layers" in settings:
            return self.model(layer, path, inputs)
        module = str(layer.get("module") or "keras.layers")
        ours = not layer.get("registered_name") or layer.get("registered_name") == class_name
        if module.startswith("keras.src.ops") and ours:
            return [self.nodes.operation(class_name, settings, path, inputs, constants)]
        ours = module.startswith("keras") and ours
        return self.nodes.layer(class_name, settings, path, inputs, ours=ours, constants=constants)


def _keyed(arguments: object, layer: Config) -> object:
    """A call of a nested model that takes its inputs by key, with the keys in the order of the model's own inputs."""
    wanted = layer["config"].get("input_layers") if isinstance(layer["config"], Mapping) else None
    given = arguments.get("args", ())[:1] if isinstance(arguments, Mapping) else ()
    if not (isinstance(wanted, Mapping) and given and isinstance(given[0], Mapping) and set(given[0]) == set(wanted)):
        return arguments
    return [given[0][key] for key in wanted]


def _join(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def _first_input(settings: Config) -> Config:
    """Keras 2 may leave the input of a Sequential to the first layer's configuration."""
    return {"batch_input_shape": settings.get("batch_input_shape"), "dtype": settings.get("dtype")}
