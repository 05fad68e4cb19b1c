"""The text of ``test_parity.py``, which stands beside a written module and needs PyTorch and numpy alone."""

from __future__ import annotations

PARITY = '''"""The network gives what its source gave: {origin}, on the inputs in parity.npz.

Needs PyTorch, safetensors and numpy alone. {bound}
"""

from pathlib import Path

import numpy as np
import torch
from model import load_model

STORED = Path(__file__).with_name("parity.npz")
ATOL, RTOL = {atol!r}, {rtol!r}


def test_parity():
    """Every output, for every row."""
    stored = np.load(STORED)
    inputs = [torch.from_numpy(stored[name]) for name in stored.files if name.startswith("input")]
    expected = [stored[name] for name in stored.files if name.startswith("output")]
    {run}
    given = list(given.values()) if isinstance(given, dict) else given
    given = list(given) if isinstance(given, (list, tuple)) else [given]
    assert len(given) == len(expected)
    for ours, theirs in zip(given, expected):
        ours = ours.numpy()
        assert ours.shape == theirs.shape
        if theirs.size:
            apart = np.abs(ours.astype(np.float64) - theirs.astype(np.float64)).max()
            assert apart <= ATOL + RTOL * np.abs(theirs.astype(np.float64)).max(), apart


if __name__ == "__main__":
    test_parity()
    print("the same as its source")
'''

RUN = """with torch.no_grad():
        given = load_model()(*inputs)"""
WIDE = """before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with torch.no_grad():
            given = load_model().double()(*inputs)
    finally:
        torch.set_default_dtype(before)"""
NARROW_BOUND = "The bound is what float32 may lose between two orders of summation."
WIDE_BOUND = """Both are compared in float64: in float32 this network
magnifies rounding until that is what its outputs show."""


def parity(origin: str, atol: float, rtol: float, wide: bool = False) -> str:
    """The text of ``test_parity.py``.

    Args:
        origin: name of the source.
        atol, rtol: how far outputs may lie apart.
        wide: whether the module runs in float64.
    """
    bound, run = (WIDE_BOUND, WIDE) if wide else (NARROW_BOUND, RUN)
    return PARITY.format(origin=origin, atol=atol, rtol=rtol, bound=bound, run=run)
