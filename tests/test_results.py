"""Tensors out of whatever holds them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from homolog.results import taken_apart

A, B, C = (np.full((1,), value) for value in range(3))


@dataclass
class Output:
    state: object
    pooled: object = None
    past_key_values: object = None


def is_array(item: object) -> bool:
    return isinstance(item, np.ndarray)


def test_tensors_come_in_order_and_by_name() -> None:
    found = taken_apart({"x": A, "b": [B, (C, None)]}, is_array)

    assert dict(found.tensors) == {"x": A, "b.0": B, "b.1.0": C}
    assert list(found.tensors) == ["x", "b.0", "b.1.0"]
    assert found.left_out == ()


def test_a_single_tensor_and_none() -> None:
    assert list(taken_apart(A, is_array).tensors) == ["output"]
    assert not taken_apart(None, is_array).tensors


def test_dataclasses_are_taken_apart_and_caches_left_out() -> None:
    found = taken_apart((Output(A, None, (B, C)), True, "mode"), is_array)

    assert list(found.tensors) == ["0.state"]
    assert found.left_out == ("0.past_key_values (tuple)",)


def test_what_nobody_knows_is_said() -> None:
    assert taken_apart([A, object()], is_array).left_out == ("1 (object)",)
