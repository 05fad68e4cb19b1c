"""Gradients and a few steps of training of a live PyTorch module, on a copy of it: the module stays as it was."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from homolog.live import Gradients, Lesson, Trained, first_rate
from homolog.pytorch.framework import require
from homolog.pytorch.inference import as_used
from homolog.pytorch.read import fitting, results_of, state, to_numpy
from homolog.pytorch.wide import in_float64, jittered, widened_copy
from homolog.results import Results
from homolog.signature import Given
from homolog.tensors import Array

if TYPE_CHECKING:
    import torch

Made = TypeVar("Made")
RATES = ("p", "dropout", "drop_prob", "drop_path")
"""Settings that say how much a module does at random."""


def gradients(
    module: torch.nn.Module,
    inputs: Given,
    cotangents: Sequence[Array | None],
    *,
    as_trained: bool = False,
    jitter: float = 0.0,
) -> Gradients:
    """See ``Live.gradients`` and ``Live.as_trained``."""

    def work(model: torch.nn.Module) -> dict[str, Array]:
        trained = _trained(model.eval())
        found = _differentiated(_weighed(_called(model, inputs), cotangents), trained)
        return {name: to_numpy(array) for name, array in found.items()}

    arrays, precision = _as_exactly_as_it_can(module, work, as_trained, jitter)
    return Gradients(arrays, precision)


def train(module: torch.nn.Module, lesson: Lesson, *, as_trained: bool = False) -> Trained:
    """See ``Live.train`` and ``Live.as_trained``."""

    def work(model: torch.nn.Module) -> Trained:
        silenced = _without_chance(model)
        trained = _trained(model)
        losses: list[float] = []
        rate = lesson.rate
        with _no_dropout() as functions:
            for _ in range(lesson.steps):
                loss = _off(_called(model, lesson.inputs), lesson.targets)
                losses.append(float(loss.detach()))
                found = _differentiated(loss, trained)
                if rate is None:
                    rate = first_rate(
                        [to_numpy(tensor) for tensor in _once(trained).values()],
                        [to_numpy(found[name]) for name in _once(trained)],
                    )
                with require().no_grad():
                    for name, tensor in _once(trained).items():
                        tensor.sub_(found[name] * (rate * lesson.shares.get(name, 1.0)))
        arrays = {name: ref.read().copy() for name, ref in state(model).items()}
        return Trained(arrays, tuple(losses), rate or 0.0, "", (*silenced, *functions.silenced))

    made, precision = _as_exactly_as_it_can(module, work, as_trained)
    return Trained(made.arrays, made.losses, made.rate, precision, made.silenced)


def _as_exactly_as_it_can(
    module: torch.nn.Module, work: Callable[[torch.nn.Module], Made], as_trained: bool, jitter: float = 0.0
) -> tuple[Made, str]:
    """On a copy in float64, else, where its forward makes tensors of a type that does not go with it, as it is.

    The copy stores the weights that the module computes from others, as ``as_used`` does.
    """
    torch = require()
    with as_used(module, as_trained=as_trained):
        own = copy.deepcopy(module)
    with torch.enable_grad():
        try:
            with in_float64():
                return work(jittered(widened_copy(own), jitter)), "float64"
        except RuntimeError:  # what else is wrong shows again below
            return work(own), "float32"


def _called(model: torch.nn.Module, inputs: Given) -> Results:
    by_place, by_name = fitting(model, inputs)
    return results_of(model(*by_place, **by_name))


def _trained(model: torch.nn.Module) -> dict[str, torch.nn.Parameter]:
    """Parameters that training changes, under all of their names."""
    named = model.named_parameters(remove_duplicate=False)
    return {name: tensor for name, tensor in named if tensor.requires_grad and tensor.is_floating_point()}


def _once(trained: Mapping[str, torch.nn.Parameter]) -> dict[str, torch.nn.Parameter]:
    """The same, each under its first name."""
    seen: set[int] = set()
    return {name: tensor for name, tensor in trained.items() if not (id(tensor) in seen or seen.add(id(tensor)))}  # type: ignore[func-returns-value]


def _differentiated(loss: torch.Tensor, trained: Mapping[str, torch.nn.Parameter]) -> dict[str, torch.Tensor]:
    """The gradient of a loss by each parameter, zero where it does not depend on one."""
    torch = require()
    tensors = list(_once(trained).values())
    if not tensors or not loss.requires_grad:  # every way to a parameter is cut
        return {name: torch.zeros_like(tensor) for name, tensor in trained.items()}
    found = torch.autograd.grad(loss, tensors, allow_unused=True, materialize_grads=True)
    by_tensor = {id(tensor): array.detach() for tensor, array in zip(tensors, found, strict=True)}
    return {name: by_tensor[id(tensor)] for name, tensor in trained.items()}


def _weighed(results: Results, cotangents: Sequence[Array | None]) -> Any:
    torch = require()
    pairs = [(t, a) for t, a in zip(results.tensors.values(), cotangents, strict=True) if a is not None]
    return sum(((tensor * _like(array, tensor)).sum() for tensor, array in pairs), torch.zeros(()))


def _off(results: Results, targets: Sequence[Array | None]) -> Any:
    """Half the mean square of what the outputs are off."""
    torch = require()
    pairs = [(t, a) for t, a in zip(results.tensors.values(), targets, strict=True) if a is not None]
    return sum((((tensor - _like(array, tensor)) ** 2).mean() / 2 for tensor, array in pairs), torch.zeros(()))


def _like(array: Array, tensor: torch.Tensor) -> torch.Tensor:
    made = require().tensor(np.asarray(array, order="C"), dtype=tensor.dtype)
    return cast("torch.Tensor", made)


def _without_chance(model: torch.nn.Module) -> list[str]:
    """Put a copy into training mode, but for what does something at random in it: modules that hold no others and no
    statistics, and PyTorch's attention; these do nothing else in training mode.

    Returns:
        Paths of those that would do something at random.
    """
    torch = require()
    model.train()
    silenced = []
    for path, module in model.named_modules():
        plain = not any(True for _ in module.children()) and not hasattr(module, "running_mean")
        if plain or isinstance(module, torch.nn.MultiheadAttention):
            module.training = False
            if any(isinstance(rate := getattr(module, name, 0), float) and rate > 0 for name in RATES):
                silenced.append(path)
    return silenced


def _no_dropout() -> Any:
    """A context in which PyTorch's functions drop nothing, for modules that call them by themselves."""
    import torch
    from torch.nn import functional
    from torch.overrides import TorchFunctionMode

    droppers = {
        *(functional.dropout, functional.dropout1d, functional.dropout2d, functional.dropout3d),
        *(functional.alpha_dropout, functional.feature_alpha_dropout, torch.dropout),
    }

    class NoDropout(TorchFunctionMode):
        def __init__(self) -> None:
            super().__init__()
            self.silenced: list[str] = []

        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = dict(kwargs or {})
            if func in droppers:
                named = f"{func.__name__} in a forward"
                self.silenced += [] if named in self.silenced else [named]
                return args[0] if args else kwargs["input"]
            if func is functional.scaled_dot_product_attention:
                if len(args) > 4:
                    args = (*args[:4], 0.0, *args[5:])
                kwargs |= {"dropout_p": 0.0} if "dropout_p" in kwargs else {}
            return func(*args, **kwargs)

    return NoDropout()
