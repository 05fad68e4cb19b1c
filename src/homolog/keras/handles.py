"""TensorFlow's variables without a kernel made for each.

TensorFlow keeps the kernels of operators that it ran, by the operator's attributes. The operator that makes a variable
has the variable's name among these, for messages alone (``debug_name``), so none is ever found again: a model's
variables take 1.7 ms each, and with one name for all 0.4 ms.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from homolog.keras.framework import require

ONE = "variable"
"""What all are called in messages of TensorFlow's operators; Keras and TensorFlow's own objects keep their names."""


@contextmanager
def quick_handles() -> Iterator[None]:
    """While the body runs, TensorFlow's variables are made by one kernel. Other backends are left alone."""
    if require().backend.backend() != "tensorflow":
        yield
        return
    operators: Any = import_module("tensorflow.python.ops.gen_resource_variable_ops")
    plain = operators.var_handle_op

    def made(*args: Any, **kwargs: Any) -> Any:
        return plain(*args, **{**kwargs, "debug_name": ONE})

    operators.var_handle_op = made
    try:
        yield
    finally:
        operators.var_handle_op = plain
