"""The text of ``test_parity.py``, which stands beside a written model and needs Keras and numpy alone."""

from __future__ import annotations

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
