"""Importing what a translation wrote, and keeping out what it must not need."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any


class Without(MetaPathFinder):
    """Nothing of these names can be imported."""

    def __init__(self, absent: Sequence[str]) -> None:
        self.absent = absent

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] in self.absent:
            raise ModuleNotFoundError(f"{fullname} is kept out of this process", name=fullname)
        return None


def imported(file: Path) -> Any:
    """The file as a module of its own name, imported once."""
    if file.stem in sys.modules:
        return sys.modules[file.stem]
    spec = spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    return module
