"""What is changed in Keras itself while a model is traced, each for as long as a body runs, and put back."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from homolog.keras.framework import require

OPERATORS = {
    "__add__": "add",
    "__sub__": "subtract",
    "__mul__": "multiply",
    "__truediv__": "true_divide",
    "__pow__": "power",
    "__matmul__": "matmul",
}
"""What a variable in front of an operator is asked for, and the operation that it is."""
ASKED = "any_symbolic_tensors"
"""What Keras's operations ask, each by its module's own name for it, before they compute at once."""


@contextmanager
def optional_results() -> Iterator[None]:
    """While the body runs, a layer may give None or a constant beside tensors, as one does that has no cache to give:
    Keras writes no history for such results."""
    from keras.src.ops.node import Node

    before = Node.__init__

    def made(self: Any, operation: Any, call_args: Any = None, call_kwargs: Any = None, outputs: Any = None) -> None:
        symbolic = [item for item in tensors_in(outputs) if isinstance(item, require().KerasTensor)]
        before(self, operation, call_args, call_kwargs, symbolic)

    Node.__init__ = made
    try:
        yield
    finally:
        Node.__init__ = before


@contextmanager
def variables_without_values(lazy: Callable[[], bool]) -> Iterator[None]:
    """While the body runs, operations on nothing but variables are not done at once while ``lazy`` says so; what is
    called to find out a shape is left alone."""
    from keras.src.backend.common.symbolic_scope import in_symbolic_scope

    keras = require()
    names = [name for name in sys.modules if name.startswith(("keras.src.ops.", "keras.src.layers.layer"))]
    modules = [sys.modules[name] for name in names if hasattr(sys.modules[name], ASKED)]
    before = [getattr(module, ASKED) for module in modules]

    def asked(plain: Any) -> Any:
        def any_symbolic(args: Any = None, kwargs: Any = None) -> bool:
            if plain(args, kwargs):
                return True
            if not lazy() or in_symbolic_scope():
                return False
            return any(isinstance(item, keras.Variable) for item in keras.tree.flatten((args, kwargs)))

        return any_symbolic

    for module, plain in zip(modules, before, strict=True):
        setattr(module, ASKED, asked(plain))
    keras.Variable.sparse = keras.Variable.ragged = False  # what a tensor without values is asked
    try:
        yield
    finally:
        for module, plain in zip(modules, before, strict=True):
            setattr(module, ASKED, plain)
        del keras.Variable.sparse, keras.Variable.ragged


@contextmanager
def variables_as_operands() -> Iterator[None]:
    """While the body runs, ``variable * tensor`` is an operation as ``tensor * variable`` is: Keras hands the first to
    its backend, which takes no tensors without values."""
    keras = require()
    variable, symbolic = keras.Variable, keras.KerasTensor
    before = {name: variable.__dict__.get(name) for name in OPERATORS}

    def patched(name: str, operation: str) -> Any:
        plain, call = getattr(variable, name), getattr(keras.ops, operation)

        def apply(self: Any, other: Any) -> Any:
            return call(self, other) if isinstance(other, symbolic) else plain(self, other)

        return apply

    for name, operation in OPERATORS.items():
        setattr(variable, name, patched(name, operation))
    try:
        yield
    finally:
        for name, own in before.items():
            if own is None:
                delattr(variable, name)
            else:
                setattr(variable, name, own)


@contextmanager
def as_it_was(model: Any) -> Iterator[None]:
    """Forget the calls made while tracing: a layer that was called once must still say what its output is."""
    parts = [model, *model._flatten_layers(include_self=False), *getattr(model, "operations", ())]
    before = [(part, len(part._inbound_nodes), len(part._outbound_nodes)) for part in parts]
    try:
        yield
    finally:
        for part, inbound, outbound in before:
            del part._inbound_nodes[inbound:]
            del part._outbound_nodes[outbound:]


def tensors_in(result: Any) -> list[Any]:
    keras = require()
    return [tensor for tensor in keras.tree.flatten(result) if tensor is not None]
