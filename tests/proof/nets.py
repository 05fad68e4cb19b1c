"""Small networks in both frameworks, and two of them as subjects of a proof."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from homolog import api
from homolog.graph import Framework
from homolog.keras.framework import require
from homolog.live import Run
from homolog.matching import match
from homolog.proof.subjects import Subjects
from homolog.proving import for_live
from homolog.reading import read_both

Array = np.ndarray[Any, Any]


class Function:
    """A live model that is a function of its one input; in float64, where it has one, another."""

    model = None

    def __init__(
        self,
        function: Callable[[Array], Sequence[Array]],
        wide: Callable[[Array], Sequence[Array]] | None = None,
        framework: Framework = "pytorch",
        halved: bool = False,
    ) -> None:
        self.function, self.wide, self.framework, self.halved = function, wide, framework, halved
        self.inputs: list[Array] = []

    def run(self, inputs: Mapping[str, Array], layers: Iterable[str] = (), instead: object = None) -> Run:
        (array,) = inputs.values()
        self.inputs.append(array)
        return Run(tuple(self.function(array)))

    def exact(
        self, inputs: Mapping[str, Array], layers: Iterable[str] = (), instead: object = None, jitter: float = 0.0
    ) -> Run | None:
        (array,) = inputs.values()
        array = array * (1 + jitter)
        return None if self.wide is None else Run(tuple(self.wide(array.astype(np.float64))), halved=self.halved)


def subjects_of(one: Any, two: Any, *, copy: bool = True) -> Subjects:
    """Two networks as they are set; with the first one's weights in the second."""
    if copy:
        api.copy(one, into=two, run=False, allow_differences=True)
    first, second = api.load(one), api.load(two)
    graphs = read_both(first, second)
    plan = for_live(match(*graphs, first.name, second.name), first, second)
    return Subjects(first.live, second.live, *graphs, plan, first.live_names())


def torch_chain(*layers: Any) -> Any:
    """A Sequential whose batch norms have statistics of their own."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    return _with_statistics(nn.Sequential(*layers))


def traced(forward: Callable[[Any, Any], Any], **layers: Any) -> Any:
    """A module of one's own with this forward."""
    import torch
    from torch import nn

    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name, layer in layers.items():
                self.add_module(name, layer)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = forward(self, x)
            return found

    return _with_statistics(Own())


def keras_chain(shape: tuple[int, ...], *layers: Any) -> Any:
    """A Sequential whose batch norms have statistics of their own."""
    keras = require()
    model = keras.Sequential([keras.Input(shape), *layers])
    random = np.random.default_rng(0)
    for layer in model.layers:
        for variable in layer.variables:
            shape = tuple(variable.shape)
            low, high = (0.02, 0.2) if "variance" in variable.path else (-0.6, 0.6)
            if "seed" not in variable.path:
                variable.assign(random.uniform(low, high, shape).astype(np.float32))
    return model


def _with_statistics(module: Any) -> Any:
    from torch import nn

    for layer in module.children():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            nn.init.uniform_(layer.running_var, 0.02, 0.2)
            nn.init.normal_(layer.running_mean)
    return module


def state(network: Any) -> dict[str, bytes]:
    """Every bit of a network's tensors."""
    return {name: ref.read().tobytes() for name, ref in api.load(network).live.tensors().items()}
