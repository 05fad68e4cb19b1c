"""Imports PyTorch, the one place where it can turn out to be missing."""

from __future__ import annotations

from typing import Any

from homolog.errors import MissingFramework


def require() -> Any:
    """The module ``torch``.

    Raises:
        MissingFramework: it is not installed.
    """
    try:
        import torch
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingFramework("PyTorch is not installed", help="pip install 'homolog[pytorch]'") from error
    return torch
