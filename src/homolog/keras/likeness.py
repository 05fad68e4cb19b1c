"""A live Keras model as another framework sees it that computes in its place: its layers, their weights in the words of
the rules, and a way to call it.

The layers that rules know as one node are offered to whoever calls the model; what is not taken, Keras computes itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from homolog.errors import HomologError, Unsupported
from homolog.graph import Node
from homolog.keras.asking import asking
from homolog.keras.exact import lent
from homolog.keras.framework import require
from homolog.keras.model import as_taken, groups_of, input_names, walk
from homolog.keras.nodes import SEED, SEED_NAME, Nodes
from homolog.keras.settings import layer_config
from homolog.keras.torch_backend import Amendments, on_torch
from homolog.keras.trace import has_rule
from homolog.live import Call, Entry
from homolog.rules.recurrent import STATES
from homolog.tensors import TensorRef

Around = Callable[[str, Call], Call]
"""From the path of a layer and its own call, the call in its place."""


@dataclass
class KerasLikeness:
    """What another framework needs to compute in a Keras model's place.

    Attributes:
        name: of the model.
        inputs: in order; none where the model does not say.
        names: of the inputs, in order; none where it does not take them by name.
        layers: class of every layer by its path, outer ones first.
        nodes: by path, the layers that are one node of a rule; its weights in PyTorch's layouts.
        tensors: every variable by name.
        reasons: why some of these hold nothing of the function.
        told: paths of layers that are told that they are on torch (``asking``).
    """

    model: Any
    name: str
    inputs: tuple[Entry, ...]
    names: tuple[str, ...]
    layers: Mapping[str, str]
    nodes: Mapping[str, Node]
    tensors: Mapping[str, TensorRef]
    reasons: Mapping[str, str] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)

    @contextmanager
    def computing(self, around: Around, amended: Amendments) -> Iterator[None]:
        """While the body runs, Keras computes on its torch backend, and every layer's call goes through ``around``."""
        with ExitStack() as stack:
            stack.enter_context(_whole_tracebacks())
            answer = stack.enter_context(asking(self.told))
            stack.enter_context(on_torch(amended))
            for path, layer in walk(self.model, deep=True):
                if path in self.layers:
                    stack.enter_context(_called(layer, around(path, answer.tried(path, _of_variables(layer, stack)))))
                    stack.enter_context(_as_torch_can(layer))
            yield

    def call(self, arguments: Sequence[Any], values: Mapping[str, Any]) -> Any:
        """What the model gives at inference, with these values in its variables' place."""
        keras = require()
        pairs = [(variable, values[ref.name]) for refs in groups_of(self.model).values() for ref, variable in refs]
        given = as_taken(self.model, list(arguments))
        with keras.StatelessScope(pairs) as scope:
            result = self.model(given, training=False)
            changed = [variable.path for variable, value in pairs if scope.get_current_value(variable) is not value]
        if changed:
            raise Unsupported(
                "the model changes its own state when it is called",
                where=", ".join(changed[:3]),
                expected="a model that gives the same for the same inputs: no stateful layers",
                found=f"{len(changed)} variables that have other values behind the call",
            )
        return result

    def activated(self, path: str, value: Any) -> Any:
        """What the activation makes that is built into a layer."""
        layer = self._found[path]
        own = getattr(layer, "activation", None)
        return value if own is None or self.nodes[path].kind in STATES else own(value)

    def setting(self, path: str, name: str) -> Any:
        """One setting of a layer, None if it has none of that name."""
        return getattr(self._found[path], name, None)

    def __post_init__(self) -> None:
        self._found = dict(walk(self.model, deep=True))


