"""One value or another, and other element types."""

from __future__ import annotations

import pytest
import torch
from tests.keras.emitting.operators.test_selection import ANY
from tests.pytorch.emitting.again import behind, plain


@pytest.mark.parametrize("name", ANY)
def test_any(name: str) -> None:
    plain(ANY[name])
    behind(ANY[name])


@pytest.mark.parametrize("dtype", ["int64", "bool"])
def test_other_types(dtype: str) -> None:
    plain(lambda x: [x.float(), x.bool(), x.long(), x.to(torch.int32), torch.where(x > 0, x, 0)], dtype)
