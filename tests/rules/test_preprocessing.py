"""Layers that bring inputs into range: statistics that were adapted, constants, and a plain scale."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import homolog
from homolog.opening import open_network


def model(**settings: Any) -> Any:
    import keras

    entry = keras.Input((3, 5))
    return keras.Model(entry, keras.layers.Normalization(name="norm", **settings)(entry))


@pytest.mark.parametrize("settings", [{}, {"axis": (1, 2)}, {"axis": None}, {"invert": True}])
def test_statistics_are_copied(settings: dict[str, Any], tmp_path: Any) -> None:
    source, target = model(**settings), model(**settings)
    random = np.random.default_rng(3)
    for weight in source.weights[:2]:
        weight.assign(random.uniform(0.5, 2, weight.shape))
    source.get_layer("norm").finalize_state()
    source.save(tmp_path / "source.keras")
    x = random.normal(size=(2, 3, 5))
    for given in (source, tmp_path / "source.keras"):
        copied = homolog.copy(given, into=target, run=False)
        assert [row.target for row in copied.plan.rows] == ["norm/mean", "norm/variance"]
        assert {item.reason for item in copied.plan.ignored} == {"how many samples the statistics were taken from"}
        for one, two in zip(source.weights[:2], target.weights[:2], strict=True):
            np.testing.assert_array_equal(one, two)
    target.get_layer("norm").finalize_state()
    np.testing.assert_array_equal(target(x), source(x))


def test_constants_are_settings() -> None:
    node = open_network(model(mean=[1.0] * 5, variance=[2.0] * 5)).graph().nodes["norm"]
    assert not node.weights
    assert node.fields["constant_mean"] == node.fields["constant_mean"] == (1.0,) * 5


def test_a_scale_is_a_setting() -> None:
    import keras

    entry = keras.Input((3, 5))
    layer = keras.layers.Rescaling(1 / 255, [0.5] * 5, name="scale")
    node = open_network(keras.Model(entry, layer(entry))).graph().nodes["scale"]
    assert (node.kind, node.fields["scale"], node.fields["offset"]) == ("rescaling", 1 / 255, (0.5,) * 5)
