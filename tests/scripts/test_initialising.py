"""Weights that PyTorch's modules do not bring of themselves begin as in Keras."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from homolog.scripts.translation import translate


def state_of(layers: str) -> dict[str, Any]:
    text = f"import keras\nfrom keras import layers as L\nmodel = keras.Sequential([{layers}])\nmodel.summary()\n"
    translation = translate(text)
    assert translation.left == ()
    written: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(translation.source, "written.py", "exec"), written)
    return {name: tensor.numpy() for name, tensor in written["model"].state_dict().items()}


def test_a_masked_recurrent_layer_begins_as_keras_has_it() -> None:
    state = state_of("keras.Input((7,)), L.Embedding(90, 11, mask_zero=True), L.LSTM(13)")
    bias = next(array for name, array in state.items() if name.endswith("bias"))
    np.testing.assert_array_equal(bias, np.repeat([0, 1, 0, 0], 13))
    recurrent = next(array for name, array in state.items() if "recurrent" in name).reshape(-1)
    assert np.square(recurrent).sum() == pytest.approx(13, rel=1e-4)  # orthonormal


def test_slopes_and_scales_begin_as_the_script_says() -> None:
    state = state_of("keras.Input((6,)), L.Dense(5), L.PReLU(), L.BatchNormalization(gamma_initializer='zeros')")
    assert state["p_re_lu.weight"].max() == 0
    assert state["batch_normalization.weight"].max() == 0
    assert state["batch_normalization.running_var"].min() == 1


def test_a_depthwise_kernel_is_drawn_by_kerass_count_of_its_inputs() -> None:
    state = state_of("keras.Input((9, 8, 30)), L.DepthwiseConv2D(5, depth_multiplier=4)")
    kernel = next(array for name, array in state.items() if name.endswith("weight"))
    assert np.abs(kernel).max() == pytest.approx((6 / (25 * 34)) ** 0.5, rel=0.02)
