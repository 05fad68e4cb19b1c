"""What can be seen of a network in any case: unsafe files and layers that no rule knows included.

Where the graph can be read, that is it. Else the layers are listed as the source lists them, with their types and
tensors, unconnected, and a note says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from homolog import rules
from homolog.errors import HomologError, Mismatch, Unreadable, Unsafe, Unsupported
from homolog.files import Checkpoint
from homolog.files.keras_config import Entry, class_name, leaves, settings
from homolog.graph import BARE, Graph, Node, Weight
from homolog.inspecting.summary import STATISTICS
from homolog.modules import Module
from homolog.network import Network
from homolog.tensors import Array, TensorRef


@dataclass(frozen=True)
class View:
    """What is seen of a network.

    Attributes:
        graph: with connections and shapes where they could be told.
        tensors: by name, in the source's order.
        notes: what is missing, and why.
    """

    graph: Graph
    tensors: Mapping[str, TensorRef]
    notes: tuple[str, ...] = ()


def look(network: Network, inputs: Sequence[Array] | None = None) -> View:
    """Looks at a network without building what is in a file; never refuses for what the network holds.

    Args:
        network: of any kind.
        inputs: one array for each input, where the model must be traced or does not say how large they are.

    Raises:
        Mismatch: the inputs are not the network's.
    """
    notes: list[str] = []
    try:
        graph = network.graph(inputs)
        if not graph.wired and _tree(network) is not None:  # its leaves without tensors are worth seeing as well
            graph = outline(network)
    except Unsafe:
        graph = outline(network)
    except (Unsupported, Unreadable, Mismatch) as error:
        if isinstance(error, Mismatch) and inputs is not None:
            raise
        graph = outline(network)
        notes.append(_why(error))
    if not graph.wired:
        order = "registered" if _tree(network) is not None else "stored"
        notes.append(f"how the layers are connected is not known: they stand in the order in which they are {order}")
    notes += _strangers(graph)
    file = network.checkpoint
    if file is not None and not is_live(network):
        return View(_frozen(graph, file), file.tensors, tuple(notes))
    return View(graph, graph.tensors(), tuple(notes))


def is_live(network: Network) -> bool:
    """Whether the network is a model that the user has, or whose maker the user has named, and not a file alone."""
    file = network.checkpoint
    return file is None or (network.has_model and file.modules is None and file.config is None)


def outline(network: Network) -> Graph:
    """The layers with their types and tensors, unconnected, from data alone where the network is a file."""
    from homolog.keras.read import read_groups
    from homolog.pytorch.tree import read_state

    tree = _tree(network)
    if tree is not None:
        nodes = {node.name: node for node in _modules(tree)}
        return Graph("pytorch", nodes, wired=False)
    file = network.checkpoint
    if file is None or is_live(network):
        return _of_keras(network.live.model)
    if file.config is not None:
        return _of_layers({"/".join(path): _class(entry) for path, entry in leaves(file.config)}, file.groups)
    return read_groups(file.groups) if file.framework == "keras" else read_state(file.tensors)


def _tree(network: Network) -> Module | None:
    """The tree of modules, if it is a network of PyTorch's that has one."""
    file = network.checkpoint
    if file is not None and not is_live(network):
        return file.modules
    if network.framework != "pytorch":
        return None
    from homolog.pytorch.read import tree_of

    return tree_of(network.live.model)  # type: ignore[arg-type]  # its framework is PyTorch


def _modules(root: Module) -> Iterator[Node]:
    """Every module that holds tensors or has nothing inside, without a look at its settings."""
    for module in root.walk():
        own = [ref for table in (module.parameters, module.buffers) for ref in table.values() if ref is not None]
        if module.children and not own:
            continue
        short = module.type.rpartition(".")[2]
        rule = rules.for_torch_class(module.type)
        reasons: Mapping[str, str] = {} if rule is None else rule.torch.buffers
        kept = {name: ref for name, ref in module.buffers.items() if ref is not None}
        yield Node(
            module.path or short.lower(),
            f"pytorch:{short}" if rule is None else rule.kind,
            weights={
                **{name: Weight((ref,)) for name, ref in module.parameters.items() if ref is not None},
                **{name: Weight((ref,), trainable=False) for name, ref in kept.items() if name not in reasons},
            },
            ignored={ref: reasons[name] for name, ref in kept.items() if name in reasons},
            scope=tuple(module.path.split(".")[:-1]),
            type=short,
        )


