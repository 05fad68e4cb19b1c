"""Products with a matrix of the model's own, in front of the writing."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from homolog.passes.simpler import dense
from homolog.trace import PARAMETER, Trace
from passes.maps_last import traced


class Product(nn.Module):
    """A product of a matrix with a value, with a state of zeros, or with both."""

    def __init__(self, *, value: bool, state: bool) -> None:
        super().__init__()
        self.value, self.state = value, state
        self.kernel = nn.Parameter(torch.randn(5, 4))

    def forward(self, x: Tensor) -> Tensor:
        first = torch.zeros(1, 5) @ self.kernel if self.state else torch.zeros(1, 4)
        return x @ self.kernel + first if self.value else x[:, :4] + first


def kinds(trace: Trace) -> tuple[list[str], bool]:
    """The products, and whether a matrix is read by itself."""
    steps = list(trace.steps.values())
    products = [step.operator for step in steps if step.operator in ("linear", "matmul", "mm")]
    return products, any(step.operator == PARAMETER for step in steps)


def test_a_product_with_a_matrix_is_a_linear_layer() -> None:
    assert kinds(dense(traced(Product(value=True, state=False), 5))) == (["linear"], False)


def test_a_first_state_goes_through_the_layer_that_all_others_go_through() -> None:
    assert kinds(dense(traced(Product(value=True, state=True), 5))) == (["linear", "linear"], False)


def test_a_product_of_what_does_not_depend_on_the_inputs_is_no_layer() -> None:
    products, loose = kinds(dense(traced(Product(value=False, state=True), 5)))
    assert products in (["matmul"], ["mm"])
    assert loose
