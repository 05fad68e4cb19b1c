"""Numbers picked by their places, and put there."""

from __future__ import annotations

import numpy as np
import pytest
from tests.keras.emitting.operators.test_indexing import PICKS
from tests.pytorch.emitting.again import OF, ROUNDING, apart, behind, same


@pytest.mark.parametrize("name", PICKS)
def test_picked(name: str) -> None:
    function, given = PICKS[name]
    same(function, *given)


def test_numbers_put_at_places_of_a_later_axis() -> None:
    import torch

    places = torch.tensor([2, 0, -1])

    def put(x: torch.Tensor) -> torch.Tensor:
        x = x.clone()
        x[:, :, places] = x[:, :, :3].cos()
        return x

    behind(put)


def test_every_row_by_its_own_number() -> None:
    import torch

    module = OF[1](lambda x, places: x[torch.arange(x.shape[0]), places])
    random = np.random.default_rng(0)
    given = random.standard_normal((2, 5, 3)).astype(np.float32), np.array([4, 0])
    assert apart(module, *given) <= ROUNDING
