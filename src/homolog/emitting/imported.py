"""The text of ``model.py`` → a live model: the written file is the only way to one."""

from __future__ import annotations

import importlib.util
import linecache
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

NAME = "model"
"""The written file's own name: a saved model says in it where the classes of its layers are."""


def built(source: str) -> Any:
    """Import the text as a module and let it build its model, with whatever weights it draws."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{NAME}.py"
        path.write_text(source, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(NAME, path)
        if spec is None or spec.loader is None:
            raise RuntimeError(f"{path} is no module")
        module: Any = importlib.util.module_from_spec(spec)
        before = sys.modules.get(NAME)
        sys.modules[NAME] = module
        # TorchScript and tracebacks read the lines when the file is gone
        linecache.cache[str(path)] = (len(source), None, source.splitlines(keepends=True), str(path))
        try:
            spec.loader.exec_module(module)
            return module.build_model()
        finally:
            if before is None:
                del sys.modules[NAME]
            else:
                sys.modules[NAME] = before
