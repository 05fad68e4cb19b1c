"""What is known of a tensor before it is read."""

from __future__ import annotations

import numpy as np
import pytest

from homolog import tensors
from homolog.errors import Unreadable
from homolog.tensors import WIDTHS, TensorRef, dtype_of, same_bits, width_of


@pytest.mark.parametrize("dtype", [*WIDTHS, "float8_e4m3fn", "int4"])
def test_the_bytes_of_an_element_are_those_that_numpy_gives_it(dtype: str) -> None:
    assert width_of(dtype) == dtype_of(dtype).itemsize
    assert TensorRef("w", (3, 5), dtype, lambda: np.zeros((3, 5))).nbytes == 15 * dtype_of(dtype).itemsize


def test_an_element_that_nobody_knows_has_no_bytes() -> None:
    with pytest.raises(Unreadable, match="float7"):
        width_of("float7")


@pytest.mark.parametrize("turned", [False, True])
def test_one_bit_anywhere_in_a_long_array_is_seen(monkeypatch: pytest.MonkeyPatch, turned: bool) -> None:
    monkeypatch.setattr(tensors, "SLAB", 64)
    one = np.arange(35, dtype=np.float32).reshape(7, 5)
    one = one.T if turned else one

    assert same_bits(one, one.copy())
    for place in np.ndindex(one.shape):
        other = one.copy()
        other[place] = -other[place] if other[place] else np.float32(-0.0)
        assert not same_bits(one, other), place