def likeness(model: Any) -> KerasLikeness:
    """
    Args:
        model: a live model, built.

    Raises:
        Unsupported: it has no variables yet, for it was never called.
    """
    keras = require()
    if not model.built:
        raise Unsupported(
            f"{type(model).__name__} is not built: its layers have no weights yet",
            expected="a model that knows the shapes of its inputs",
            help="call it once, or model.build(...), in the factory",
        )
    groups = groups_of(model)
    refs = {path: [ref for ref, _ in found] for path, found in groups.items()}
    layers: dict[str, str] = {}
    nodes: dict[str, Node] = {}
    for path, layer in walk(model, deep=True):
        if not isinstance(layer, keras.layers.Layer) or not path or isinstance(layer, keras.layers.InputLayer):
            continue
        if getattr(layer, "stateful", False):
            raise Unsupported(
                "a layer keeps its state from one call to the next",
                where=path,
                expected="a model that gives the same for the same inputs",
                found=f"{type(layer).__name__}(stateful=True)",
                help="make it with stateful=False, and give initial_state where it is needed",
            )
        if layer.weights and layer.compute_dtype != layer.variable_dtype:
            raise Unsupported(
                "a layer computes in another element type than its weights have",
                where=path,
                expected="one element type: what rounding to a shorter one gives is not the same in two frameworks",
                found=f"weights of {layer.variable_dtype}, computed in {layer.compute_dtype}",
                help='build the model with the policy of its weights, keras.config.set_dtype_policy("float32")',
            )
        layers[path] = type(layer).__name__
        node = _node(layer, path, refs) if has_rule(layer) else None
        if node is not None:
            nodes[path] = node
    tensors = {ref.name: ref for found in refs.values() for ref in found}
    reasons = {name: SEED for name in tensors if SEED_NAME in name}
    names = tuple(input_names(model))
    return KerasLikeness(model, str(model.name), _entries(model), names, layers, nodes, tensors, reasons)


def _node(layer: Any, path: str, refs: Mapping[str, list[TensorRef]]) -> Node | None:
    """The layer as the one node that it is, None where it is several, or set as no rule knows."""
    nodes = Nodes(refs)
    try:
        nodes.layer(type(layer).__name__, layer_config(layer), path, (), ours=True)
    except HomologError:
        return None
    made = nodes.made.get(path)
    return None if made is None else replace(made, layer=path, inputs=())


def _entries(model: Any) -> tuple[Entry, ...]:
    keras = require()
    declared = getattr(model, "_inputs_struct", None)
    if declared is None:
        declared = getattr(getattr(model, "_functional", None), "_inputs_struct", None)
    if declared is None:
        return ()
    flat = keras.tree.flatten(declared)
    return tuple(Entry(str(t._keras_history[0].name), tuple(t.shape), str(t.dtype)) for t in flat)


def _of_variables(layer: Any, stack: ExitStack) -> Call:
    """A layer's call. A layer that was adapted to data computes with what it has made of its variables then; here it
    makes it anew of those that the model is called with, and has the old one back in the end."""
    own: Call = layer.call
    if not isinstance(layer, require().layers.Normalization) or layer.input_mean is not None:
        return own
    for name in ("mean", "variance"):
        stack.enter_context(lent(layer, name, getattr(layer, name)))

    def call(*args: Any, **kwargs: Any) -> Any:
        layer.finalize_state()
        return own(*args, **kwargs)

    return call


@contextmanager
def _as_torch_can(layer: Any) -> Iterator[None]:
    """Settings that change nothing but which of Keras's own ways to the same result is taken: recurrent layers step by
    step without a loop over the rows, preprocessing layers by the backend that the others have, and none to a loss,
    which nobody asks for."""
    with ExitStack() as stack:
        if "unroll" in vars(layer):
            stack.enter_context(lent(layer, "unroll", True))
        if getattr(layer, "activity_regularizer", None) is not None:
            stack.enter_context(lent(layer, "activity_regularizer", None))
        dynamic = vars(layer).get("backend")
        if hasattr(dynamic, "_backend"):
            stack.enter_context(lent(dynamic, "_backend", "torch"))
        yield


@contextmanager
def _whole_tracebacks() -> Iterator[None]:
    """While the body runs, an error says its own words and its own place: Keras cuts both short."""
    config = require().config
    before = config.is_traceback_filtering_enabled()
    config.disable_traceback_filtering()
    try:
        yield
    finally:
        if before:
            config.enable_traceback_filtering()


@contextmanager
def _called(layer: Any, call: Call) -> Iterator[None]:
    """Another ``call`` of the instance for a while, past Keras's own tracking of attributes."""
    held = vars(layer)
    had, before = "call" in held, held.get("call")
    held["call"] = call
    try:
        yield
    finally:
        if had:
            held["call"] = before
        else:
            del held["call"]
