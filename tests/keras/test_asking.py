"""Code that asks for the backend is told the model's own, and torch where it cannot go on with that."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import homolog
import keras
from homolog.errors import Unsupported
from homolog.keras.asking import asking


class Masked(keras.layers.Layer):
    """Hides other numbers on one backend than on all others."""

    def call(self, inputs: Any) -> Any:
        hidden = inputs[:, :1] > 0 if keras.config.backend() == "tensorflow" else inputs > 0
        return keras.ops.where(hidden, inputs, -2.5)


class Banded(keras.layers.Layer):
    """Calls TensorFlow where it is on it."""

    def call(self, inputs: Any) -> Any:
        if keras.backend.backend() == "tensorflow":
            import tensorflow

            return tensorflow.linalg.band_part(inputs, 1, 0)
        ones = keras.ops.ones(inputs.shape[1:])
        return inputs * (keras.ops.tril(ones) - keras.ops.tril(ones, -2))


class Bound(keras.layers.Layer):
    """Calls TensorFlow whatever it is told."""

    calls = 0

    def call(self, inputs: Any) -> Any:
        import tensorflow

        keras.config.backend()
        if not isinstance(inputs, keras.KerasTensor | tensorflow.Tensor):
            Bound.calls += 1
        return tensorflow.linalg.band_part(inputs, 1, 0)


def chain(*layers: keras.layers.Layer) -> keras.Model:
    entry = value = keras.Input((5, 4))
    for layer in layers:
        value = layer(value)
    return keras.Model(entry, value)


def test_a_layer_is_read_as_it_computes_on_the_models_own_backend() -> None:
    inside = chain(keras.layers.Dense(4), Masked())

    translation = homolog.translate(chain(keras.layers.Dense(4), inside, Masked()), to="torch")

    assert translation.proof.passed, translation.proof


def test_a_layer_that_calls_its_backend_is_read_as_it_computes_on_torch() -> None:
    translation = homolog.translate(chain(keras.layers.Dense(4), Banded(), Masked()), to="torch")

    assert translation.proof.passed, translation.proof
    assert translation.source.count("nn.Linear") == 1


def test_a_length_that_the_failed_call_took_for_a_number_stays_open() -> None:
    class Counted(keras.layers.Layer):
        def call(self, inputs: Any) -> Any:
            if keras.config.backend() == "tensorflow":
                import tensorflow

                band = keras.ops.cast(keras.ops.minimum(keras.ops.shape(inputs)[1], 2), "int32")
                return tensorflow.linalg.band_part(inputs, band, band)
            return keras.ops.tril(keras.ops.triu(inputs, -2), 2)

    entry = keras.Input((None, 4))
    model = keras.Model(entry, Counted()(keras.layers.Dense(9)(entry)))

    translation = homolog.translate(model, to="torch")

    assert translation.proof.passed, translation.proof
    assert [step.shape for step in translation.draft.trace.inputs] == [(None, None, 4)]


def test_what_fails_with_both_answers_is_refused_and_tried_twice_at_most() -> None:
    model = chain(keras.layers.Dense(4), chain(Masked(), Bound()))
    Bound.calls = 0

    with pytest.raises(Unsupported, match=r"torch\.export cannot trace"):
        homolog.translate(model, to="torch")

    assert Bound.calls == 2


def test_the_answer_is_own_first_then_torch_then_own_again() -> None:
    told: list[str] = []
    paths = {"b"}

    def call(value: int, *, scale: int = 3) -> int:
        told.append(keras.config.backend())
        if told[-1] != "torch":
            raise TypeError("no such tensor")
        return value * scale

    with asking(paths) as answer:
        tried = answer.tried("a", call)
        assert tried(7, scale=2) == 14
        told.append(keras.backend.backend())
        assert tried(5) == answer.tried("b", call)(5) == 15

    assert told == ["tensorflow", "torch", "tensorflow", "torch", "torch"]
    assert paths == {"a", "b"}
    assert list(inspect.signature(tried).parameters) == ["value", "scale"]


def test_a_call_that_has_not_asked_is_not_made_again() -> None:
    calls: list[int] = []

    def call() -> None:
        calls.append(1)
        raise ValueError("wrong in itself")

    with asking(set()) as answer, pytest.raises(ValueError, match="wrong in itself"):
        answer.tried("a", call)()

    assert calls == [1]


def test_what_failed_twice_is_not_tried_again_by_the_layer_around_it() -> None:
    calls: list[str] = []

    def inner() -> None:
        calls.append(keras.config.backend())
        raise ValueError(f"failed on {calls[-1]}")

    with asking(set()) as answer, pytest.raises(ValueError, match="failed on torch"):
        answer.tried("a", answer.tried("b", inner))()

    assert calls == ["tensorflow", "torch"]


def test_keras_answers_itself_again_behind_it() -> None:
    before = keras.config.backend, keras.backend.backend

    with asking(set()):
        pass

    assert (keras.config.backend, keras.backend.backend) == before
    assert keras.config.backend() == "tensorflow"
