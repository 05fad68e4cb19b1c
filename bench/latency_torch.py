"""How long a model of keras.applications takes once it is translated to PyTorch, beside torchvision's own, and whether
it turns its maps.

Both are run eagerly and as inductor compiles them, on images channels first, in inference mode. Both hold the same
weights, for numbers next to zero take longer than others.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from bench.figure import Figure
from bench.latency import BATCH, IMAGE, TWINS, Twin, compared
from bench.zoo import declare_boxes


def eagerly(twin: Twin, folder: Path) -> Figure:
    """As PyTorch runs a module."""
    ours, theirs = map(_timed, _modules(twin))
    return compared(f"{twin.keras} to torchvision", "eager", ours, theirs)


def compiled(twin: Twin, folder: Path) -> Figure:
    """As ``torch.compile`` runs it by default: inductor, with the compiler of this machine."""
    import torch

    ours, theirs = (_timed(torch.compile(module)) for module in _modules(twin))
    return compared(f"{twin.keras} to torchvision, compiled", "inductor", ours, theirs)


def turns(twin: Twin, folder: Path) -> Figure:
    """Transposes in the exported program, for images channels first."""
    import torch

    from bench.translations.transposes import in_program

    programs = [torch.export.export(module, (_images(),)) for module in _modules(twin)]
    ours, theirs = map(in_program, programs)
    note = f"{ours['layout']} of them between layouts; torchvision has {theirs['graph']}"
    return Figure(f"transposes in {twin.keras}, exported", ours["graph"], 0, "", note)


def _named(measure: Callable[[Twin, Path], Figure], twin: Twin) -> Callable[[Path], Figure]:
    """One benchmark: its name is shown where it breaks off."""
    benchmark: Any = partial(measure, twin)
    benchmark.__name__ = f"{measure.__name__} of {twin.keras}"
    return benchmark


BENCHMARKS = tuple(
    _named(measure, twin) for twin in TWINS if twin.torch != "mobilenet_v2" for measure in (eagerly, compiled, turns)
)


@lru_cache(maxsize=1)
def _modules(twin: Twin) -> tuple[Any, Any]:
    """The translation and torchvision's; kept until others are asked for."""
    import torch

    import homolog
    import keras

    declare_boxes()
    from torchvision import models

    keras.utils.set_random_seed(1)
    model = getattr(keras.applications, twin.keras)(
        weights=None, input_shape=(IMAGE, IMAGE, 3), classifier_activation=None, **dict(twin.settings)
    )
    theirs = models.get_model(twin.torch, weights=None).eval()
    homolog.copy(model, into=theirs, inputs=[(1, IMAGE, IMAGE, 3)], allow_differences=True)
    ours = homolog.translate(model, to="torch").model
    assert isinstance(ours, torch.nn.Module)
    return ours.eval(), theirs


def _images() -> Any:
    import torch

    random = np.random.default_rng(0)
    return torch.from_numpy(random.standard_normal((BATCH, 3, IMAGE, IMAGE)).astype(np.float32))


def _timed(module: Any) -> Callable[[], float]:
    """What calls once and tells for how long; called twice beforehand, for nothing is warm at first."""
    import torch

    images = _images()

    def once() -> float:
        with torch.inference_mode():
            started = perf_counter()
            module(images)
            return perf_counter() - started

    once()
    once()
    return once
