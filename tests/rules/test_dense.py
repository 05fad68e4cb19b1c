"""Dense layers and embeddings."""

from __future__ import annotations

import numpy as np
import pytest

import homolog
from homolog.errors import Unsupported
from homolog.opening import open_network

from .laws import Laws, case, of


class TestDense(Laws):
    CASES = (
        case("Linear(5, 7)", "Dense(7)", (2, 5)),
        case("Linear(5, 7, bias=False)", "Dense(7, use_bias=False)", (2, 5)),
        case("Linear(5, 7)", "Dense(7)", (2, 3, 5), moved=False),
        case("Linear(5, 7, bias=False)", "Dense(7, use_bias=False)", (2, 3, 4, 5), moved=False),
        case("Embedding(11, 5)", "Embedding(11, 5)", (2, 3), ids=11),
        case("Embedding(11, 5, padding_idx=0)", "Embedding(11, 5)", (2, 3), ids=11),
        case("(Embedding(11, 5), Linear(5, 7))", "(Embedding(11, 5), Dense(7))", (2, 3), ids=11),
        case("Linear(5, 7)", "TimeDistributed(Dense(7))", (2, 3, 5), moved=False),
        case("(Linear(5, 7), Tanh())", "TimeDistributed(Dense(7, activation='tanh'))", (2, 3, 5), moved=False),
    )


class TestEinsum(Laws):
    CASES = (
        case("Linear(5, 7)", "EinsumDense('abc,cd->abd', (None, 7), bias_axes='d')", (2, 3, 5), moved=False),
        case("Linear(5, 7, bias=False)", "EinsumDense('...x,yx->...y', 7)", (2, 3, 5), moved=False),
        case(
            "(Linear(5, 28), Unflatten(-1, (7, 4)))",
            "EinsumDense('abc,cde->abde', (None, 7, 4), bias_axes='de')",
            (2, 3, 5),
            moved=False,
        ),
        case(
            "(Linear(5, 28), Unflatten(-1, (7, 4)))",
            "EinsumDense('abc,dec->abde', (None, 7, 4), bias_axes='ed')",
            (2, 3, 5),
            moved=False,
        ),
        case(
            "(Flatten(-2), Linear(30, 7), ReLU())",
            "EinsumDense('abcd,cde->abe', (None, 7), bias_axes='e', activation='relu')",
            (2, 3, 5, 6),
            moved=False,
        ),
    )


@pytest.mark.parametrize(
    ("equation", "shape", "bias_axes"),
    [
        ("abc,bcd->abd", (3, 7), None),  # another kernel for each place
        ("abc,bd->adc", (7, 5), None),  # over an axis that is not the last
        ("abc,cd->adb", (7, 3), None),  # the result is turned
        ("abc,cde->abde", (3, 7, 4), "e"),  # one bias for several features
    ],
)
def test_an_equation_that_is_no_linear_layer_is_refused(
    equation: str, shape: tuple[int, ...], bias_axes: str | None
) -> None:
    import keras

    entry = keras.Input((3, 5))
    layer = keras.layers.EinsumDense(equation, shape, bias_axes=bias_axes, name="layer")
    with pytest.raises(Unsupported, match="no linear layer") as caught:
        open_network(keras.Model(entry, layer(entry))).graph()
    assert caught.value.found == f"{equation}, bias_axes={bias_axes!r}"
    assert caught.value.where == "layer"


@pytest.mark.parametrize(
    ("layer", "inputs"),
    [
        ("EmbeddingBag(11, 4, mode='sum')", [np.array([[1, 5], [3, 4]])]),
        ("Bilinear(5, 3, 4)", [np.ones((2, 5), np.float32), np.ones((2, 3), np.float32)]),
    ],
)
def test_what_keras_has_not_is_copied_from_pytorch_to_pytorch(layer: str, inputs: list[np.ndarray]) -> None:
    from torch import nn

    source, target = (eval(f"Of({layer}, lambda given: given)", {**vars(nn), "Of": of()}) for _ in range(2))
    homolog.copy(source, into=target, inputs=inputs, run=False)
    for one, two in zip(source.parameters(), target.parameters(), strict=True):
        assert (one == two).all()
