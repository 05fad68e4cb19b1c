"""One model in a process of its own: ``python -m bench.translations.child NAME FOLDER``.

Builds the module, translates, saves the translation to FOLDER/saved, and inputs with PyTorch's outputs to
FOLDER/samples.npz. What it measures goes to FOLDER/record.json after every stage, so that a run that is stopped has
told how far it came.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.pairs.child import Record
from bench.pairs.perturb import perturb_torch
from bench.translations import memory
from bench.translations.catalogue import MODELS
from bench.translations.model import CHEAP_BYTES, CHEAP_S, OTHER, TRACED, Array, Model
from bench.translations.outputs import errors, flat
from bench.zoo import declare_boxes

SHOWN = 12
"""How many details of a part, or lines of an error, are kept."""


def run(model: Model, folder: Path, record: Record) -> None:
    """Everything that is recorded of one model while PyTorch is there."""
    with record.stage("importing"):
        _import_all()
    with record.stage("building"):
        module = _built(model)
    weights = sum(tensor.nbytes for tensor in (*module.parameters(), *module.buffers()))
    record.note(weights=weights)
    translation = _translated(model, module, record)
    if translation is None:
        return
    with record.stage("saving"):
        translation.save(folder / "saved")
        record.note(lines=len((folder / "saved" / "model.py").read_text(encoding="utf-8").splitlines()))
    with record.stage("running PyTorch"):
        record.note(parameters=_parameters(module, translation.model, model))
        _save_samples(module, model, folder / "samples.npz")
    record.note(saved=True)
    cheap = weights <= CHEAP_BYTES and record.facts["seconds"]["translating"] <= CHEAP_S
    if cheap and "gradients" not in {part["name"] for part in record.facts["parts"]}:
        with record.stage("gradients"):
            record.note(gradients=_gradients(translation))
    record.note(stage="done")


def _import_all() -> None:
    """Both frameworks, and what they load when they are first used: it is not the translation's."""
    import tensorflow as tf
    import torch

    import keras

    declare_boxes()
    tiny = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU()).eval()
    image = torch.zeros(2, 3, 8, 8)
    torch.export.export(tiny, (image,))
    tiny(image)
    entry = keras.Input((8, 8, 3))
    like = keras.Model(entry, keras.layers.ReLU()(keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3)(entry))))
    tf.function(like)(np.zeros((2, 8, 8, 3), np.float32))
    like(np.zeros((2, 8, 8, 3), np.float32))


def _built(model: Model) -> Any:
    import torch

    torch.manual_seed(1)
    module = model.make().eval()
    if not model.refused:
        perturb_torch(module, model.arrays(TRACED, seed=3), seed=4, gain=model.gain)
    return module


def _translated(model: Model, module: Any, record: Record) -> Any:
    """The translation, timed, with the memory it took; None if it was refused or broke off."""
    import homolog
    from homolog.errors import HomologError, Unsupported

    given = model.given()
    before = memory.settled()
    try:
        with record.stage("translating"):
            translation = homolog.translate(module, to="keras", inputs=given)
    except HomologError as error:
        told = {**error.to_dict(), "details": [*error.details[:SHOWN]], "refused": isinstance(error, Unsupported)}
        record.note(error=told)
        return None
    record.note(taken=memory.peak() - before, passed=translation.proof.passed)
    record.note(parts=[{**part.to_dict(), "details": [*part.details[:SHOWN]]} for part in translation.proof.parts])
    return translation


def _called(module: Any, model: Model, arrays: Sequence[Array]) -> dict[str, Any]:
    """The outputs of a call, as a user would make it."""
    import torch

    tensors = [torch.from_numpy(array) for array in arrays]
    kind = next((item.dtype for item in module.parameters() if item.is_floating_point()), torch.float32)
    tensors = [tensor.to(kind) if tensor.is_floating_point() else tensor for tensor in tensors]
    names = [entry.name for entry in model.inputs]
    return flat(module(**dict(zip(names, tensors, strict=True))) if all(names) else module(*tensors))


def _save_samples(module: Any, model: Model, path: Path) -> None:
    """Inputs of another batch than the traced one, what PyTorch makes of them, and how far that is from exact."""
    import torch

    arrays = model.arrays(OTHER, seed=7)
    names = [entry.name or str(place) for place, entry in enumerate(model.inputs)]
    found: dict[str, Any] = {f"in:{name}": array for name, array in zip(names, arrays, strict=True)}
    with torch.no_grad():
        found |= {f"out:{name}": array for name, array in _arrays(_called(module, model, arrays)).items()}
        found |= {f"own:{name}": error for name, error in _errors(module, model).items()}
    np.savez(path, **found)


def _errors(module: Any, model: Model) -> dict[str, float]:
    """What PyTorch's outputs in float32 are off by; of a single row, for some float64 kernels take 15 s for one."""
    arrays = model.arrays(1, seed=11)
    narrow = _arrays(_called(module, model, arrays))
    try:
        wide = _arrays(_called(module.double(), model, arrays))
    except RuntimeError:  # it makes float32 tensors of its own
        wide = {}
    module.float()
    return errors(narrow, wide)


def _arrays(outputs: Mapping[str, Any]) -> dict[str, Array]:
    return {name: tensor.numpy() for name, tensor in outputs.items()}


def _parameters(module: Any, translated: Any, model: Model) -> dict[str, int]:
    """Numbers that are trained: in the module, in what of it a call at inference uses, in the translation.

    A module that holds a head for training alone (inception_v3) has more than its calls use.
    """
    outputs = _called(module, model, model.arrays(1))
    used = sum(variable.numel() for variable in _reached(outputs.values()))
    return {
        "module": sum(item.numel() for item in module.parameters() if item.requires_grad),
        "used": used,
        "translation": sum(int(np.prod(item.shape)) for item in translated.trainable_variables),
    }


def _reached(outputs: Any) -> Iterator[Any]:
    """The parameters from which there is a way to an output, each once."""
    waiting = [tensor.grad_fn for tensor in outputs if tensor.grad_fn is not None]
    seen = set(waiting)
    while waiting:
        node = waiting.pop()
        if hasattr(node, "variable"):
            yield node.variable
        further = {item for item, _ in node.next_functions if item is not None} - seen
        seen |= further
        waiting += further


def _gradients(translation: Any) -> dict[str, object]:
    """The part on gradients, of the translation that was made."""
    from homolog.proof import gradients

    part = gradients.check(translation.subjects)
    return {**part.to_dict(), "details": [*part.details[:SHOWN]]}


if __name__ == "__main__":
    name, folder = sys.argv[1:]
    run(MODELS[name], Path(folder), Record(Path(folder) / "record.json"))
