"""The text of ``test_parity.py``, which stands beside a written model and needs Keras and numpy alone."""

from __future__ import annotations

PARITY = '''"""The model gives what its source gave: {origin}, on the inputs in parity.npz.

Needs Keras and numpy alone. {bound}
"""

from pathlib import Path
{imports}
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
    {run}
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

RUN = "given = load_model()(inputs[0] if len(inputs) == 1 else inputs, training=False)"
WIDE = """if keras.backend.result_type("float64", "float64") != "float64":
        raise SkipTest("Keras computes in float64 on TensorFlow: KERAS_BACKEND=tensorflow")
    floatx, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    try:
        given = load_model()(inputs[0] if len(inputs) == 1 else inputs, training=False)
    finally:
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(policy)"""
NARROW_BOUND = "The bound is what float32 may lose between two orders of summation."
WIDE_BOUND = """Both are compared in float64: in float32 this network magnifies
rounding until that is what its outputs show."""
SKIPPING = "from unittest import SkipTest\n"


def parity(origin: str, atol: float, rtol: float, wide: bool = False) -> str:
    """The text of ``test_parity.py``.

    Args:
        origin: name of the source.
        atol, rtol: how far outputs may lie apart.
        wide: whether the model runs in float64.
    """
    bound, run, imports = (WIDE_BOUND, WIDE, SKIPPING) if wide else (NARROW_BOUND, RUN, "")
    return PARITY.format(origin=origin, atol=atol, rtol=rtol, bound=bound, run=run, imports=imports)
