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
from homolog.pytorch.likeness.amended import amended
from homolog.pytorch.likeness.module import module_of, unit
from homolog.transforms import apply
from keras import layers, ops

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
    nodes = {path: unit(node) for path, node in like.nodes.items()}
    module = module_of(like, nodes, arrays)
    with torch.no_grad():
        for path, layer in module.layers.items():
            for slot, parameter in list(layer.named_parameters(recurse=False)):
                weight = nodes[path].weights[slot]
                (array,) = apply(weight.layout, [ref.read() for ref in weight.tensors])
                parameter.data = torch.from_numpy(np.array(array, order="C"))
        for place, ref in enumerate(like.tensors.values()):
            getattr(module, f"variable_{place}").data = torch.from_numpy(np.array(ref.read()))
        with like.computing(module.around, amended(set())):
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
    "conv2d": (lambda: layers.Conv2D(8, (3, 5), activation="relu"), IMAGE),
    "conv2d same, odd pads": (lambda: layers.Conv2D(6, (4, 3), padding="same"), IMAGE),
    "conv2d same, stride 2": (lambda: layers.Conv2D(6, 3, strides=(2, 3), padding="same", use_bias=False), IMAGE),
    "conv2d dilated in groups": (lambda: layers.Conv2D(6, 3, dilation_rate=2, groups=2, activation="gelu"), IMAGE),
    "conv1d causal": (lambda: layers.Conv1D(5, 3, padding="causal", dilation_rate=2), SEQUENCE),
    "conv1d same, stride 2": (lambda: layers.Conv1D(5, 4, padding="same", strides=2), SEQUENCE),
    "conv3d": (lambda: layers.Conv3D(5, (2, 3, 2), strides=(1, 2, 1), padding="same"), (5, 6, 7, 3)),
    "depthwise 2d": (lambda: layers.DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2), IMAGE),
    "depthwise 1d": (lambda: layers.DepthwiseConv1D(3, depth_multiplier=2, activation="tanh"), SEQUENCE),
    "separable 2d": (lambda: layers.SeparableConv2D(7, 3, strides=2, padding="same", depth_multiplier=2), IMAGE),
    "separable 1d": (lambda: layers.SeparableConv1D(7, 3, use_bias=False), SEQUENCE),
    "transposed 2d same": (lambda: layers.Conv2DTranspose(5, 3, strides=2, padding="same"), IMAGE),
    "transposed 2d valid": (lambda: layers.Conv2DTranspose(5, (3, 4), strides=(3, 2)), IMAGE),
    "transposed 2d, output padding": (lambda: layers.Conv2DTranspose(5, 4, strides=3, output_padding=1), IMAGE),
    "transposed 1d": (lambda: layers.Conv1DTranspose(5, 4, strides=2, padding="same"), SEQUENCE),
    "transposed 3d": (lambda: layers.Conv3DTranspose(4, 3, strides=2, padding="same"), (3, 4, 5, 3)),
    "dense": (lambda: layers.Dense(5, activation="softmax"), SEQUENCE),
    "dense on maps, no bias": (lambda: layers.Dense(5, use_bias=False, activation="silu"), IMAGE),
    "einsum to heads": (lambda: layers.EinsumDense("abc,cde->abde", (None, 2, 3), bias_axes="de"), SEQUENCE),
    "einsum from heads": (lambda: layers.EinsumDense("abcd,cde->abe", (None, 5), bias_axes="e"), (7, 2, 3)),
    "einsum across axes": (lambda: layers.EinsumDense("abc,bd->adc", (5, 6)), SEQUENCE),
    "batch norm": (lambda: layers.BatchNormalization(epsilon=0.02), IMAGE),
    "batch norm of axis 1": (lambda: layers.BatchNormalization(axis=1, scale=False), IMAGE),
    "batch norm of rows": (lambda: layers.BatchNormalization(center=False), (5,)),
    "layer norm": (lambda: layers.LayerNormalization(epsilon=0.02), IMAGE),
    "layer norm over two axes": (lambda: layers.LayerNormalization(axis=[1, 2], scale=False), IMAGE),
    "rms norm": (lambda: layers.RMSNormalization(epsilon=0.01), SEQUENCE),
    "group norm": (lambda: layers.GroupNormalization(2, epsilon=0.02), IMAGE),
    "unit norm": (lambda: layers.UnitNormalization(axis=(1, 2)), IMAGE),
    "spectral norm": (lambda: layers.SpectralNormalization(layers.Conv2D(5, 3)), IMAGE),
    "normalization": (lambda: layers.Normalization(mean=[1.0, 2, 3, 4], variance=[0.5, 2, 3, 0.7]), IMAGE),
    "prelu, a slope each": (layers.PReLU, SEQUENCE),
    "prelu, one for each channel": (lambda: layers.PReLU(shared_axes=[1, 2]), IMAGE),
    "leaky relu": (lambda: layers.LeakyReLU(negative_slope=0.13), SEQUENCE),
    "elu": (lambda: layers.ELU(alpha=0.7), SEQUENCE),
    "relu, capped": (lambda: layers.ReLU(max_value=0.8, negative_slope=0.1, threshold=0.2), SEQUENCE),
    "softmax of axis 1": (lambda: layers.Softmax(axis=1), SEQUENCE),
    "lstm": (lambda: layers.LSTM(5, return_sequences=True), SEQUENCE),
    "lstm backwards, last": (lambda: layers.LSTM(5, go_backwards=True, use_bias=False), SEQUENCE),
    "lstm, hard gates": (lambda: layers.LSTM(5, recurrent_activation="hard_sigmoid"), SEQUENCE),
    "lstm and its states": (lambda: layers.LSTM(5, return_sequences=True, return_state=True), SEQUENCE),
    "gru": (lambda: layers.GRU(5, return_sequences=True, go_backwards=True), SEQUENCE),
    "gru, reset before": (lambda: layers.GRU(5, reset_after=False), SEQUENCE),
    "simple rnn": (lambda: layers.SimpleRNN(5, activation="relu"), SEQUENCE),
    "bidirectional": (lambda: layers.Bidirectional(layers.GRU(5, return_sequences=True), merge_mode="mul"), SEQUENCE),
    "stacked cells": (lambda: layers.RNN([layers.LSTMCell(5), layers.GRUCell(4)], return_sequences=True), SEQUENCE),
    "conv lstm": (lambda: layers.ConvLSTM2D(3, 3, padding="same", return_sequences=True), (4, 6, 5, 2)),
    "time distributed": (lambda: layers.TimeDistributed(layers.Conv2D(3, 3)), (4, 6, 5, 2)),
    "max pool same": (lambda: layers.MaxPooling2D(3, strides=2, padding="same"), IMAGE),
    "average pool same": (lambda: layers.AveragePooling2D((2, 3), strides=2, padding="same"), IMAGE),
    "average pool 1d": (lambda: layers.AveragePooling1D(3, strides=2), SEQUENCE),
    "max pool 3d": (lambda: layers.MaxPooling3D(2), (4, 6, 5, 2)),
    "global average, kept": (lambda: layers.GlobalAveragePooling2D(keepdims=True), IMAGE),
    "global max": (layers.GlobalMaxPooling1D, SEQUENCE),
    "adaptive average": (lambda: layers.AdaptiveAveragePooling2D((4, 5)), IMAGE),
    "upsampling": (lambda: layers.UpSampling2D((2, 3), interpolation="bilinear"), IMAGE),
    "upsampling nearest 1d": (lambda: layers.UpSampling1D(3), SEQUENCE),
    "zero padding": (lambda: layers.ZeroPadding2D(((1, 2), (0, 3))), IMAGE),
    "cropping": (lambda: layers.Cropping2D(((1, 2), (0, 3))), IMAGE),
    "reshape": (lambda: layers.Reshape((-1, 8)), IMAGE),
    "permute": (lambda: layers.Permute((3, 1, 2)), IMAGE),
    "flatten": (layers.Flatten, IMAGE),
    "repeat": (lambda: layers.RepeatVector(3), (5,)),
    "rescaling": (lambda: layers.Rescaling(1 / 127.5, offset=-1), IMAGE),
    "resizing": (lambda: layers.Resizing(5, 7), IMAGE),
    "center crop": (lambda: layers.CenterCrop(5, 6), IMAGE),
    "dropout": (lambda: layers.Dropout(0.4), SEQUENCE),
    "spatial dropout": (lambda: layers.SpatialDropout2D(0.4), IMAGE),
    "alpha dropout": (lambda: layers.AlphaDropout(0.4), SEQUENCE),
    "gaussian noise": (lambda: layers.GaussianNoise(0.4), SEQUENCE),
    "random flip": (layers.RandomFlip, IMAGE),
    "masking": (lambda: layers.Masking(0.5), SEQUENCE),
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
    model = randomised(one(layers.Conv2D(3, 3, activation="relu"), *IMAGE))
    array = np.random.default_rng(1).standard_normal((2, *IMAGE)).astype(np.float32)
    before = np.asarray(model(array))
    trace(likeness(model), [array], {})
    assert keras.backend.backend() == "tensorflow"
    assert "call" not in vars(model.layers[1])
    assert np.array_equal(np.asarray(model(array)), before)


