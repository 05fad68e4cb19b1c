"""The text of ``test_parity.py``, which stands beside a written module and needs PyTorch and numpy alone."""

from __future__ import annotations

PARITY = '''"""The network gives what its source gave: {origin}, on the inputs in parity.npz.

Needs PyTorch, safetensors and numpy alone. The bound is what float32 may lose between two orders of summation.
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
    with torch.no_grad():
        given = load_model()(*inputs)
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


def parity(origin: str, atol: float, rtol: float) -> str:
    """The text of ``test_parity.py``."""
    return PARITY.format(origin=origin, atol=atol, rtol=rtol)
