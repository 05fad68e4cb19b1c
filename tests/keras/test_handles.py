"""Variables made by one kernel: the same variables, and TensorFlow as it was behind them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
import pytest

import keras
from homolog.keras.handles import ONE, quick_handles


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names that the operator is called with, one for each variable."""
    operators = import_module("tensorflow.python.ops.gen_resource_variable_ops")
    plain, names = operators.var_handle_op, []

    def noted(*args: Any, **kwargs: Any) -> Any:
        names.append(kwargs["debug_name"])
        return plain(*args, **kwargs)

    monkeypatch.setattr(operators, "var_handle_op", noted)
    return names


def test_all_are_made_with_one_name_and_keep_their_own(made: list[str]) -> None:
    with quick_handles():
        one = keras.Variable(np.ones((2, 3), np.float32), name="one")
        other = keras.Variable(np.zeros((2, 3), np.float32), name="other")
    assert made == [ONE, ONE]
    assert [one.name, other.name] == ["one", "other"]
    one.assign(np.full((2, 3), 5, np.float32))
    assert (one.numpy() == 5).all() and (other.numpy() == 0).all()  # two, of the same shape and type


def test_behind_it_each_has_its_own_name_again(made: list[str]) -> None:
    with pytest.raises(ZeroDivisionError), quick_handles():
        raise ZeroDivisionError
    keras.Variable(np.ones(3, np.float32), name="later")
    assert "later" in made[0] and made[0] != ONE