@pytest.mark.skipif(
    not hasattr(getattr(torch.fx, "config", None), "do_not_emit_stack_traces"), reason="PyTorch 2.9 notes lines always"
)
def test_a_step_names_no_line_of_keras_own_source() -> None:
    found = trace(likeness(one(layers.Dense(3), 5)), [np.zeros((2, 5), np.float32)], {})

    assert {step.where for step in found.steps.values()} == {""}
    assert not torch.fx.config.do_not_emit_stack_traces


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
    value = layers.Embedding(11, 5, mask_zero=True)(entry)
    model = randomised(keras.Model(entry, [layers.LSTM(4)(value), layers.GlobalAveragePooling1D()(value)]))
    ids = np.array([[3, 2, 7, 0, 0, 0], [1, 5, 4, 9, 2, 0]], np.int32)
    expected, found = run_both(model, [ids])
    for ours, theirs in zip(expected, found, strict=True):
        assert np.allclose(ours, theirs, atol=1e-5)


def test_several_inputs_go_in_the_models_own_order_and_by_name() -> None:
    one_, two = keras.Input((5,), name="zeta"), keras.Input((3,), name="alpha")
    model = randomised(keras.Model([one_, two], {"sum": layers.Dense(4)(one_) + layers.Dense(4)(two), "first": one_}))
    arrays = [np.random.default_rng(s).standard_normal((2, n)).astype(np.float32) for s, n in ((1, 5), (2, 3))]
    expected, found = run_both(model, arrays)
    for ours, theirs in zip(expected, found, strict=True):
        assert np.allclose(ours, theirs, atol=1e-5)
    traced = trace(likeness(model), {"alpha": arrays[1], "zeta": arrays[0]}, {})
    assert [step.name for step in traced.inputs] == ["zeta", "alpha"]
    assert set(traced.outputs) == {"sum", "first"}


