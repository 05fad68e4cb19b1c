"""Scripts that run in this process, in both frameworks, from the same weights."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import stand_in

from homolog.keras.framework import require
from homolog.scripts import model as models
from homolog.scripts.translation import ScriptTranslation, translate

Both = Callable[[str], tuple[dict[str, Any], dict[str, Any], ScriptTranslation]]


@pytest.fixture(autouse=True)
def simple_models(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Models are written by the stand-in; layers are numbered from the start."""
    require().utils.clear_session()
    monkeypatch.setattr(models, "torch_source", stand_in.torch_source)
    yield


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Both:
    """Run a script as it is and translated, and give the names that each has at the end.

    Each translated model begins with the weights that the original had in front of its first ``fit``.
    """
    monkeypatch.chdir(tmp_path)

    def go(text: str) -> tuple[dict[str, Any], dict[str, Any], ScriptTranslation]:
        keras = require()
        keras.utils.clear_session()
        translation = translate(text)
        keras.utils.clear_session()
        first: list[dict[str, np.ndarray[Any, Any]]] = []
        fit = keras.Model.fit

        def watched(self: Any, *args: Any, **kwargs: Any) -> Any:
            if not first:
                first.append({variable.path: np.array(variable) for variable in self.variables})
            kwargs["verbose"] = 0
            return fit(self, *args, **kwargs)

        original: dict[str, Any] = {"__name__": "__main__"}
        with ExitStack() as stack:
            for kind in (keras.Model, keras.Sequential):
                stack.enter_context(patch.object(kind, "fit", watched))
            keras.utils.set_random_seed(0)
            exec(compile(text, "original.py", "exec"), original)
        written: dict[str, Any] = {"__name__": "__main__", "fill": lambda model: filled(model, first[0])}
        source = translation.source.replace("\ninitialise(model)\n", "\nfill(model)\n")
        random.seed(0)
        np.random.seed(0)
        exec(compile(source, "written.py", "exec"), written)
        return original, written, translation

    return go


def filled(model: Any, arrays: dict[str, np.ndarray[Any, Any]]) -> None:
    """Give a stand-in's module the values of Keras's variables: kernels turned, everything else as it is."""
    import torch

    state = model.state_dict()
    for name, tensor in state.items():
        path = stand_in.ORIGINS.get(name)
        if path is None or name.endswith(("_mean", "_variance")):
            continue
        array = arrays[path]
        if name.endswith("weight") and array.ndim > 1 and "embeddings" not in path:
            array = np.moveaxis(array, (-1, -2), (0, 1))
        tensor.copy_(torch.from_numpy(array.copy()))
