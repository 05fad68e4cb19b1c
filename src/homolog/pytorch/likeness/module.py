"""A Keras model as a module that ``torch.export`` reads, and the trace of it in the names of the Keras model."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from homolog import rules
from homolog.graph import Node, Weight
from homolog.live import Likeness
from homolog.pytorch import program
from homolog.pytorch.framework import require
from homolog.pytorch.likeness.amended import AMENDED
from homolog.pytorch.likeness.kinds import known
from homolog.pytorch.likeness.recurrent import unrolled
from homolog.pytorch.likeness.tidy import tidied
from homolog.rules.recurrent import STATES
from homolog.signature import Given
from homolog.tensors import TensorRef
from homolog.trace import PARAMETER, Called, Step, Trace

UNUSED = "nothing that the network gives depends on it"
CONSTANT = "is in the constants of the model that is written, as far as the network depends on it"
RECURRENT = {"lstm", "gru", "rnn_tanh", "rnn_relu"}


def trace(
    likeness: Likeness, inputs: Given, free: Mapping[int | str, Sequence[int]], written: Collection[str] = ()
) -> Trace:
    """What a Keras model computes, in PyTorch's operators, with the Keras model's own order of axes.

    Args:
        likeness: of the model.
        inputs: arrays, in the model's order or by name, the batch first.
        free: axes besides the batch that stay open too.
        written: operators that the reader of the trace knows.

    Raises:
        Unsupported: it cannot be traced; with the reason and the place.
    """
    nodes = {path: _unit(node) for path, node in likeness.nodes.items()}
    module = _module(likeness, nodes, inputs)
    with likeness.computing(module.around, AMENDED):
        found = program.trace(module, inputs, free, written)
    return tidied(_Renamed(likeness, nodes, module.paths, found).trace())


def _unit(node: Node) -> Node:
    """An EinsumDense with the weights of the linear layer that it is."""
    rule = rules.for_kind(node.kind)
    if node.kind != "einsum_dense" or rule is None or rule.units is None or known(node) is None:
        return node
    parts, _ = rule.units(node)
    (linear,) = (part for part in parts if part.kind == "linear")
    return replace(node, weights={**linear.weights})


def _module(likeness: Likeness, nodes: Mapping[str, Node], inputs: Given) -> Any:
    """The module; its class is made here, for torch is imported only now."""
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
            while name in self.paths:
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
    names = [entry.name for entry in likeness.inputs] if len(likeness.inputs) == count else []
    names = [name if name.isidentifier() else f"input_{place}" for place, name in enumerate(names)]
    names = names or [f"input_{place}" for place in range(count)]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD

    def call(*args: Any, **kwargs: Any) -> Any:
        return forward(*args, *(kwargs[name] for name in names if name in kwargs))

    call.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in names])  # type: ignore[attr-defined]
    return call


def _computed(likeness: Likeness, node: Node, path: str, call: Any) -> Any:
    """A layer as PyTorch has it; as Keras has it where it is called with a mask that would change what it gives."""
    kind = known(node)
    assert kind is not None

    def compute(layer: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("mask") is not None or kwargs.get("reverse"):
            return call(value, *args, **kwargs)
        weights = dict(layer.named_parameters(recurse=False))
        return likeness.activated(path, kind.compute(node, weights, value))

    def compute_states(layer: Any, value: Any, initial_state: Any = None, mask: Any = None, **kwargs: Any) -> Any:
        if mask is not None:
            return call(value, initial_state=initial_state, mask=mask, **kwargs)
        weights = dict(layer.named_parameters(recurse=False))
        many = isinstance(initial_state, list | tuple)
        given = [] if initial_state is None else list(initial_state) if many else [initial_state]
        sequence, *states = unrolled(node, weights, value, given)
        made = sequence if likeness.setting(path, "return_sequences") else states[0]
        return (made, *states) if likeness.setting(path, "return_state") else made

    return compute_states if node.kind in STATES else compute


class _Renamed:
    """A trace of the module in the names of the Keras model."""

    def __init__(self, likeness: Likeness, nodes: Mapping[str, Node], paths: Mapping[str, str], found: Trace) -> None:
        self.likeness, self.nodes, self.paths, self.found = likeness, nodes, paths, found
        called = {paths.get(call.path, call.path) for step in found.steps.values() for call in step.calls}
        self.inner = {path.rpartition("/")[0] for path in called}

    def trace(self) -> Trace:
        steps = {name: self._step(step) for name, step in self.found.steps.items()}
        read = {value.node for step in steps.values() for value in step.values()}
        read |= {value.node for value in self.found.outputs.values()}
        steps = {name: step for name, step in steps.items() if step.operator != PARAMETER or name in read}
        used = {ref.name for step in steps.values() for ref in _tensors(step)}
        ignored = {
            ref: self.likeness.reasons.get(name, UNUSED if ref.trainable else CONSTANT)
            for name, ref in self.likeness.tensors.items()
            if name not in used
        }
        return replace(
            self.found,
            framework="keras",
            steps=steps,
            ignored=ignored,
            silent={self.paths.get(path, path): kind for path, kind in self.found.silent.items()},
            name=self.likeness.name,
        )

    def _step(self, step: Step) -> Step:
        calls = tuple(self._called(called) for called in step.calls)
        step = replace(step, calls=calls)
        if step.operator == PARAMETER:
            return self._parameter(step)
        if step.operator in RECURRENT:
            return self._unrolled(step)
        if step.layer is None or step.layer.layer is None:
            return step
        path = self.paths[step.layer.layer]
        return replace(step, layer=self._held(step.layer, path))

    def _held(self, node: Node, path: str) -> Node:
        """The node with the Keras model's variables: those of its layer, as far as it was called with them."""
        if path not in self.nodes or not self._is_whole(node):
            return replace(node, weights={slot: self._loose(weight) for slot, weight in node.weights.items()})
        own = self.nodes[path].weights
        if self.nodes[path].kind.startswith("separable"):
            part = "depthwise" if node.weights["weight"].tensors[0].name.endswith("depthwise") else "pointwise"
            bias = {"bias": own["bias"]} if "bias" in node.weights else {}
            weights: Mapping[str, Weight] = {"weight": own[part], **bias}
            return replace(node, name=f"{path}/{part}", layer=f"{path}/{part}", weights=weights)
        return replace(node, name=path, layer=path, weights={slot: own[slot] for slot in node.weights})

    def _is_whole(self, node: Node) -> bool:
        """Whether its weights are those of a layer that PyTorch has, and not a layer's own variables by themselves."""
        return not any(ref.name in self.paths for weight in node.weights.values() for ref in weight.tensors)

    def _loose(self, weight: Weight) -> Weight:
        """A weight of the model's own variables, which lie as PyTorch's do."""
        return replace(weight, tensors=tuple(self._ref(ref) for ref in weight.tensors))

    def _ref(self, ref: TensorRef) -> TensorRef:
        return self.likeness.tensors[self.paths[ref.name]]

    def _unrolled(self, step: Step) -> Step:
        """A recurrent step, whose tensors come as a list of parameters."""
        path = step.calls[-1].path if step.calls else ""
        node = self.nodes.get(path)
        if node is None:
            return step
        fields = {**node.fields, "go_backwards": False}  # it was turned round in front
        layer = replace(node, fields=fields, shapes=step.shapes)
        return replace(
            step, layer=layer, arguments={key: item for key, item in step.arguments.items() if key != "params"}
        )

    def _parameter(self, step: Step) -> Step:
        loose = step.tensor is not None and step.tensor.name in self.paths
        return replace(step, tensor=self._ref(step.tensor)) if loose and step.tensor is not None else step

    def _called(self, called: Called) -> Called:
        path = self.paths.get(called.path, called.path)
        kind = self.likeness.layers.get(path, called.type)
        return replace(called, path=path, type=kind, inner=path in self.inner)


def _tensors(step: Step) -> list[TensorRef]:
    own = [] if step.tensor is None else [step.tensor]
    held = [] if step.layer is None else [ref for weight in step.layer.weights.values() for ref in weight.tensors]
    return [*own, *held]