def _of_keras(model: Any) -> Graph:
    """A live Keras model or layer; one of a class of its own has variables, but no list of operations."""
    from homolog.keras.framework import require
    from homolog.keras.model import groups_of, layers_by_path

    keras = require()
    if hasattr(model, "operations") or isinstance(model, keras.Sequential):
        found = {path: [ref for ref, _ in pairs] for path, pairs in groups_of(model).items()}
        return _of_layers({path: _type(layer) for path, layer in layers_by_path(model).items()}, found)
    groups: dict[str, list[TensorRef]] = {}
    for variable in model.variables:
        name = variable.path.removeprefix(f"{model.name}/")
        ref = TensorRef(
            name,
            tuple(variable.shape),
            str(variable.dtype),
            partial(keras.ops.convert_to_numpy, variable),
            storage=id(variable),
            trainable=variable.trainable,
        )
        groups.setdefault(name.rpartition("/")[0] or model.name, []).append(ref)
    types = {layer.name: _type(layer) for layer in getattr(model, "layers", ())}
    return _of_layers({**types, **({model.name: _type(model)} if model.name in groups else {})}, groups)


def _type(layer: Any) -> tuple[str, str]:
    """Class and kind of a live Keras layer."""
    name = type(layer).__name__
    return name, _kind(name, type(layer).__module__)


def _class(entry: Entry) -> tuple[str, str]:
    """Class and kind of a layer of a configuration."""
    name = class_name(entry)
    registered = entry.get("registered_name") or name
    return name, _kind(name, str(entry.get("module") or "keras") if registered == name else "")


def _kind(name: str, module: str) -> str:
    """A class of somebody's own may have the name of one of Keras's."""
    rule = rules.for_keras_layer(name) if f"{module}.".startswith("keras.") else None
    if name == "InputLayer":
        return "input"
    return f"keras:{name}" if rule is None else rule.kind


def _of_layers(types: Mapping[str, tuple[str, str]], groups: Mapping[str, Sequence[TensorRef]]) -> Graph:
    """Keras layers by path with their class and kind, each with its tensors and those of the layers inside it."""
    nodes: dict[str, Node] = {}
    waiting = dict(groups)
    for path, (name, kind) in types.items():
        held = [key for key in waiting if _under(key, {path})]
        nodes[path] = _keras_node(path, kind, name, [ref for key in held for ref in waiting.pop(key)])
    for path, rest in waiting.items():
        nodes[path] = _keras_node(path, BARE, "", rest)
    return Graph("keras", nodes, wired=False)


def _keras_node(path: str, kind: str, name: str, refs: Sequence[TensorRef]) -> Node:
    from homolog.keras.nodes import SEED

    ignored = {ref: SEED for ref in refs if "seed_generator" in ref.name}
    slots = {ref.name.removeprefix(f"{path}/"): ref for ref in refs if ref not in ignored}
    weights = {slot: Weight((ref,), trainable=slot.rpartition("/")[2] not in STATISTICS) for slot, ref in slots.items()}
    return Node(path, kind, weights=weights, ignored=ignored, scope=tuple(path.split("/")[:-1]), type=name)


def _frozen(graph: Graph, file: Checkpoint) -> Graph:
    """The graph with the tensors marked that a Keras configuration says are not to be trained."""
    if file.config is None:
        return graph
    frozen = {"/".join(path) for path, entry in leaves(file.config) if settings(entry).get("trainable") is False}
    names = {ref.name for path, refs in file.groups.items() for ref in refs if _under(path, frozen)}
    if not names:
        return graph

    def marked(weight: Weight) -> Weight:
        refs = (replace(ref, trainable=False) if ref.name in names else ref for ref in weight.tensors)
        return replace(weight, tensors=tuple(refs))

    nodes = {
        name: replace(node, weights={slot: marked(weight) for slot, weight in node.weights.items()})
        for name, node in graph.nodes.items()
    }
    return graph.with_nodes(nodes)


def _under(path: str, places: set[str]) -> bool:
    return any(path == place or path.startswith(f"{place}/") for place in places)


def _why(error: HomologError) -> str:
    where = f" ({error.where})" if error.where else ""
    found = f": {error.found}" if error.found else ""
    help = f"; {error.help}" if error.help else ""
    return f"{error.what}{where}{found}{help}"


def _strangers(graph: Graph) -> list[str]:
    names = dict.fromkeys(node.type or node.kind for node in graph.nodes.values() if ":" in node.kind[:-1])
    return [f"no rule for {', '.join(names)}: to be looked at, but not converted"] if names else []
