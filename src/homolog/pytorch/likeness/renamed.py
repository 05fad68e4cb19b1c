"""A trace of the module that stands for a Keras model, in the Keras model's own names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from homolog.graph import Node, Weight
from homolog.live import Likeness
from homolog.tensors import TensorRef
from homolog.trace import PARAMETER, Called, Step, Trace

UNUSED = "nothing that the network gives depends on it"
CONSTANT = "is in the constants of the model that is written, as far as the network depends on it"
RECURRENT = {"lstm", "gru", "rnn_tanh", "rnn_relu"}


def renamed(likeness: Likeness, nodes: Mapping[str, Node], paths: Mapping[str, str], found: Trace) -> Trace:
    """
    Args:
        likeness: of the model.
        nodes: its layers that are one node of a rule, by path.
        paths: of layers and variables, by the names of modules and parameters.
        found: the trace of the module.
    """
    return _Renamed(likeness, nodes, paths, found).trace()


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
            silent={
                **{self.paths.get(path, path): kind for path, kind in self.found.silent.items()},
                **self._idle(steps),
            },
            name=self.likeness.name,
        )

    def _idle(self, steps: Mapping[str, Step]) -> dict[str, str]:
        """Layers without weights of which nothing is left: augmentations draw their numbers at inference too."""
        busy = {called.path for step in steps.values() for called in step.calls}
        layers, without = self.likeness.layers, self.likeness.reasons
        holding = {around for name in self.likeness.tensors if name not in without for around in _around(name)}
        outer = {around for path in layers for around in _around(path)}
        return {path: kind for path, kind in layers.items() if path not in busy | holding | outer}

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


def _around(path: str) -> list[str]:
    """The paths that one stands in, outermost first."""
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def _tensors(step: Step) -> list[TensorRef]:
    own = [] if step.tensor is None else [step.tensor]
    held = [] if step.layer is None else [ref for weight in step.layer.weights.values() for ref in weight.tensors]
    return [*own, *held]
