"""Imports Keras, the one place where it can turn out to be missing."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from homolog.errors import MissingFramework
from homolog.results import Results, taken_apart


def require() -> Any:
    """The module ``keras``, imported without TensorFlow's words on instruction sets and absent GPUs.

    Raises:
        MissingFramework: it, or the backend it is set to, is not installed.
    """
    if sys.modules.get("keras") is not None:
        return sys.modules["keras"]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with _stderr_to_nowhere():
            import keras
    except ModuleNotFoundError as error:
        if error.name not in ("keras", "tensorflow", "jax", "torch"):
            raise
        raise MissingFramework(
            f"Keras cannot be imported: {error.name} is not installed", help="pip install 'homolog[keras]'"
        ) from error
    return keras


def results_of(result: object) -> Results:
    """The tensors that a call of a model gives, with values or without."""
    keras = require()
    return taken_apart(result, lambda item: isinstance(item, keras.KerasTensor) or keras.ops.is_tensor(item))


@contextmanager
def _stderr_to_nowhere() -> Iterator[None]:
    """Silences file descriptor 2, which C++ writes to: TensorFlow speaks there before it has read its log level."""
    before = os.dup(2)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(before, 2)
            os.close(before)
