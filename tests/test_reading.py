"""Two networks tell each other the shapes of their inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from homolog.errors import Mismatch, Unsupported
from homolog.network import open_network
from homolog.reading import customary, examples, read_both, reordered, vocabulary
from homolog.signature import FREE_LENGTH
from twins import PAIRS


def both(name: str, first: str = "torch") -> Any:
    pair = PAIRS[name]
    models = (pair.torch(), pair.keras()) if first == "torch" else (pair.keras(), pair.torch())
    return read_both(*map(open_network, models))


@pytest.mark.parametrize("first", ["torch", "keras"])
@pytest.mark.parametrize(("name", "shape"), [("digits", (1, 18, 14)), ("vgg", (3, 9, 8)), ("sequence", (4, 11))])
def test_pytorch_learns_its_shapes_from_keras(name: str, shape: tuple[int, ...], first: str) -> None:
    graphs = both(name, first)
    torch = graphs[0] if first == "torch" else graphs[1]

    assert torch.framework == "pytorch"
    assert torch.inputs[0].shapes[0][1:] == shape


def test_two_inputs_keep_their_order() -> None:
    left, right = both("two_in_two_out")

    assert [node.shapes[0][1:] for node in left.inputs] == [(3, 5, 4), (5,)]
    assert [node.shapes[0][1:] for node in right.inputs] == [(5, 4, 3), (5,)]


def test_ids_are_ids() -> None:
    left, right = both("text")

    assert left.inputs[0].fields["dtype"] == "int64"
    assert vocabulary(right, right.inputs[0]) == 50
    assert vocabulary(both("vgg")[1], both("vgg")[1].inputs[0]) is None


def test_shapes_that_are_given_are_taken() -> None:
    pair = PAIRS["digits"]
    given = [np.zeros((5, 1, 18, 14), np.float32)]

    left, _ = read_both(open_network(pair.torch()), open_network(pair.torch()), given)

    assert left.inputs[0].shapes == ((None, 1, 18, 14),)
    with pytest.raises(Mismatch, match="number of inputs"):
        read_both(open_network(pair.torch()), open_network(pair.torch()), given * 2)


def test_two_that_must_be_traced_and_say_nothing() -> None:
    pair = PAIRS["vgg"]
    models = [open_network(pair.torch()) for _ in range(2)]

    with pytest.raises(Unsupported, match="--input"):
        read_both(*models)
    assert all(graph.wired for graph in read_both(*models, [np.zeros((1, 3, 9, 8), np.float32)]))


def test_free_lengths_get_a_number_where_a_model_must_be_run() -> None:
    import keras

    inputs = keras.Input((None, None, 3))
    graph = open_network(keras.Model(inputs, keras.layers.Conv2D(4, 3)(inputs))).graph()

    (example,) = examples(graph).values()

    assert example.shape == (2, 3, FREE_LENGTH[4], FREE_LENGTH[4])


def test_axes_are_reordered_by_their_labels() -> None:
    last = ((("n", None),), (("h", 5),), (("w", 4),), (("c", 3),))
    first = (last[0], last[3], last[1], last[2])

    assert reordered((None, 5, 4, 3), last, first) == (None, 3, 5, 4)
    assert reordered((None, 5, 4, 3), last, None) == (None, 5, 4, 3)
    assert reordered((None, 5), last, first) == (None, 5)
