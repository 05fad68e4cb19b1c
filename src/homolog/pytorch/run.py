"""A live PyTorch module: loaded, run, filled, saved."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from pickle import UnpicklingError
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from homolog.contiguity import contiguous
from homolog.errors import Mismatch, Unreadable, Unsafe, Unsupported, Usage
from homolog.graph import Framework, Graph
from homolog.live import Gradients, Lesson, Likeness, Run, Trained
from homolog.plan import Carried
from homolog.pytorch.framework import require
from homolog.pytorch.inference import as_used, at_inference
from homolog.pytorch.learn import gradients, train
from homolog.pytorch.program import trace
from homolog.pytorch.read import arguments_of, computed, fitting, read, results_of, state, to_numpy, tree_of
from homolog.pytorch.record import recording
from homolog.pytorch.tree import is_chain
from homolog.pytorch.wide import has_halves, in_float64, jittered, widened_copy
from homolog.signature import Argument, Free, Given
from homolog.tensors import HALVES, Array, TensorRef
from homolog.trace import Trace

if TYPE_CHECKING:
    import torch


class LiveTorch:
    """A ``torch.nn.Module`` as a ``Live`` model."""

    framework: Framework = "pytorch"

    def __init__(self, model: torch.nn.Module, *, as_trained: bool = False) -> None:
        self.model = model
        self._as_trained = as_trained

    def as_trained(self) -> LiveTorch:
        return LiveTorch(self.model, as_trained=True)

    def arguments(self) -> tuple[Argument, ...] | None:
        return arguments_of(self.model)

    def graph(self, inputs: Given | None = None) -> Graph:
        return read(self.model, inputs)

    def trace(self, inputs: Given, free: Free, written: Collection[str] = (), *, lines: bool = True) -> Trace:
        return trace(self.model, inputs, free, written, lines=lines)

    def likeness(self) -> Likeness:
        raise Unsupported("a PyTorch module is traced itself", expected="a Keras model")

    def tensors(self) -> dict[str, TensorRef]:
        return dict(state(self.model))

    def computed(self) -> dict[str, TensorRef]:
        return computed(self.model, as_trained=self._as_trained)

    def groups(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in self.tensors():
            found.setdefault(name.rpartition(".")[0], []).append(name)
        return found

    def load_weights(self, file: Path) -> None:
        raise Mismatch(
            "the names in the file are not those of the module's state_dict", where=str(file), details=self.tensors()
        )

    def run(
        self, inputs: Given, layers: Iterable[str] = (), instead: Mapping[str, Array] = MappingProxyType({})
    ) -> Run:
        torch = require()
        seen: dict[str, Array] = {}
        with at_inference(self.model), torch.no_grad(), recording(self.model, layers, instead, seen):
            by_place, by_name = fitting(self.model, inputs)
            results = results_of(self.model(*by_place, **by_name))
        outputs = tuple(to_numpy(tensor) for tensor in results.tensors.values())
        return Run(outputs, seen, tuple(results.tensors), results.left_out)

    def exact(
        self,
        inputs: Given,
        layers: Iterable[str] = (),
        instead: Mapping[str, Array] = MappingProxyType({}),
        jitter: float = 0.0,
    ) -> Run | None:
        with as_used(self.model, as_trained=self._as_trained):  # the exact result of the weights that are copied
            wide = LiveTorch(jittered(widened_copy(self.model), jitter))
        try:
            with in_float64() as met:
                found = wide.run(_widened(inputs), layers, instead)
        except RuntimeError:  # its forward makes tensors of a type of its own, which do not go with float64
            return None
        return replace(found, halved=has_halves(self.model) or not met.isdisjoint(HALVES))

    def gradients(self, inputs: Given, cotangents: Sequence[Array | None], jitter: float = 0.0) -> Gradients:
        return gradients(self.model, inputs, cotangents, as_trained=self._as_trained, jitter=jitter)

    def train(self, lesson: Lesson) -> Trained:
        return train(self.model, lesson, as_trained=self._as_trained)

    def fill(self, arrays: Iterable[tuple[str, Array]]) -> None:
        torch = require()
        held = self.model.state_dict(keep_vars=True)
        with torch.no_grad():
            for name, array in arrays:
                tensor = held.get(name)
                own = None if tensor is None else str(tensor.dtype).removeprefix("torch.")
                if tensor is None or (tuple(tensor.shape), own) != (array.shape, array.dtype.name):
                    raise Mismatch(
                        "the module has no such tensor",
                        where=name,
                        expected=f"{array.dtype.name} {array.shape}",
                        found="none" if tensor is None else f"{own} {tuple(tensor.shape)}",
                    )
                tensor.copy_(_from_numpy(array, tensor.dtype))

    def carry(self, settings: Iterable[Carried]) -> None:
        wanted = {(item.layer, item.setting): item.after for item in settings}
        places = self._places()
        for (path, name), value in wanted.items():
            module = self.model.get_submodule(path)
            if not hasattr(module, name):
                raise Mismatch("the module has no such setting", where=path, expected=name)
            clashes = [at for at in places.get(module, ()) if wanted.get((at, name), getattr(module, name)) != value]
            if clashes:
                raise Mismatch(
                    "one module stands in several places, for which the source has different settings",
                    where=path,
                    found=f"the same module at {', '.join(clashes)}",
                    help="make it a module for each place, or copy without --carry-config",
                )
        for (path, name), value in wanted.items():
            setattr(self.model.get_submodule(path), name, value)

    def _places(self) -> dict[torch.nn.Module, list[str]]:
        """Every path of each module of a chain; in a traced module all calls of one go under one path."""
        found: dict[torch.nn.Module, list[str]] = {}
        if is_chain(tree_of(self.model)):
            for path, module in self.model.named_modules(remove_duplicate=False):
                found.setdefault(module, []).append(path)
        return found

    def save(self, out: Path, form: str) -> None:
        torch = require()
        if form == "torch-state":
            torch.save(self.model.state_dict(), out)
        elif form == "torch-module":
            torch.save(self.model, out)
        elif form == "safetensors":
            from homolog.files import Format, write_new

            refs = self.tensors()
            shared = {ref.storage: name for name, ref in refs.items()}
            kept = {name: ref for name, ref in refs.items() if shared[ref.storage] == name}
            write_new(
                Format.SAFETENSORS, out, ((name, ref.read()) for name, ref in kept.items()), metadata={"format": "pt"}
            )
        else:
            raise Usage(
                "a PyTorch model is not saved in this format",
                where=str(out),
                help="use .pt, .pth, .bin or .safetensors",
            )


def load(path: Path) -> LiveTorch:
    """A whole pickled module, by PyTorch's own loader, with nothing but PyTorch's own classes allowed.

    Raises:
        Unreadable: PyTorch cannot read it.
        Unsafe: it names other code.
    """
    torch = require()
    classes = [item for item in vars(torch.nn.modules).values() if inspect.isclass(item)]
    try:
        with torch.serialization.safe_globals([*classes, set]):
            module = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, OSError, ValueError, KeyError, AttributeError, EOFError) as error:
        raise Unreadable("PyTorch cannot load this module", where=str(path), found=_first_line(error)) from error
    except UnpicklingError as error:
        raise Unsafe("the file names code that is not PyTorch's own; it was not run", where=str(path)) from error
    if not isinstance(module, torch.nn.Module):
        raise Unsupported(
            "this file holds weights and no model",
            where=str(path),
            help=f"give them their model: {path}@package.module:factory",
        )
    return LiveTorch(module)


def _widened(inputs: Given) -> Given:
    def wide(array: Array) -> Array:
        return array.astype(np.float64) if array.dtype.kind == "f" else array

    if isinstance(inputs, Mapping):
        return {name: wide(array) for name, array in inputs.items()}
    return [wide(array) for array in inputs]


def _from_numpy(array: Array, dtype: Any) -> Any:
    torch = require()
    if array.dtype.name == "bfloat16" or array.dtype.name.startswith("float8"):
        bits = np.asarray(array, order="C").view(f"i{array.dtype.itemsize}")
        return torch.from_numpy(bits.copy()).view(dtype)
    return torch.from_numpy(np.require(contiguous(array), requirements="W"))  # arrays read in place are not writable


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"
