"""What was saved, where there is neither homolog nor PyTorch: ``python -m bench.translations.fresh FOLDER``.

Loads FOLDER/saved/model.keras, and FOLDER/saved/model.py's ``load_model()``, runs both on the inputs of
FOLDER/samples.npz, whose batch is not the traced one, and compares. The first runs compiled, the second does not; the
memory that the first takes is noted, for it is Keras's own. Writes FOLDER/fresh.json.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from bench.pairs.child import Record
from bench.translations import memory
from bench.translations.outputs import Array, compared, flat
from bench.translations.transposes import compiled, in_graph, in_model

ABSENT = ("homolog", "torch")


class Without(MetaPathFinder):
    """Nothing of these names can be imported."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"{fullname} is kept out of this process", name=fullname)
        return None


def run(folder: Path, record: Record) -> None:
    """Everything that is recorded of what was saved."""
    samples = dict(np.load(folder / "samples.npz"))
    given, theirs, own = (_under(prefix, samples) for prefix in ("in:", "out:", "own:"))
    import keras

    before = memory.settled()
    with record.stage("model.keras"):
        model, alone = _loaded(folder / "saved")
        arguments = fitted(model, given)
        call = compiled(model, arguments)
        graph = in_graph(call.graph.as_graph_def())
        record.note(
            alone=alone, transposes={"model": in_model(model), "graph": graph["all"], "layout": graph["layout"]}
        )
        result = call(keras.tree.map_structure(keras.ops.convert_to_tensor, arguments))
        _note(record, "model.keras", result, theirs, own)
    record.note(taken=memory.peak() - before)
    with record.stage("model.py"):
        model = _imported(folder / "saved").load_model()
        _note(record, "model.py", model(fitted(model, given), training=False), theirs, own)
    loaded = [name for name in ABSENT if name in sys.modules]
    record.note(stage="done", loaded=loaded)


def fitted(model: Any, given: Mapping[str, Array]) -> Any:
    """Inputs in the structure, order of axes and type that the model has them in.

    Each goes by its name where the model has the same names, and by its place where not.
    """
    import keras

    inputs = list(model.inputs)
    named = {tensor.name for tensor in inputs} == set(given)
    arrays = [given[tensor.name] for tensor in inputs] if named else list(given.values())
    ready = {
        tensor.name: turned(array, tensor.shape).astype(str(tensor.dtype))
        for tensor, array in zip(inputs, arrays, strict=True)
    }
    return keras.tree.map_structure(lambda tensor: ready[tensor.name], model.input)


def turned(array: Array, shape: Sequence[int | None]) -> Array:
    """An array with its channels where this shape has them."""
    asked = tuple(shape)[1:]

    def fits(way: Array) -> bool:
        pairs = zip(way.shape[1:], asked, strict=True)
        return way.ndim == len(asked) + 1 and all(wanted in (None, length) for length, wanted in pairs)

    if array.ndim == len(asked) + 1 and not fits(array) and fits(np.moveaxis(array, 1, -1)):
        return np.moveaxis(array, 1, -1)
    return array


def _under(prefix: str, samples: Mapping[str, Array]) -> dict[str, Array]:
    return {name.removeprefix(prefix): array for name, array in samples.items() if name.startswith(prefix)}


def _note(record: Record, file: str, result: Any, theirs: Mapping[str, Array], own: Mapping[str, Array]) -> None:
    errors = {name: float(error) for name, error in own.items()}
    found = compared({name: np.asarray(value) for name, value in flat(result).items()}, theirs, errors)
    told = {"share": found.share, "relative": found.relative, "problem": found.problem}
    record.note(files={**record.facts.get("files", {}), file: told})


def _loaded(saved: Path) -> tuple[Any, bool]:
    """The whole model, and whether Keras has every class of it: those that model.py registers it must see first."""
    import keras

    try:
        return keras.models.load_model(saved / "model.keras"), True
    except TypeError:
        _imported(saved)
        return keras.models.load_model(saved / "model.keras"), False


def _imported(saved: Path) -> Any:
    if "translated" in sys.modules:
        return sys.modules["translated"]
    spec = spec_from_file_location("translated", saved / "model.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    sys.modules["translated"] = module
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    sys.meta_path.insert(0, Without())
    run(Path(sys.argv[1]), Record(Path(sys.argv[1]) / "fresh.json"))
