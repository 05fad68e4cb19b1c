"""Experts of transformers, said plainly while they are traced.

Which expert computes which token only values tell. transformers has several ways to say so, by a setting; most sort the
tokens of all rows by their experts. Here each token reads its own experts' weights. It is the same function.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

SETTING = "_experts_implementation"
PLAIN = "batched_mm"


@contextmanager
def plain_experts(module: torch.nn.Module) -> Iterator[None]:
    """While the body runs, every configuration in a module that has the setting says so."""
    configs = {id(child.config): child.config for child in module.modules() if hasattr(child, "config")}
    kept = [(config, getattr(config, SETTING)) for config in configs.values() if getattr(config, SETTING, None)]
    for config, _ in kept:
        setattr(config, SETTING, PLAIN)
    try:
        yield
    finally:
        for config, word in kept:
            setattr(config, SETTING, word)
