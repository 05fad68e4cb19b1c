"""Keras on its torch backend for a while, whichever backend it was imported with.

Keras chooses its backend once, when it is imported; a live model cannot be taken to another. But what differs between
backends is a table of functions, which layers and operations look up when they are called. While a model is read for
PyTorch, that table is the torch backend's, and so every layer and every operation of Keras, and whatever a user's own
layer does with them, says in PyTorch's operators what it computes. The variables stay those of the model's own backend:
whoever calls the model gives their values by a ``StatelessScope``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

from homolog.keras.exact import lent
from homolog.keras.framework import require
from homolog.keras.resizing import as_backend

BACKEND = "keras.src.backend"
TORCH = f"{BACKEND}.torch"


Amendments = Mapping[str, Callable[[Callable[..., Any]], Callable[..., Any]]]


@contextmanager
def on_torch(amended: Amendments) -> Iterator[None]:
    """While the body runs, Keras computes with PyTorch's tensors. Everything is put back behind it.

    Args:
        amended: by module and function of Keras's torch backend, from its own function the one in its place.
    """
    own = require().backend.backend()
    with ExitStack() as stack:
        _amend(stack, amended)
        if own != "torch":
            _amend(stack, {"image.resize": as_backend(own)})
            _exchange(stack, own)
        yield


def _amend(stack: ExitStack, amended: Amendments) -> None:
    """Put other functions in the place of the torch backend's, wherever it knows them by name."""
    import_module(TORCH)
    modules = [sys.modules[name] for name in list(sys.modules) if name.startswith(TORCH)]
    for path, change in amended.items():
        place, _, name = path.rpartition(".")
        plain: Any = getattr(import_module(f"{TORCH}.{place}"), name)
        for module in modules:
            if name in vars(module) and vars(module)[name] is plain:
                stack.enter_context(lent(module, name, change(plain)))


def _exchange(stack: ExitStack, own: str) -> None:
    """Put the torch backend's functions in the place of another's."""
    theirs, ours = import_module(TORCH), import_module(f"{BACKEND}.{own}")
    counterparts = {
        id(value): vars(theirs)[name]
        for name, value in vars(ours).items()
        if not name.startswith("__") and name in vars(theirs) and value is not vars(theirs)[name]
    }
    core, config = import_module(f"{TORCH}.core"), import_module(f"{BACKEND}.config")
    variable = import_module(f"{BACKEND}.common.variables").Variable
    for module in _modules(own):
        for name, value in list(vars(module).items()):
            if id(value) in counterparts and not name.startswith("__"):
                stack.enter_context(lent(module, name, counterparts[id(value)]))
    stack.enter_context(lent(config, "_BACKEND", "torch"))
    stack.enter_context(_as_operand(variable, core.Variable))
    stack.enter_context(lent(core, "Variable", variable))  # the model's variables are of its own backend's class


def _modules(own: str) -> list[ModuleType]:
    """Keras's modules, without those that are one backend's."""
    left_out = (f"{BACKEND}.{own}", TORCH)
    return [
        module
        for name, module in list(sys.modules.items())
        if name.startswith("keras.src") and isinstance(module, ModuleType) and not name.startswith(left_out)
    ]


@contextmanager
def _as_operand(variable: Any, like: Any) -> Iterator[None]:
    """While the body runs, PyTorch takes a variable for the tensor that it stands for, as it takes one of Keras's torch
    backend."""
    variable.__torch_function__ = vars(like)["__torch_function__"]
    try:
        yield
    finally:
        del variable.__torch_function__
