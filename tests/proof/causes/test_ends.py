"""What is done to the inputs or the outputs in one of two networks only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from scipy import special

from homolog.graph import Graph, Label, Node, Value
from homolog.keras.framework import require
from homolog.plan import Plan
from homolog.proof.cause import KINDS, Cause
from homolog.proof.causes.ends import DEVIATION, MEAN, causes
from homolog.proof.subjects import Subjects
from proof.nets import Function, keras_chain, subjects_of, torch_chain

Array = np.ndarray[Any, Any]
Ends = Callable[[Array], Array]
RANDOM = np.random.default_rng(5)
KERNEL = RANDOM.standard_normal((6, 5)) / 2
IMAGES = RANDOM.standard_normal((3 * 4 * 5, 6)) / 4
CHANNELS_FIRST: tuple[Label, ...] = ((("n", None),), (("c", 3),), (("h", 4),), (("w", 5),))


def table(*, dtype: str = "float32") -> Graph:
    entry = Node("in", "input", {"dtype": dtype}, shapes=((None, 6),))
    return Graph("pytorch", {"in": entry}, (Value("in"),))


def images(*, last: bool = False) -> Graph:
    """Of a network of images, channels first or last."""
    order = (0, 2, 3, 1) if last else (0, 1, 2, 3)
    labels = tuple(CHANNELS_FIRST[place] for place in order)
    shape = (None, *((3, 4, 5)[place - 1] for place in order[1:]))
    entry = Node("in", "input", shapes=(shape,), labels=(labels,))
    return Graph("keras" if last else "pytorch", {"in": entry}, ())


def logits(x: Array) -> Array:
    return np.tanh(x @ KERNEL) @ KERNEL.T


def seen(x: Array) -> Array:
    return np.tanh(x.reshape(len(x), -1) @ IMAGES)


def said(
    one: Callable[[Array], Sequence[Array] | Array],
    two: Callable[[Array], Sequence[Array] | Array],
    graphs: tuple[Graph, Graph] | None = None,
) -> list[Cause]:
    def several(function: Callable[[Array], Sequence[Array] | Array]) -> Any:
        def run(x: Array) -> Sequence[Array]:
            found = function(x.astype(np.float64))
            return [array.astype(np.float32) for array in (found if isinstance(found, list) else [np.asarray(found)])]

        return Function(run)

    ours, theirs = graphs or (table(), table())
    found = causes(Subjects(several(one), several(two), ours, theirs, Plan(())))
    assert all(cause.kind in KINDS and cause.tried and cause.help for cause in found)
    assert all((cause.source, cause.target) == ("", "") for cause in found)
    return found


def softmax(x: Array) -> Array:
    return np.asarray(special.softmax(x, -1))


@pytest.mark.parametrize("missing", ["first", "second"])
@pytest.mark.parametrize(
    ("end", "kind", "words"),
    [
        (softmax, "softmax", "ends with a softmax,"),
        (lambda x: special.log_softmax(x, -1), "softmax", "ends with a logarithm of softmax,"),
        (special.expit, "activation", "ends with a sigmoid,"),
        (np.tanh, "activation", "ends with a tanh,"),
        (lambda x: np.maximum(x, 0), "activation", "ends with a relu,"),
    ],
)
def test_what_one_network_ends_without(missing: str, end: Ends, kind: str, words: str) -> None:
    sides: list[Any] = [logits, lambda x: end(logits(x))]

    (cause,) = said(*(sides if missing == "first" else sides[::-1]))

    having = "second" if missing == "first" else "first"
    assert cause.kind == kind
    assert cause.words.startswith(f"{kind}: the {having} network {words}")
    assert cause.words.endswith(f"the {missing} without")
    assert f"behind the {missing} both agree" in cause.tried


def scaled(factor: float, shift: float) -> Callable[[Array], Array]:
    """A network that takes its input so before anything else."""
    return lambda x: logits(x * factor + shift)


@pytest.mark.parametrize("does", ["first", "second"])
@pytest.mark.parametrize(
    ("factor", "shift", "words"),
    [
        (1 / 255, 0, "divides its input by 255"),
        (1 / 127.5, -1, "takes its input from 0 … 255 to -1 … 1"),
        (2, -1, "takes its input from 0 … 1 to -1 … 1"),
        (-1, 0, "turns its input's sign"),
    ],
)
def test_an_input_that_one_network_rescales(does: str, factor: float, shift: float, words: str) -> None:
    sides: list[Any] = [scaled(factor, shift), logits]

    (cause,) = said(*(sides if does == "first" else sides[::-1]))

    assert cause.kind == "preprocessing"
    assert words in cause.words
    assert factor == -1 or cause.words.startswith(f"preprocessing: the {does} network")


@pytest.mark.parametrize("does", ["first", "second"])
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("most", [1.0, 255.0])
def test_images_that_one_network_normalises(does: str, last: bool, most: float) -> None:
    place = (1, 1, 1, 3) if last else (1, 3, 1, 1)
    mean, deviation = MEAN.reshape(place), DEVIATION.reshape(place)
    sides: list[Any] = [lambda x: seen((x / most - mean) / deviation), seen]

    (cause,) = said(*(sides if does == "first" else sides[::-1]), (images(last=last),) * 2)

    assert cause.kind == "preprocessing"
    assert cause.words.startswith(f"preprocessing: the {does} network normalises")
    assert ("dividing by 255" in cause.words) == (most == 255)


@pytest.mark.parametrize("last", [False, True])
def test_channels_in_reverse(last: bool) -> None:
    axis = 3 if last else 1

    (cause,) = said(seen, lambda x: seen(np.flip(x, axis)), (images(last=last),) * 2)

    assert cause.kind == "channel order"
    assert "BGR" in cause.words


def test_rows_in_reverse_are_no_channels() -> None:
    assert not said(seen, lambda x: seen(x[:, :, ::-1]), (images(), images()))


@pytest.mark.parametrize(
    "other",
    [
        lambda x: np.sin(x @ KERNEL) @ KERNEL.T,
        lambda x: logits(x) * 2,
        lambda x: logits(x) + 1,
        lambda x: logits(x * 3),
        lambda x: logits(x)[:, ::-1],
        lambda x: special.softmax(logits(x), 0),
        lambda x: logits(x)[:, :3],
        lambda x: logits(x) * np.nan,
        lambda x: softmax(logits(x) * 1.01),
        lambda x: np.tanh(logits(x)) * 1.001,
        lambda x: logits(x / 250),
    ],
)
def test_what_is_no_such_thing_is_not_named(other: Callable[[Array], Array]) -> None:
    assert not said(logits, other)
    assert not said(other, logits)


@pytest.mark.parametrize("error", [0.0, 1e-7, 5e-5])
def test_outputs_that_are_nearly_equal_lack_nothing(error: float) -> None:
    """A small error of another cause would be agreement with any guess that does little."""
    positive = [lambda x: np.abs(logits(x)), lambda x: np.abs(logits(x)) * (1 + error)]

    assert not said(*positive)


def test_every_output_counts() -> None:
    two: Any = [lambda x: [logits(x), logits(x * 2)], lambda x: [softmax(logits(x)), logits(x * 2)]]
    both: Any = [two[0], lambda x: [softmax(logits(x)), softmax(logits(x * 2))]]

    assert not said(*two)
    assert said(*both)[0].kind == "softmax"


def test_an_output_that_is_saturated_is_tried_on_small_inputs() -> None:
    """On the larger inputs relu and sigmoid of it are the same."""
    high = [lambda x: 60 * np.sign(x[:, :2]) * (np.abs(x[:, :2]) > 0.5) + x[:, 2:4] * (np.abs(x[:, 2:4]) < 0.4)]

    assert [cause.words.split("a ")[1] for cause in said(high[0], lambda x: special.expit(high[0](x)))] == [
        "sigmoid, the first without"
    ]


def test_ids_are_not_rescaled() -> None:
    graphs = (table(dtype="int64"), table(dtype="int64"))

    assert not said(lambda x: logits(x * RANDOM.standard_normal(6)), scaled(1 / 255, 0), graphs)


def twins(*, torch_ends: bool, keras_ends: bool, scale: bool = False) -> tuple[Any, Any]:
    from torch import nn

    layers = require().layers
    one = torch_chain(
        nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(80, 6), *([nn.Softmax(-1)] if torch_ends else [])
    )
    two = keras_chain(
        (6, 7, 3),
        *([layers.Rescaling(1 / 255)] if scale else []),
        layers.Conv2D(4, 3, activation="relu", name="conv"),
        layers.Flatten(),
        layers.Dense(6, activation="softmax" if keras_ends else None),
    )
    return one, two


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("ends", [(True, False), (False, True)])
def test_a_softmax_of_one_framework(back: bool, ends: tuple[bool, bool]) -> None:
    pair = twins(torch_ends=ends[0], keras_ends=ends[1])

    (cause,) = causes(subjects_of(*(pair[::-1] if back else pair)))

    assert cause.kind == "softmax"
    assert f"the {'first' if ends[0] != back else 'second'} network ends with" in cause.words


@pytest.mark.parametrize("back", [False, True])
def test_a_rescaling_of_one_framework(back: bool) -> None:
    pair = twins(torch_ends=False, keras_ends=False, scale=True)

    (cause,) = causes(subjects_of(*(pair[::-1] if back else pair)))

    assert cause.words.startswith(
        f"preprocessing: the {'first' if back else 'second'} network divides its input by 255"
    )


@pytest.mark.parametrize("back", [False, True])
def test_a_kernel_for_bgr(back: bool) -> None:
    one, two = twins(torch_ends=False, keras_ends=False)
    subjects = subjects_of(*((two, one) if back else (one, two)))
    kernel = two.get_layer("conv").kernel
    kernel.assign(np.asarray(kernel)[:, :, ::-1])

    (cause,) = causes(subjects)

    assert cause.kind == "channel order"
    assert not causes(subjects_of(*((two, one) if back else (one, two))))
