"""The files beside ``model.py``: what a reader of the folder needs to trust it, and to go on without homolog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from homolog.graph import OpenShape
from homolog.reporting.markdown import escaped

PARITY = '''"""The model gives what its source gave: {origin}, on the inputs in parity.npz.

Needs Keras and numpy alone. The bound is what float32 may lose between two orders of summation.
"""

from pathlib import Path

import keras
import numpy as np
from model import load_model

STORED = Path(__file__).with_name("parity.npz")
ATOL, RTOL = {atol!r}, {rtol!r}


def test_parity():
    """Every output, for every row."""
    stored = np.load(STORED)
    inputs = [stored[name] for name in stored.files if name.startswith("input")]
    expected = [stored[name] for name in stored.files if name.startswith("output")]
    given = load_model()(inputs[0] if len(inputs) == 1 else inputs, training=False)
    given = list(given.values()) if isinstance(given, dict) else given
    given = list(given) if isinstance(given, (list, tuple)) else [given]
    assert len(given) == len(expected)
    for ours, theirs in zip(given, expected):
        ours = keras.ops.convert_to_numpy(ours)
        assert ours.shape == theirs.shape
        if theirs.size:
            apart = np.abs(ours.astype(np.float64) - theirs.astype(np.float64)).max()
            assert apart <= ATOL + RTOL * np.abs(theirs.astype(np.float64)).max(), apart


if __name__ == "__main__":
    test_parity()
    print("the same as its source")
'''


def parity(origin: str, atol: float, rtol: float) -> str:
    """The text of ``test_parity.py``."""
    return PARITY.format(origin=origin, atol=atol, rtol=rtol)


def readme(
    name: str,
    origin: str,
    inputs: Mapping[str, tuple[OpenShape, str]],
    outputs: Mapping[str, OpenShape],
    notes: Sequence[str],
    proof: str,
) -> str:
    """The text of ``README.md``.

    Args:
        name: of the model.
        origin: what it was translated from.
        inputs: shape, batch first, and element type of each.
        outputs: shape of each.
        notes: what a reader should know.
        proof: as a piece of Markdown.
    """
    lines = [
        f"# {escaped(name)}",
        "",
        f"A Keras model, translated from {escaped(origin)}. It needs Keras 3, on any backend, and nothing else.",
        "",
        "```python",
        "from model import load_model",
        "",
        "model = load_model()",
        "```",
        "",
        "| file | what it is |",
        "|---|---|",
        "| `model.py` | the source: `build_model()`, and `load_model()` with the trained weights |",
        "| `model.weights.h5` | the trained weights |",
        "| `model.keras` | both in one, for `keras.saving.load_model`; import `model.py` first if it has classes |",
        "| `plan.toml` | which tensor of the source went where |",
        "| `test_parity.py`, `parity.npz` | compares the model with what the source gave, with pytest or by itself |",
        "",
        "| | name | shape | type |",
        "|---|---|---|---|",
        *(f"| input | {escaped(key)} | {_shape(shape)} | {dtype} |" for key, (shape, dtype) in inputs.items()),
        *(f"| output | {escaped(key)} | {_shape(shape)} | |" for key, shape in outputs.items()),
    ]
    if notes:
        lines += ["", "## What to know", "", *(f"- {escaped(note)}" for note in notes)]
    return "\n".join([*lines, "", proof])


def _shape(shape: OpenShape) -> str:
    first, *rest = ("open" if length is None else str(length) for length in shape) if shape else ("one number",)
    return ", ".join(["batch" if first == "open" else first, *rest])
