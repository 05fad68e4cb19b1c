"""One model in a process of its own: ``python -m bench.translations.child TO NAME FOLDER``.

Builds the model, translates, saves the translation to FOLDER/saved, and inputs with the source's outputs to
FOLDER/samples.npz. What it measures goes to FOLDER/record.json after every stage, so that a run that is stopped has
told how far it came.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from bench.record import Record
from bench.translations import memory
from bench.translations.direction import DIRECTIONS, Direction
from bench.translations.model import CHEAP_BYTES, CHEAP_S, OTHER, Model
from bench.translations.outputs import SHAKY, errors

SHOWN = 12
"""How many details of a part, or lines of an error, are kept."""


def run(direction: Direction, model: Model, folder: Path, record: Record) -> None:
    """Everything that is recorded of one model while its framework is there."""
    source, target = direction.source(), direction.target()
    with record.stage("importing"):
        _import_all()
    with record.stage("building"):
        made = source.built(model)
    weights = source.weights(made)
    record.note(weights=weights)
    translation = _translated(direction, model, made, record)
    if translation is None:
        return
    with record.stage("saving"):
        translation.save(folder / "saved")
        record.note(lines=len((folder / "saved" / "model.py").read_text(encoding="utf-8").splitlines()))
    fitted = source.fitting(translation, model)
    if fitted.inputs != model.inputs:
        record.note(takes=f"{fitted.takes()} (fixed)")
    with record.stage("running the source"):
        record.note(parameters={**source.trained(made, model), "translation": target.trained(translation.model)})
        record.note(turns=source.turns(made, model))
        _save_samples(source, made, fitted, translation, folder / "samples.npz")
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

    tiny = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU()).eval()
    image = torch.zeros(2, 3, 8, 8)
    torch.export.export(tiny, (image,))
    tiny(image)
    entry = keras.Input((8, 8, 3))
    like = keras.Model(entry, keras.layers.ReLU()(keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3)(entry))))
    tf.function(like)(np.zeros((2, 8, 8, 3), np.float32))
    like(np.zeros((2, 8, 8, 3), np.float32))


def _translated(direction: Direction, model: Model, made: Any, record: Record) -> Any:
    """The translation, timed, with the memory it took; None if it was refused or broke off."""
    import homolog
    from homolog.errors import HomologError, Unsupported

    given = model.given()
    before = memory.settled()
    try:
        with record.stage("translating"):
            translation = homolog.translate(made, to=direction.to, inputs=given)
    except HomologError as error:
        told = {**error.to_dict(), "details": [*error.details[:SHOWN]], "refused": isinstance(error, Unsupported)}
        record.note(error=told)
        return None
    record.note(taken=memory.peak() - before, passed=translation.proof.passed)
    record.note(parts=[{**part.to_dict(), "details": [*part.details[:SHOWN]]} for part in translation.proof.parts])
    return translation


def _save_samples(source: Any, made: Any, model: Model, translation: Any, path: Path) -> None:
    """Inputs of another batch than the traced one, what the source makes of them, and how far that is from exact.

    The last is of a single row, for some kernels take 15 s for one in float64. Where it is so far that float32 may not
    tell the source from another network, what the source makes of the inputs in float64 is saved too.
    """
    arrays = model.arrays(OTHER, seed=7)
    found: dict[str, Any] = {f"in:{name}": array for name, array in source.handed(translation, model, arrays).items()}
    found |= {f"out:{name}": array for name, array in source.outputs(made, model, arrays).items()}
    row = model.arrays(1, seed=11)
    alone = errors(source.outputs(made, model, row), source.exact(made, model, row))
    found |= {f"own:{name}": error for name, error in alone.items()}
    if max(alone.values(), default=0.0) > SHAKY:
        found |= {f"wide:{name}": array for name, array in source.exact(made, model, arrays).items()}
    np.savez(path, **found)


def _gradients(translation: Any) -> dict[str, object]:
    """The part on gradients, of the translation that was made."""
    from homolog.proof import gradients

    part = gradients.check(translation.subjects)
    return {**part.to_dict(), "details": [*part.details[:SHOWN]]}


if __name__ == "__main__":
    to, name, folder = sys.argv[1:]
    run(DIRECTIONS[to], DIRECTIONS[to].models[name], Path(folder), Record(Path(folder) / "record.json"))
