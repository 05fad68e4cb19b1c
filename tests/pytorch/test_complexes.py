"""Complex numbers are refused where nobody writes what gives them, and where they are an output."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.pytorch.emitting.again import One

from homolog.errors import Unsupported
from homolog.graph import Value
from homolog.keras.emitting.registry import WRITERS
from homolog.pytorch.complexes import refuse_outputs, refuse_step
from homolog.pytorch.program import trace
from homolog.trace import Step

STEP = Step("rfft_1", "fft_rfft", where="model.py:7", dtypes=("complex64",))
PAIR = Step("frexp", "frexp", dtypes=("float32", "complex128"))


@pytest.mark.parametrize("written", [(), ("add", "mul"), ("fft_rfft", "to"), ("complex", "real")])
def test_a_step_that_nobody_writes_is_refused_with_its_place(written: Collection[str]) -> None:
    with pytest.raises(Unsupported, match="computes with complex numbers") as caught:
        refuse_step(STEP, written)

    assert (caught.value.where, caught.value.found) == ("model.py:7", "fft_rfft")


def test_any_of_several_results_counts() -> None:
    with pytest.raises(Unsupported, match="computes with complex numbers") as caught:
        refuse_step(PAIR, ())

    assert caught.value.where == "frexp"


def test_what_is_written_or_real_is_not_refused() -> None:
    real = replace(STEP, dtypes=("float64", ""))

    assert [refuse_step(STEP, {"fft_rfft", "complex"}), refuse_step(real, ())] == [None, None]


def test_an_output_is_refused_and_its_real_neighbour_is_not() -> None:
    steps = {"frexp": PAIR}

    refuse_outputs(steps, [Value("frexp", 0), 3, None])
    with pytest.raises(Unsupported, match="gives complex numbers") as caught:
        refuse_outputs(steps, [Value("frexp", 0), Value("frexp", 1)])

    assert (caught.value.where, caught.value.found) == ("frexp", "complex128")


def cast(x: torch.Tensor) -> torch.Tensor:
    return (x.to(torch.complex64) ** 2).real


def product(x: torch.Tensor) -> torch.Tensor:
    return (x * 1j).abs()


@pytest.mark.parametrize(("function", "operator"), [(cast, "to"), (product, "mul")])
def test_an_operator_that_is_written_for_real_numbers_is_refused_towards_keras(
    function: Callable[[torch.Tensor], torch.Tensor], operator: str
) -> None:
    with pytest.raises(Unsupported, match="computes with complex numbers") as caught:
        trace(One(function), [np.ones((2, 3), np.float32)], written=WRITERS)

    assert caught.value.found == operator
