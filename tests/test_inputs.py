"""What a user gives as inputs: one, several, arrays, tensors, shapes, with open lengths, or something else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from homolog.errors import Usage
from homolog.inputs import Sized, arrays_of, entries_of, given_by, open_axes
from homolog.network import Network
from homolog.signature import OPEN_AS

ARRAY = np.arange(6.0, dtype=np.float32).reshape(2, 3)


@pytest.fixture
def network() -> Network:
    return Network("a network", make=lambda: pytest.fail("it was built"))


def test_an_array_by_itself_is_one_input() -> None:
    (entry,) = entries_of(ARRAY)
    assert np.array_equal(entry, ARRAY)


@pytest.mark.parametrize("trained", [False, True])
def test_a_tensor_of_a_framework_is_an_array(trained: bool) -> None:
    tensor = torch.from_numpy(ARRAY.copy()).requires_grad_(trained)
    for given in (tensor, [tensor], {"x": tensor}):
        entries = entries_of(given)
        (entry,) = entries.values() if isinstance(entries, dict) else entries
        assert isinstance(entry, np.ndarray)
        assert np.array_equal(entry, ARRAY)


@pytest.mark.parametrize("given", [(2, 3, 5), [2, 3, 5], [(2, 3, 5)], [[2, 3, 5]], Sized((2, 3, 5))])
def test_a_shape_by_itself_is_one_input(given: Any) -> None:
    assert entries_of(given) == [Sized((2, 3, 5))]


def test_several_shapes_are_several_inputs() -> None:
    assert entries_of([(2, 3), (2, 5, None)]) == [Sized((2, 3)), Sized((2, 5, None))]


def test_names_of_savez_are_places() -> None:
    entries = entries_of({"arr_1": ARRAY, "arr_0": 2 * ARRAY})
    assert isinstance(entries, list)
    assert [entry[0, 1] for entry in entries if isinstance(entry, np.ndarray)] == [2, 1]


@pytest.mark.parametrize("given", ["1,3", 5, [(2, 0)], [(2, -3)], [object()], {"x": "1,3"}, [(2, 3.5)], object()])
def test_what_is_neither_an_array_nor_a_shape_is_refused_with_what_it_is(given: Any) -> None:
    with pytest.raises(Usage, match="neither an array nor a shape") as refused:
        entries_of(given)
    assert refused.value.found
    assert refused.value.help


def test_shapes_become_zeros_of_their_type_with_a_length_for_what_is_open(network: Network) -> None:
    images, ids = arrays_of([(2, 3, None), Sized((None, 7), "int64")], network)
    assert (images.shape, images.dtype, images.any()) == ((2, 3, OPEN_AS), np.float32, np.False_)
    assert (ids.shape, ids.dtype) == ((1, 7), np.int64)


def test_open_lengths_are_those_behind_the_batch() -> None:
    assert open_axes([(None, 3, None, None), (2, 5), ARRAY]) == {0: (2, 3)}
    assert open_axes({"ids": (None, None), "mask": (1, 4)}) == {"ids": (1,)}
    assert open_axes((1, 3, None, 8)) == {0: (2,)}


def test_arrays_are_run_on_and_shapes_are_not() -> None:
    assert given_by(None) is None
    assert given_by((2, 3)) is None
    (only,) = given_by(ARRAY) or ()
    assert only is ARRAY
    assert list(given_by({"x": ARRAY}) or ()) == ["x"]


def test_arrays_beside_shapes_are_refused() -> None:
    with pytest.raises(Usage, match="some are shapes"):
        given_by([ARRAY, (2, 3)])
