"""Shapes that are told without values, against NumPy's own."""

from __future__ import annotations

import libcst as cst
import numpy as np
import pytest

from homolog.scripts.interpreter import Interpreter
from homolog.scripts.values import Array, Name, Unknown

EXPRESSIONS = """
np.expand_dims(x, -1)
np.expand_dims(x, axis=1)
x.reshape(-1, 42)
x.reshape((5, 6, 7, 1)).astype("float32") / 255
np.reshape(x, (len(y), 42))
x[..., np.newaxis]
x[:, :4]
x[2]
x[1:4, 2]
x.T
np.transpose(x, (0, 2, 1))
x.mean(axis=1)
np.sum(x, 0)
np.concatenate([x, x], axis=2)
np.stack([x, x], axis=-1)
np.zeros((3, 4))
np.random.rand(4, 2)
np.clip(x + 1.0, 0.0, 1.0)
x.flatten()
y[:, None]
-y * 2
""".strip().splitlines()


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_shapes_are_numpys(text: str) -> None:
    wanted = eval(text, {"np": np, "x": np.arange(210).reshape(5, 6, 7), "y": np.arange(5)})
    scope = {"np": Name("numpy"), "x": Array((5, 6, 7), "int"), "y": Array((5,), "int")}
    found = Interpreter().value(cst.parse_expression(text), scope)
    assert isinstance(found, Array)
    assert found.shape is not None
    assert len(found.shape) == wanted.ndim
    assert all(one in (None, other) for one, other in zip(found.shape, wanted.shape, strict=True))


@pytest.mark.parametrize("text", ["x[y > 2]", "x.reshape(n, -1)", "np.load('file')", "x.shape[0]", "np.argmax(x)"])
def test_what_is_not_known_is_not_guessed(text: str) -> None:
    scope = {"np": Name("numpy"), "x": Array((None, 6)), "y": Array((5,)), "n": Unknown()}
    found = Interpreter().value(cst.parse_expression(text), scope)
    assert isinstance(found, Unknown) or found.shape is None or found.shape[0] is None
