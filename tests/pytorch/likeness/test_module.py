"""A Keras model computed by PyTorch gives what Keras gives, layer by layer; its trace has the model's own names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import keras
from homolog.errors import Unsupported
from homolog.keras.likeness import likeness
from homolog.pytorch.likeness import trace
from homolog.pytorch.likeness.amended import AMENDED
from homolog.pytorch.likeness.module import _module, _unit
from homolog.transforms import apply
from keras import layers as L
from keras import ops

Shape = tuple[int | None, ...]


def randomised(model: keras.Model, seed: int = 5) -> keras.Model:
    """Every variable of floats with values of its own, variances positive."""
    random = np.random.default_rng(seed)
    for variable in model.variables:
        if "float" in str(variable.dtype):
            drawn = random.uniform(0.3, 1.1, variable.shape) * (1 if "var" in variable.name else random.choice([-1, 1]))
            variable.assign(drawn.astype(np.float32) * (1 if "var" in variable.name else 0.4))
    return model


def run_both(model: keras.Model, arrays: list[np.ndarray[Any, Any]]) -> tuple[list[Any], list[Any]]:
    """What Keras gives, and what PyTorch gives in its place."""
    like = likeness(model)
    nodes = {path: _unit(node) for path, node in like.nodes.items()}
    module = _module(like, nodes, arrays)
    with torch.no_grad():
        for path, layer in module.layers.items():
            for slot, parameter in list(layer.named_parameters(recurse=False)):
                weight = nodes[path].weights[slot]
                (array,) = apply(weight.layout, [ref.read() for ref in weight.tensors])
                parameter.data = torch.from_numpy(np.ascontiguousarray(array))
        for place, ref in enumerate(like.tensors.values()):
            getattr(module, f"variable_{place}").data = torch.from_numpy(np.array(ref.read()))
        with like.computing(module.around, AMENDED):
            found = module(*(torch.from_numpy(array) for array in arrays))
    expected = model(arrays if len(arrays) > 1 else arrays[0], training=False)
    return [np.asarray(item) for item in keras.tree.flatten(expected)], [
        item.numpy() for item in keras.tree.flatten(found)
    ]


def one(layer: Callable[[Any], Any], *shape: int | None, dtype: str = "float32") -> keras.Model:
    entry = keras.Input(shape, dtype=dtype)
    return keras.Model(entry, layer(entry))


IMAGE, SEQUENCE = (9, 12, 4), (7, 6)
LAYERS: dict[str, tuple[Callable[[], Any], Shape]] = {
    "conv2d": (lambda: L.Conv2D(8, (3, 5), activation="relu"), IMAGE),
    "conv2d same, odd pads": (lambda: L.Conv2D(6, (4, 3), padding="same"), IMAGE),
    "conv2d same, stride 2": (lambda: L.Conv2D(6, 3, strides=(2, 3), padding="same", use_bias=False), IMAGE),
    "conv2d dilated in groups": (lambda: L.Conv2D(6, 3, dilation_rate=2, groups=2, activation="gelu"), IMAGE),
    "conv1d causal": (lambda: L.Conv1D(5, 3, padding="causal", dilation_rate=2), SEQUENCE),
    "conv1d same, stride 2": (lambda: L.Conv1D(5, 4, padding="same", strides=2), SEQUENCE),
    "conv3d": (lambda: L.Conv3D(5, (2, 3, 2), strides=(1, 2, 1), padding="same"), (5, 6, 7, 3)),
    "depthwise 2d": (lambda: L.DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2), IMAGE),
    "depthwise 1d": (lambda: L.DepthwiseConv1D(3, depth_multiplier=2, activation="tanh"), SEQUENCE),
    "separable 2d": (lambda: L.SeparableConv2D(7, 3, strides=2, padding="same", depth_multiplier=2), IMAGE),
    "separable 1d": (lambda: L.SeparableConv1D(7, 3, use_bias=False), SEQUENCE),
    "transposed 2d same": (lambda: L.Conv2DTranspose(5, 3, strides=2, padding="same"), IMAGE),
    "transposed 2d valid": (lambda: L.Conv2DTranspose(5, (3, 4), strides=(3, 2)), IMAGE),
    "transposed 2d, output padding": (lambda: L.Conv2DTranspose(5, 4, strides=3, output_padding=1), IMAGE),
    "transposed 1d": (lambda: L.Conv1DTranspose(5, 4, strides=2, padding="same"), SEQUENCE),
    "transposed 3d": (lambda: L.Conv3DTranspose(4, 3, strides=2, padding="same"), (3, 4, 5, 3)),
    "dense": (lambda: L.Dense(5, activation="softmax"), SEQUENCE),
    "dense on maps, no bias": (lambda: L.Dense(5, use_bias=False, activation="silu"), IMAGE),
    "einsum to heads": (lambda: L.EinsumDense("abc,cde->abde", (None, 2, 3), bias_axes="de"), SEQUENCE),
    "einsum from heads": (lambda: L.EinsumDense("abcd,cde->abe", (None, 5), bias_axes="e"), (7, 2, 3)),
    "einsum across axes": (lambda: L.EinsumDense("abc,bd->adc", (5, 6)), SEQUENCE),
    "batch norm": (lambda: L.BatchNormalization(epsilon=0.02), IMAGE),
    "batch norm of axis 1": (lambda: L.BatchNormalization(axis=1, scale=False), IMAGE),
    "batch norm of rows": (lambda: L.BatchNormalization(center=False), (5,)),
    "layer norm": (lambda: L.LayerNormalization(epsilon=0.02), IMAGE),
    "layer norm over two axes": (lambda: L.LayerNormalization(axis=[1, 2], scale=False), IMAGE),
    "rms norm": (lambda: L.RMSNormalization(epsilon=0.01), SEQUENCE),
    "group norm": (lambda: L.GroupNormalization(2, epsilon=0.02), IMAGE),
    "unit norm": (lambda: L.UnitNormalization(axis=(1, 2)), IMAGE),
    "spectral norm": (lambda: L.SpectralNormalization(L.Conv2D(5, 3)), IMAGE),
    "normalization": (lambda: L.Normalization(mean=[1.0, 2, 3, 4], variance=[0.5, 2, 3, 0.7]), IMAGE),
    "prelu, a slope each": (lambda: L.PReLU(), SEQUENCE),
    "prelu, one for each channel": (lambda: L.PReLU(shared_axes=[1, 2]), IMAGE),
    "leaky relu": (lambda: L.LeakyReLU(negative_slope=0.13), SEQUENCE),
    "elu": (lambda: L.ELU(alpha=0.7), SEQUENCE),
    "relu, capped": (lambda: L.ReLU(max_value=0.8, negative_slope=0.1, threshold=0.2), SEQUENCE),
    "softmax of axis 1": (lambda: L.Softmax(axis=1), SEQUENCE),
    "lstm": (lambda: L.LSTM(5, return_sequences=True), SEQUENCE),
    "lstm backwards, last": (lambda: L.LSTM(5, go_backwards=True, use_bias=False), SEQUENCE),
    "lstm, hard gates": (lambda: L.LSTM(5, recurrent_activation="hard_sigmoid"), SEQUENCE),
    "lstm and its states": (lambda: L.LSTM(5, return_sequences=True, return_state=True), SEQUENCE),
    "gru": (lambda: L.GRU(5, return_sequences=True, go_backwards=True), SEQUENCE),
    "gru, reset before": (lambda: L.GRU(5, reset_after=False), SEQUENCE),
    "simple rnn": (lambda: L.SimpleRNN(5, activation="relu"), SEQUENCE),
    "bidirectional": (lambda: L.Bidirectional(L.GRU(5, return_sequences=True), merge_mode="mul"), SEQUENCE),
    "stacked cells": (lambda: L.RNN([L.LSTMCell(5), L.GRUCell(4)], return_sequences=True), SEQUENCE),
    "conv lstm": (lambda: L.ConvLSTM2D(3, 3, padding="same", return_sequences=True), (4, 6, 5, 2)),
    "time distributed": (lambda: L.TimeDistributed(L.Conv2D(3, 3)), (4, 6, 5, 2)),
    "max pool same": (lambda: L.MaxPooling2D(3, strides=2, padding="same"), IMAGE),
    "average pool same": (lambda: L.AveragePooling2D((2, 3), strides=2, padding="same"), IMAGE),
    "average pool 1d": (lambda: L.AveragePooling1D(3, strides=2), SEQUENCE),
    "max pool 3d": (lambda: L.MaxPooling3D(2), (4, 6, 5, 2)),
    "global average, kept": (lambda: L.GlobalAveragePooling2D(keepdims=True), IMAGE),
    "global max": (lambda: L.GlobalMaxPooling1D(), SEQUENCE),
    "adaptive average": (lambda: L.AdaptiveAveragePooling2D((4, 5)), IMAGE),
    "upsampling": (lambda: L.UpSampling2D((2, 3), interpolation="bilinear"), IMAGE),
    "upsampling nearest 1d": (lambda: L.UpSampling1D(3), SEQUENCE),
    "zero padding": (lambda: L.ZeroPadding2D(((1, 2), (0, 3))), IMAGE),
    "cropping": (lambda: L.Cropping2D(((1, 2), (0, 3))), IMAGE),
    "reshape": (lambda: L.Reshape((-1, 8)), IMAGE),
    "permute": (lambda: L.Permute((3, 1, 2)), IMAGE),
    "flatten": (lambda: L.Flatten(), IMAGE),
    "repeat": (lambda: L.RepeatVector(3), (5,)),
    "rescaling": (lambda: L.Rescaling(1 / 127.5, offset=-1), IMAGE),
    "resizing": (lambda: L.Resizing(5, 7), IMAGE),
    "center crop": (lambda: L.CenterCrop(5, 6), IMAGE),
    "dropout": (lambda: L.Dropout(0.4), SEQUENCE),
    "spatial dropout": (lambda: L.SpatialDropout2D(0.4), IMAGE),
    "alpha dropout": (lambda: L.AlphaDropout(0.4), SEQUENCE),
    "gaussian noise": (lambda: L.GaussianNoise(0.4), SEQUENCE),
    "random flip": (lambda: L.RandomFlip(), IMAGE),
    "masking": (lambda: L.Masking(0.5), SEQUENCE),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_gives_what_keras_gives(name: str) -> None:
    make, shape = LAYERS[name]
    model = randomised(one(make(), *shape))
    arrays = [np.random.default_rng(3).standard_normal((2, *shape)).astype(np.float32)]
    expected, found = run_both(model, arrays)
    assert len(expected) == len(found)
    for ours, theirs in zip(expected, found, strict=True):
        assert ours.shape == theirs.shape
        assert np.abs(ours - theirs).max() <= 2e-5 * max(1.0, np.abs(ours).max())


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_traced_with_its_own_variables(name: str) -> None:
    make, shape = LAYERS[name]
    model = one(make(), *shape)
    found = trace(likeness(model), [np.zeros((2, *shape), np.float32)], {})
    held = {
        ref.name
        for step in found.steps.values()
        if step.layer
        for w in step.layer.weights.values()
        for ref in w.tensors
    }
    held |= {step.tensor.name for step in found.steps.values() if step.tensor is not None}
    held |= {ref.name for ref in found.ignored}
    assert held == set(likeness(model).tensors)
    assert found.framework == "keras"
    first = next(iter(found.inputs))
    assert first.shape == (None, *shape)


def test_keras_is_left_as_it_was() -> None:
    model = randomised(one(L.Conv2D(3, 3, activation="relu"), *IMAGE))
    array = np.random.default_rng(1).standard_normal((2, *IMAGE)).astype(np.float32)
    before = np.asarray(model(array))
    trace(likeness(model), [array], {})
    assert keras.backend.backend() == "tensorflow"
    assert "call" not in vars(model.layers[1])
    assert np.array_equal(np.asarray(model(array)), before)


def test_operations_between_layers_and_loose_variables() -> None:
    class Scaled(keras.Layer):
        def build(self, shape: Any) -> None:
            self.gain = self.add_weight(shape=(shape[-1],), name="gain")
            self.shift = self.add_weight(shape=(1,), name="shift", trainable=False)

        def call(self, value: Any) -> Any:
            return self.shift + self.gain * ops.cumsum(ops.softplus(value), axis=1)

    entry = keras.Input(SEQUENCE)
    value = Scaled()(entry)
    value = ops.einsum("btc,bsc->bts", value, entry) / 3.0 + ops.mean(entry, axis=-1, keepdims=True)
    model = randomised(keras.Model(entry, [value, ops.argmax(value, axis=-1)]))
    arrays = [np.random.default_rng(3).standard_normal((3, *SEQUENCE)).astype(np.float32)]
    expected, found = run_both(model, arrays)
    assert np.allclose(expected[0], found[0], atol=1e-4)
    assert np.array_equal(expected[1], found[1])


def test_a_mask_is_heeded() -> None:
    entry = keras.Input((6,), dtype="int32")
    value = L.Embedding(11, 5, mask_zero=True)(entry)
    model = randomised(keras.Model(entry, [L.LSTM(4)(value), L.GlobalAveragePooling1D()(value)]))
    ids = np.array([[3, 2, 7, 0, 0, 0], [1, 5, 4, 9, 2, 0]], np.int32)
    expected, found = run_both(model, [ids])
    for ours, theirs in zip(expected, found, strict=True):
        assert np.allclose(ours, theirs, atol=1e-5)


def test_several_inputs_go_in_the_models_own_order_and_by_name() -> None:
    one_, two = keras.Input((5,), name="zeta"), keras.Input((3,), name="alpha")
    model = randomised(keras.Model([one_, two], {"sum": L.Dense(4)(one_) + L.Dense(4)(two), "first": one_}))
    arrays = [np.random.default_rng(s).standard_normal((2, n)).astype(np.float32) for s, n in ((1, 5), (2, 3))]
    expected, found = run_both(model, arrays)
    for ours, theirs in zip(expected, found, strict=True):
        assert np.allclose(ours, theirs, atol=1e-5)
    traced = trace(likeness(model), {"alpha": arrays[1], "zeta": arrays[0]}, {})
    assert [step.name for step in traced.inputs] == ["zeta", "alpha"]
    assert set(traced.outputs) == {"sum", "first"}


def test_a_stateful_layer_is_refused() -> None:
    entry = keras.Input(batch_shape=(2, *SEQUENCE))
    model = keras.Model(entry, L.LSTM(4, stateful=True)(entry))
    with pytest.raises(Unsupported, match="state"):
        trace(likeness(model), [np.zeros((2, *SEQUENCE), np.float32)], {})


def test_a_model_that_is_not_built_is_refused() -> None:
    with pytest.raises(Unsupported, match="not built"):
        likeness(keras.Sequential([L.Dense(3)]))


def test_a_layer_that_calls_tensorflow_is_refused_with_its_line() -> None:
    import tensorflow as tf

    class Bare(keras.Layer):
        def call(self, value: Any) -> Any:
            return tf.math.lgamma(value)

    model = one(Bare(), *SEQUENCE)
    with pytest.raises(Unsupported) as refused:
        trace(likeness(model), [np.zeros((2, *SEQUENCE), np.float32)], {})
    assert "test_module.py" in str(refused.value.where)
