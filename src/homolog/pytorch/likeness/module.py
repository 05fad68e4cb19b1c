"""A Keras model as a module that ``torch.export`` reads, and the trace of it in the names of the Keras model."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from homolog import rules
from homolog.errors import Unsupported
from homolog.graph import Node
from homolog.live import Likeness
from homolog.pytorch import program
from homolog.pytorch.framework import require
from homolog.pytorch.likeness.amended import amended
from homolog.pytorch.likeness.kinds import known
from homolog.pytorch.likeness.recurrent import unrolled
from homolog.pytorch.likeness.renamed import renamed
from homolog.pytorch.likeness.tidy import tidied, unrounded
from homolog.rules.recurrent import STATES
from homolog.signature import Free, Given
from homolog.trace import Trace

OTHERWISE = ("mask", "reverse", "training")
"""Arguments of a layer's call with which it computes something else."""


def trace(likeness: Likeness, inputs: Given, free: Free, written: Collection[str] = ()) -> Trace:
    """What a Keras model computes, in PyTorch's operators, with the Keras model's own order of axes.

    Args:
        likeness: of the model.
        inputs: arrays, in the model's order or by name, the batch first.
        free: axes besides the batch that stay open too.
        written: operators that the reader of the trace knows.

    Raises:
        Unsupported: it cannot be traced; with the reason and the place.
    """
    before = len(likeness.told)
    try:
        found = _traced(likeness, inputs, free, written)
    except Unsupported:
        if len(likeness.told) == before:
            raise
    else:
        if len(likeness.told) == before:
            return found
    return trace(likeness, inputs, free, written)  # a call that failed may have fixed a length that is open


def _traced(likeness: Likeness, inputs: Given, free: Free, written: Collection[str]) -> Trace:
    nodes = {path: unit(node) for path, node in likeness.nodes.items()}
    module = module_of(likeness, nodes, inputs)
    numbers: set[float] = set()
    with likeness.computing(module.around, amended(numbers)):
        found = program.trace(module, inputs, free, written, settled=True, lines=False)
    return unrounded(renamed(likeness, nodes, module.paths, tidied(found)), numbers)


def unit(node: Node) -> Node:
    """An EinsumDense with the weights of the linear layer that it is."""
    rule = rules.for_kind(node.kind)
    if node.kind != "einsum_dense" or rule is None or rule.units is None or known(node) is None:
        return node
    parts, _ = rule.units(node)
    (linear,) = (part for part in parts if part.kind == "linear")
    return replace(node, weights={**linear.weights})


def module_of(likeness: Likeness, nodes: Mapping[str, Node], inputs: Given) -> Any:
    """The module that stands for a Keras model; its class is made here, for torch is imported only now.

    Args:
        likeness: of the model.
        nodes: its layers that are one node of a rule, by path, as ``unit`` leaves them.
        inputs: that it is to be called with.
    """
    import torch

    class Layer(torch.nn.Module):
        """One layer: its weights in PyTorch's layouts, and a call that PyTorch's export sees as a module's."""

        def forward(self, *args: Any, **kwargs: Any) -> Any:
            return vars(self)["computed"](self, *args, **kwargs)

    class Model(torch.nn.Module):
        """
        Attributes:
            paths: of the Keras model's layers and variables, by the names of modules and parameters.
        """

        def __init__(self) -> None:
            super().__init__()
            self.paths: dict[str, str] = {}
            self.layers: dict[str, Any] = {}
            for path, class_name in likeness.layers.items():
                layer = self.layers[path] = type(class_name, (Layer,), {})()
                self.add_module(self.named(path), layer)
                if path in nodes and known(nodes[path]) is not None:
                    for slot, weight in nodes[path].weights.items():
                        layer.register_parameter(slot, _absent(weight.shape, weight.tensors[0].dtype))
            for place, (name, ref) in enumerate(likeness.tensors.items()):
                self.register_parameter(f"variable_{place}", _absent(ref.shape, ref.dtype))
                self.paths[f"variable_{place}"] = name
            vars(self)["forward"] = _signed(self.computed, inputs, likeness)

        def named(self, path: str) -> str:
            name = path.replace(".", "_")
            while name in self.paths or hasattr(self, name):  # of the module's own
                name += "_"
            self.paths[name] = path
            return name

        def around(self, path: str, call: Any) -> Any:
            """The call of a layer, by the module that stands for it."""
            layer = self.layers[path]
            node = nodes.get(path)
            ours = node is not None and known(node) is not None
            vars(layer)["computed"] = _computed(likeness, nodes[path], path, call) if ours else _alone(call)
            return layer

        def computed(self, *args: Any) -> Any:
            values = {name: getattr(self, f"variable_{place}") for place, name in enumerate(likeness.tensors)}
            return likeness.call(args, values)

    return Model().eval()


def _absent(shape: Sequence[int], dtype: str) -> Any:
    """Zeros that take no memory: a trace asks for no values."""
    torch = require()
    return torch.nn.Parameter(torch.zeros((), dtype=getattr(torch, dtype)).expand(shape), requires_grad=False)


def _alone(call: Any) -> Any:
    return lambda layer, *args, **kwargs: call(*args, **kwargs)


def _signed(forward: Any, inputs: Given, likeness: Likeness) -> Any:
    """The function with a parameter for each input, by its name."""
    count = len(inputs)
    names = list(likeness.names) if len(likeness.names) == count else []
    names = [name if name.isidentifier() else f"input_{place}" for place, name in enumerate(names)]
    names = names or [f"input_{place}" for place in range(count)]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD

    def call(*args: Any, **kwargs: Any) -> Any:
        return forward(*args, *(kwargs[name] for name in names if name in kwargs))

    call.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in names])  # type: ignore[attr-defined]
    return call


def _computed(likeness: Likeness, node: Node, path: str, call: Any) -> Any:
    """A layer as PyTorch has it; as Keras has it where it is called with what would change what it gives."""
    kind = known(node)
    assert kind is not None
    signature = inspect.signature(call)

    def compute(layer: Any, *args: Any, **kwargs: Any) -> Any:
        value, *others = signature.bind(*args, **kwargs).arguments.items()
        if any(name in OTHERWISE and _is_given(item) for name, item in others):
            return call(*args, **kwargs)
        weights = dict(layer.named_parameters(recurse=False))
        return likeness.activated(path, kind.compute(node, weights, value[1]))

    def compute_states(layer: Any, *args: Any, **kwargs: Any) -> Any:
        given = dict(signature.bind(*args, **kwargs).arguments)
        if any(_is_given(given.get(name)) for name in OTHERWISE):
            return call(*args, **kwargs)
        value, *_ = given.values()
        weights = dict(layer.named_parameters(recurse=False))
        states = given.get("initial_state")
        states = [] if states is None else list(states) if isinstance(states, list | tuple) else [states]
        sequence, *last = unrolled(node, weights, value, states)
        made = sequence if likeness.setting(path, "return_sequences") else last[0]
        return (made, *last) if likeness.setting(path, "return_state") else made

    return compute_states if node.kind in STATES else compute


def _is_given(argument: Any) -> bool:
    """Whether an argument says something: a tensor does, whatever it holds."""
    return argument is not None and argument is not False