def test_a_stateful_layer_is_refused() -> None:
    entry = keras.Input(batch_shape=(2, *SEQUENCE))
    model = keras.Model(entry, layers.LSTM(4, stateful=True)(entry))
    with pytest.raises(Unsupported, match="state"):
        trace(likeness(model), [np.zeros((2, *SEQUENCE), np.float32)], {})


def test_a_model_that_is_not_built_is_refused() -> None:
    with pytest.raises(Unsupported, match="not built"):
        likeness(keras.Sequential([layers.Dense(3)]))


def test_a_layer_that_calls_tensorflow_is_refused_with_its_line() -> None:
    import tensorflow as tf

    class Bare(keras.Layer):
        def call(self, value: Any) -> Any:
            return tf.math.lgamma(value)

    model = one(Bare(), *SEQUENCE)
    with pytest.raises(Unsupported) as refused:
        trace(likeness(model), [np.zeros((2, *SEQUENCE), np.float32)], {})
    assert "test_module.py" in str(refused.value.where)


def test_a_layer_may_be_given_its_input_by_name() -> None:
    entry = keras.Input(SEQUENCE)
    value = layers.LSTM(5, return_sequences=True)(sequences=layers.Dense(4)(inputs=entry))
    (expected,), (found,) = run_both(randomised(keras.Model(entry, value)), [drawn_rows()])
    assert np.abs(expected - found).max() <= 2e-6


class Training(keras.Layer):
    """A norm over its own batch, at inference too."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = layers.BatchNormalization()

    def build(self, shape: Any) -> None:
        self.norm.build(shape)

    def call(self, value: Any) -> Any:
        return self.norm(value, training=True)


def test_a_norm_that_is_made_to_train_is_not_taken_for_one_at_inference() -> None:
    entry = keras.Input(SEQUENCE)
    model = randomised(keras.Model(entry, Training()(entry)))
    with pytest.raises(Unsupported) as refused:
        run_both(model, [drawn_rows()])
    assert "moving_mean" in str(refused.value)


def drawn_rows() -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).standard_normal((2, *SEQUENCE)).astype(np.float32)
