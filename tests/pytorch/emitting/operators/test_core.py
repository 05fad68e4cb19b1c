"""That all is written that the other wing writes, and that what is not is said with its place."""

from __future__ import annotations

import pytest
import torch
from tests.keras.emitting.operators.test_core import COMPOSITE, TAKEN_APART
from tests.pytorch.emitting.again import One, again, drawn, plain

from homolog.errors import Unsupported
from homolog.keras.emitting.operators import WRITERS as OF_KERAS
from homolog.pytorch.emitting.operators import WRITERS

UNKNOWN_TO_KERAS = {"max_unpool2d"}
"""Neither a layer nor an operation of Keras comes to these."""


def test_every_operator_is_written_that_is_written_for_keras() -> None:
    assert set(OF_KERAS) - UNKNOWN_TO_KERAS <= set(WRITERS)


@pytest.mark.parametrize("name", TAKEN_APART)
def test_taken_apart(name: str) -> None:
    plain(TAKEN_APART[name])


@pytest.mark.parametrize("name", COMPOSITE)
def test_composite_operators(name: str) -> None:
    plain(COMPOSITE[name])


def test_all_that_is_not_written_is_listed() -> None:
    with pytest.raises(Unsupported, match="lgamma") as found:
        again(One(lambda x: torch.lgamma(x) + torch.digamma(x)), drawn())
    assert "digamma (1×)" in str(found.value)
