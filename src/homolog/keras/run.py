"""A live Keras model: loaded, run, filled, saved."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from homolog.errors import Mismatch, Unreadable, Unsupported, Usage
from homolog.graph import Framework, Graph
from homolog.keras.arrays import array_of, put
from homolog.keras.exact import exact, has_halves
from homolog.keras.framework import require, results_of
from homolog.keras.frugal import frugal
from homolog.keras.grouped import compiled_once
from homolog.keras.learn import gradients, train
from homolog.keras.likeness import likeness
from homolog.keras.model import as_taken, groups_of, input_names, layers_by_path, read_model
from homolog.keras.nodes import SEED_NAME
from homolog.keras.record import recording
from homolog.keras.silence import without
from homolog.live import Gradients, Lesson, Likeness, Run, Trained
from homolog.plan import Carried
from homolog.results import Results
from homolog.signature import Argument, Free, Given, in_order
from homolog.tensors import Array, TensorRef
from homolog.trace import Trace

if TYPE_CHECKING:
    import keras


MISSING = re.compile(r"Could not locate (?:class|function) '([^']+)'")
"""What Keras says, far down, of a class of the user's own."""


class LiveKeras:
    """A ``keras.Model`` as a ``Live`` model."""

    framework: Framework = "keras"

    def __init__(self, model: keras.Model) -> None:
        self.model = model

    def as_trained(self) -> LiveKeras:
        return self  # a layer of Keras stores what it uses

    def arguments(self) -> tuple[Argument, ...] | None:
        return None  # the graph says it, with shapes and types

    def graph(self, inputs: Given | None = None) -> Graph:
        arrays = None if inputs is None else in_order(inputs, input_names(self.model))
        return read_model(self.model, None if arrays is None else [array.shape for array in arrays])

    def trace(self, inputs: Given, free: Free, written: Collection[str] = (), *, lines: bool = True) -> Trace:
        raise Unsupported("a Keras model is traced by its likeness in PyTorch", expected="a PyTorch module")

    def likeness(self) -> Likeness:
        return likeness(self.model)

    def tensors(self) -> dict[str, TensorRef]:
        return {ref.name: ref for refs in groups_of(self.model).values() for ref, _ in refs}

    def computed(self) -> dict[str, TensorRef]:
        return {}  # a layer of Keras stores what it uses

    def groups(self) -> dict[str, list[str]]:
        return {path: [ref.name for ref, _ in refs] for path, refs in groups_of(self.model).items()}

    def load_weights(self, file: Path) -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of layers without weights
                self.model.load_weights(file)
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise Mismatch(
                "Keras cannot load these weights into this model", where=str(file), found=first_line(error)
            ) from error

    def run(
        self, inputs: Given, layers: Iterable[str] = (), instead: Mapping[str, Array] = MappingProxyType({})
    ) -> Run:
        seen: dict[str, Array] = {}
        held = recording(layers_by_path(self.model), layers, instead, seen)
        with frugal(self.model), compiled_once(), held, _unmoved(self.model):
            results = self._caller(inputs)(False)
        return _run_of(results, seen)

    def exact(
        self,
        inputs: Given,
        layers: Iterable[str] = (),
        instead: Mapping[str, Array] = MappingProxyType({}),
        jitter: float = 0.0,
    ) -> Run | None:
        seen: dict[str, Array] = {}
        with frugal(self.model), recording(layers_by_path(self.model), layers, instead, seen):
            results = exact(self.model, self._caller(inputs), jitter)
        return None if results is None else replace(_run_of(results, seen), halved=has_halves(self.model))

    def gradients(self, inputs: Given, cotangents: Sequence[Array | None], jitter: float = 0.0) -> Gradients:
        return gradients(self.model, self._caller(inputs), cotangents, jitter)

    def train(self, lesson: Lesson) -> Trained:
        return train(self.model, self._caller(lesson.inputs), lesson)

    def _caller(self, inputs: Given) -> Callable[[bool], Results]:
        """Calls the model on these inputs, given whether it is in training mode."""
        keras = require()
        arrays = in_order(inputs, input_names(self.model))
        arguments = [keras.ops.convert_to_tensor(np.asarray(array, order="C")) for array in arrays]
        taken = as_taken(self.model, arguments)
        return lambda training: results_of(self.model(taken, training=training))

    def fill(self, arrays: Iterable[tuple[str, Array]]) -> None:
        variables = {ref.name: variable for refs in groups_of(self.model).values() for ref, variable in refs}
        for name, array in arrays:
            variable = variables.get(name)
            if variable is None or (tuple(variable.shape), str(variable.dtype)) != (array.shape, array.dtype.name):
                raise Mismatch(
                    "the model has no such variable",
                    where=name,
                    expected=f"{array.dtype.name} {array.shape}",
                    found="none" if variable is None else f"{variable.dtype} {tuple(variable.shape)}",
                )
            put(variable, array)

    def carry(self, settings: Iterable[Carried]) -> None:
        held = layers_by_path(self.model)
        for item in settings:
            layer = held.get(item.layer)
            if layer is None or not hasattr(layer, item.setting):
                raise Mismatch("the model has no such setting", where=item.layer, expected=item.setting)
            _set(layer, item.setting, item.after)
        for name in ("train_function", "test_function", "predict_function"):
            setattr(self.model, name, None)  # compiled with what was set before

    def save(self, out: Path, form: str) -> None:
        if form in ("keras", "keras-h5"):
            with without("absl", "HDF5"):  # advice against .h5, which the user asked for by the name of the file
                self.model.save(out)
        elif form == "keras-weights":
            self.model.save_weights(out)
        else:
            raise Usage(
                "a Keras model is not saved in this format", where=str(out), help="use .keras, .h5 or .weights.h5"
            )


