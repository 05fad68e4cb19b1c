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

from homolog.keras.framework import require
from homolog.scripts import model as models
from homolog.scripts.translation import ScriptTranslation, translate
from homolog.transforms import apply

Both = Callable[[str], tuple[dict[str, Any], dict[str, Any], ScriptTranslation]]


@pytest.fixture(autouse=True)
def numbered_from_the_start() -> Iterator[None]:
    """Layers are numbered from the start; without a collection over all that the frameworks hold, time and again."""
    require().utils.clear_session(free_memory=False)
    yield


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Both:
    """Run a script as it is and translated, and give the names that each has at the end.

    Each translated model begins with the weights that the original had in front of its first ``fit``.
    """
    monkeypatch.chdir(tmp_path)
    sources: list[models.ModelSource] = []
    plain = models.torch_source

    def kept(model: Any) -> models.ModelSource:
        sources.append(plain(model))
        return sources[-1]

    monkeypatch.setattr(models, "torch_source", kept)

    def go(text: str) -> tuple[dict[str, Any], dict[str, Any], ScriptTranslation]:
        keras = require()
        keras.utils.clear_session(free_memory=False)
        sources.clear()
        translation = translate(text)
        keras.utils.clear_session(free_memory=False)
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
        written: dict[str, Any] = {"__name__": "__main__", "fill": lambda model: filled(model, sources[0], first[0])}
        source = translation.source.replace("\ninitialise(model)\n", "\nfill(model)\n")
        random.seed(0)
        np.random.seed(0)
        exec(compile(source, "written.py", "exec"), written)
        return original, written, translation

    return go


def filled(model: Any, source: models.ModelSource, arrays: dict[str, np.ndarray[Any, Any]]) -> None:
    """Give a written module the values of Keras's variables."""
    import torch

    state = model.state_dict()
    for name, tensor in source.tensors.items():
        if tensor.trained:
            (array,) = apply(tensor.transform, [arrays[variable.path] for variable in tensor.variables])
            state[name].copy_(torch.from_numpy(array.copy()))
