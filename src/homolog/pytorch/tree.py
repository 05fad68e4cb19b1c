"""A module tree → Graph, where the tree alone says how data flows: a layer, or ``Sequential``s of layers.

Works on a pickled module as well as on a live one, and needs no PyTorch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from homolog import rules
from homolog.errors import Unsupported
from homolog.graph import BARE, Graph, Node, OpenShape, Value, Weight
from homolog.modules import Module
from homolog.rules import Rule
from homolog.rules.norm import COUNTER
from homolog.tensors import TensorRef

CONTAINERS = {"torch.nn.modules.container.Sequential"}


def is_chain(module: Module) -> bool:
    """Whether the tree alone says how data flows: every module is a known layer or a Sequential of such."""
    if module.type in CONTAINERS:
        return all(is_chain(child) for child in module.children.values())
    rule = rules.for_torch_class(module.type)
    return rule is not None and rule.chained and not module.children


def read_tree(root: Module, input_shape: OpenShape | None = None) -> Graph:
    """The graph of a tree.

    Where the tree does not say how data flows (a class of the user's own), the layers come in the order in which
    they are registered and the graph is not ``wired``.

    Args:
        root: the outermost module.
        input_shape: of the one input, batch axis first, if it is known.

    Raises:
        Unsupported: a known layer with a setting that its rule does not know.
    """
    if not is_chain(root):
        nodes = {node.name: node for module in root.walk() for node in _holding(module)}
        return Graph("pytorch", nodes, (), _loose(root, nodes), wired=False)
    shapes = () if input_shape is None else (input_shape,)
    taken = {module.path for module in root.walk()}
    name = "input" if "input" not in taken else "input."  # which no path ends in
    entry = Node(name, "input", {"dtype": "float32"}, shapes=shapes, type="input")
    chain = _Chain({entry.name: entry}, Value(entry.name))
    chain.extend(root)
    return Graph("pytorch", chain.nodes, (chain.last,), _loose(root, chain.nodes))


def read_state(tensors: Mapping[str, TensorRef]) -> Graph:
    """The layers of a bare state_dict: tensors whose names share all but the last part, in the file's order."""
    grouped: dict[str, dict[str, TensorRef]] = {}
    for name, ref in tensors.items():
        layer, _, slot = name.rpartition(".")
        grouped.setdefault(layer, {})[slot] = ref
    nodes: dict[str, Node] = {}
    for layer, refs in grouped.items():
        ignored = {ref: COUNTER for slot, ref in refs.items() if slot == "num_batches_tracked"}
        weights = {slot: Weight((ref,)) for slot, ref in refs.items() if ref not in ignored}
        nodes[layer] = Node(layer, BARE, {}, weights, ignored, scope=tuple(layer.split(".")[:-1]))
    return Graph("pytorch", nodes, wired=False)


def layer_node(module: Module, rule: Rule | None) -> Node:
    """One module as a node, without its inputs."""
    held = {name: ref for name, ref in module.parameters.items() if ref is not None}
    reasons = {} if rule is None else rule.torch.buffers
    statistics: set[str] = set()
    ignored: dict[TensorRef, str] = {}
    for name, ref in module.buffers.items():
        if ref is not None and name in reasons:
            ignored[ref] = reasons[name]
        elif ref is not None:
            held[name] = ref
            statistics.add(name)
    weights = {name: Weight((ref,), trainable=name not in statistics) for name, ref in held.items()}
    short = module.type.rpartition(".")[2]
    where = f"{short} {module.path}".strip()
    fields = {}
    if rule is not None:
        weights = rule.torch_weights(held)
        strange = set(held) - {name for slot in rule.slots for name in slot.torch} if rule.units is None else ()
        if strange:
            raise Unsupported(
                f"a {short} with tensors that its rule does not know", where=where, found=", ".join(sorted(strange))
            )
        shapes = {name: weight.shape for name, weight in weights.items()}
        fields = rule.read_torch(short, module.attributes, shapes, where)
    return Node(
        module.path or short.lower(),
        f"pytorch:{short}" if rule is None else rule.kind,
        fields,
        weights,
        ignored,
        scope=tuple(module.path.split(".")[:-1]),
        layer=module.path,
        type=short,
    )


@dataclass
class _Chain:
    nodes: dict[str, Node]
    last: Value

    def extend(self, module: Module) -> None:
        """Add a module's layers behind the last one."""
        if module.type in CONTAINERS:
            for child in module.children.values():
                self.extend(child)
            return
        node = layer_node(module, rules.for_torch_class(module.type))
        self.nodes[node.name] = replace(node, inputs=(self.last,))
        self.last = Value(node.name)


def _holding(module: Module) -> Iterator[Node]:
    """The module as a node if it holds tensors itself."""
    if any(ref is not None for table in (module.parameters, module.buffers) for ref in table.values()):
        yield layer_node(module, rules.for_torch_class(module.type))


def _loose(root: Module, nodes: Mapping[str, Node]) -> tuple[TensorRef, ...]:
    held = {ref.name for node in nodes.values() for ref in node.ignored}
    held |= {ref.name for node in nodes.values() for weight in node.weights.values() for ref in weight.tensors}
    return tuple(ref for name, ref in root.tensors().items() if name not in held)