def load(path: Path) -> LiveKeras:
    """A whole model, by Keras's own loader in its safe mode, without the compile configuration.

    Raises:
        Unreadable: Keras refuses it.
    """
    keras = require()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of optimizers and legacy formats, which do not matter here
            model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except (ValueError, TypeError, OSError, KeyError, AttributeError, RuntimeError, NotImplementedError) as error:
        missing = MISSING.search(str(error))
        raise Unreadable(
            "Keras cannot load this model",
            where=str(path),
            found=first_line(error) if missing is None else f"the class {missing[1]}, which is not to be imported here",
            help="give the model itself if the file is sound: FILE@package.module:factory",
        ) from error
    return LiveKeras(model)


def _run_of(results: Results, seen: Mapping[str, Array]) -> Run:
    keras = require()
    outputs = tuple(keras.ops.convert_to_numpy(tensor) for tensor in results.tensors.values())
    return Run(outputs, seen, tuple(results.tensors), results.left_out)


def _set(layer: Any, setting: str, value: object) -> None:
    """Set an attribute of a layer, to a value that its class accepts."""
    keras = require()
    try:
        type(layer).from_config({**layer.get_config(), setting: value})
    except (ValueError, TypeError) as error:
        raise Mismatch(
            "Keras does not accept this setting",
            where=f"{setting} of {layer.name}",
            expected=f"a value like the source's, {value}",
            found=first_line(error),
        ) from error
    setattr(layer, setting, value)
    if layer.get_config()[setting] != value:  # a layer without a get_config of its own says what it was made with
        layer._auto_config.config[setting] = value
    if setting == "rate" and value and not hasattr(layer, "seed_generator"):
        layer._tracker.unlock()  # made without a rate, a dropout has no random numbers
        layer.seed_generator = keras.random.SeedGenerator(layer.seed)
        layer._tracker.lock()


@contextmanager
def _unmoved(model: Any) -> Iterator[None]:
    """Puts statistics back that a layer updates although the model is run at inference: one that is called with
    ``training=True``."""
    kept = [variable for variable in model.non_trainable_variables if SEED_NAME not in variable.path]  # seeds move on
    before = [(variable, array_of(variable).copy()) for variable in kept]
    try:
        yield
    finally:
        for variable, value in before:
            if not np.array_equal(array_of(variable), value, equal_nan=value.dtype.kind == "f"):
                variable.assign(value)


def first_line(error: Exception) -> str:
    """What an error of Keras says, in one line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"
