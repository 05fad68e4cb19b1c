"""Every class of ``keras.layers`` is translated to PyTorch and proven, or stands in a table that says why not.

Layers that take the same input are the outputs of one model: a translation takes seconds, and there are many.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

import homolog
import keras
from homolog.errors import Unsupported
from keras import layers

Cases = Mapping[str, Callable[..., Any]]
"""By the name of the class, the layer, or what makes its output of the inputs."""
Inputs = tuple[keras.KerasTensor, ...]


def floats(*shapes: tuple[int, ...]) -> Callable[[], Inputs]:
    return lambda: tuple(keras.Input(shape, name=f"input_{place}") for place, shape in enumerate(shapes))


def ids(*shapes: tuple[int, ...]) -> Callable[[], Inputs]:
    return lambda: tuple(keras.Input(shape, dtype="int32", name=f"input_{place}") for place, shape in enumerate(shapes))


class Scaled(keras.Layer):
    """A layer of the user's own."""

    def build(self, shape: Any) -> None:
        self.gain = self.add_weight(shape=(shape[-1],), name="gain")

    def call(self, value: Any) -> Any:
        return self.gain * keras.ops.softplus(value)


def tied(layer: Any, value: Any) -> Any:
    """A table, read forwards and backwards."""
    return layer(layer(value) + 0.5, reverse=True)


ROWS: Cases = {
    "ActivityRegularization": layers.ActivityRegularization(l2=0.3),
    "AlphaDropout": layers.AlphaDropout(0.4),
    "ELU": layers.ELU(alpha=0.7),
    "GaussianDropout": layers.GaussianDropout(0.4),
    "GaussianNoise": layers.GaussianNoise(0.4),
    "Identity": layers.Identity(),
    "RepeatVector": layers.RepeatVector(3),
    "Activation": layers.Activation("hard_silu"),
    "Lambda": layers.Lambda(lambda value: keras.ops.logsumexp(value, axis=-1, keepdims=True)),
    "Layer": Scaled(),
    "BatchNormalization": layers.BatchNormalization(center=False, epsilon=0.02, momentum=0.7),
    "Discretization": lambda x: layers.Dense(3)(layers.Discretization([-0.5, 0.1, 0.8], output_mode="one_hot")(x)),
    "UnitNormalization": layers.UnitNormalization(axis=-1),
}
SEQUENCES: Cases = {
    "AdaptiveAveragePooling1D": layers.AdaptiveAveragePooling1D(4),
    "AdaptiveMaxPooling1D": layers.AdaptiveMaxPooling1D(4),
    "AveragePooling1D": layers.AveragePooling1D(3, strides=2, padding="same"),
    "Conv1D": layers.Conv1D(5, 3, padding="causal", dilation_rate=2, activation="gelu"),
    "Conv1DTranspose": layers.Conv1DTranspose(5, 4, strides=2, padding="same", use_bias=False),
    "Cropping1D": layers.Cropping1D((1, 2)),
    "Dense": layers.Dense(5, activation="softmax", use_bias=False),
    "DepthwiseConv1D": layers.DepthwiseConv1D(3, strides=2, depth_multiplier=2, activation="tanh"),
    "Dropout": layers.Dropout(0.4),
    "EinsumDense": layers.EinsumDense("abc,cde->abde", (None, 2, 3), bias_axes="de", activation="relu"),
    "Flatten": layers.Flatten(),
    "GlobalAveragePooling1D": layers.GlobalAveragePooling1D(keepdims=True),
    "GlobalMaxPooling1D": layers.GlobalMaxPooling1D(keepdims=True),
    "LayerNormalization": layers.LayerNormalization(axis=[1, 2], epsilon=0.02, scale=False),
    "LeakyReLU": layers.LeakyReLU(negative_slope=0.13),
    "Masking": layers.Masking(0.5),
    "MaxPooling1D": layers.MaxPooling1D(3, strides=2, padding="same"),
    "PReLU": layers.PReLU(shared_axes=[1]),
    "Permute": layers.Permute((2, 1)),
    "RMSNormalization": layers.RMSNormalization(epsilon=0.01),
    "ReLU": layers.ReLU(max_value=0.8, negative_slope=0.1, threshold=0.2),
    "Reshape": layers.Reshape((-1, 3, 2)),
    "SeparableConv1D": layers.SeparableConv1D(8, 3, padding="same", depth_multiplier=2),
    "Softmax": layers.Softmax(axis=1),
    "SpatialDropout1D": layers.SpatialDropout1D(0.4),
    "SpectralNormalization": layers.SpectralNormalization(layers.Dense(5)),
    "UpSampling1D": layers.UpSampling1D(3),
    "ZeroPadding1D": layers.ZeroPadding1D((2, 1)),
}
RECURRENT: Cases = {
    "Bidirectional": layers.Bidirectional(layers.GRU(5, return_sequences=True), merge_mode="mul"),
    "GRU": layers.GRU(5, return_sequences=True, go_backwards=True),
    "GRUCell": layers.RNN(layers.GRUCell(4, reset_after=False)),
    "LSTM": lambda x: layers.LSTM(5, return_sequences=True, return_state=True, unit_forget_bias=False)(x)[1],
    "LSTMCell": layers.RNN(layers.LSTMCell(4, use_bias=False), go_backwards=True),
    "RNN": layers.RNN(layers.SimpleRNNCell(4), return_sequences=True),
    "SimpleRNN": layers.SimpleRNN(5, activation="relu", use_bias=False),
    "SimpleRNNCell": layers.RNN(layers.SimpleRNNCell(5, activation="sigmoid")),
    "StackedRNNCells": layers.RNN(
        layers.StackedRNNCells([layers.LSTMCell(5), layers.GRUCell(4)]), return_sequences=True
    ),
}
IMAGES: Cases = {
    "AdaptiveAveragePooling2D": layers.AdaptiveAveragePooling2D((4, 5)),
    "AdaptiveMaxPooling2D": layers.AdaptiveMaxPooling2D((4, 5)),
    "AveragePooling2D": layers.AveragePooling2D((2, 3), strides=2, padding="same"),
    "CenterCrop": layers.CenterCrop(5, 6),
    "Conv2D": layers.Conv2D(6, (4, 3), strides=(2, 3), padding="same", groups=2, activation="relu"),
    "Conv2DTranspose": layers.Conv2DTranspose(5, (3, 4), strides=(3, 2), output_padding=1),
    "Cropping2D": layers.Cropping2D(((1, 2), (0, 3))),
    "DepthwiseConv2D": layers.DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2),
    "GlobalAveragePooling2D": layers.GlobalAveragePooling2D(keepdims=True),
    "GlobalMaxPooling2D": layers.GlobalMaxPooling2D(),
    "GroupNormalization": layers.GroupNormalization(2, epsilon=0.02, center=False),
    "MaxPooling2D": layers.MaxPooling2D((2, 3), strides=2, padding="same"),
    "Normalization": layers.Normalization(mean=[1.0, 2, 3, 4], variance=[0.5, 2, 3, 0.7], invert=True),
    "Pipeline": layers.Pipeline([layers.Rescaling(0.3), layers.RandomFlip(), layers.Resizing(6, 5)]),
    "Rescaling": layers.Rescaling(1 / 127.5, offset=-1),
    "Resizing": layers.Resizing(5, 7, interpolation="nearest"),
    "SeparableConv2D": layers.SeparableConv2D(7, 3, strides=2, padding="same", use_bias=False),
    "SpatialDropout2D": layers.SpatialDropout2D(0.4),
    "UpSampling2D": layers.UpSampling2D((2, 3), interpolation="bilinear"),
    "ZeroPadding2D": layers.ZeroPadding2D(((1, 2), (0, 3))),
}
VOLUMES: Cases = {
    "AdaptiveAveragePooling3D": layers.AdaptiveAveragePooling3D((2, 3, 4)),
    "AdaptiveMaxPooling3D": layers.AdaptiveMaxPooling3D((2, 3, 4)),
    "AveragePooling3D": layers.AveragePooling3D((2, 3, 2), padding="same"),
    "Conv3D": layers.Conv3D(5, (2, 3, 2), strides=(1, 2, 1), padding="same", activation="elu"),
    "Conv3DTranspose": layers.Conv3DTranspose(4, 3, strides=2, padding="same"),
    "Cropping3D": layers.Cropping3D(((1, 0), (2, 1), (0, 3))),
    "GlobalAveragePooling3D": layers.GlobalAveragePooling3D(),
    "GlobalMaxPooling3D": layers.GlobalMaxPooling3D(keepdims=True),
    "MaxPooling3D": layers.MaxPooling3D((2, 3, 2), strides=2),
    "SpatialDropout3D": layers.SpatialDropout3D(0.4),
    "UpSampling3D": layers.UpSampling3D((2, 1, 3)),
    "ZeroPadding3D": layers.ZeroPadding3D(((1, 0), (2, 1), (0, 3))),
}
FRAMES: Cases = {
    "ConvLSTM1D": lambda x: layers.ConvLSTM1D(3, 2, padding="same")(layers.Reshape((4, 6, 10))(x)),
    "ConvLSTM2D": layers.ConvLSTM2D(3, (3, 2), padding="same", return_sequences=True),
    "ConvLSTM3D": lambda x: layers.ConvLSTM3D(2, 2, recurrent_activation="hard_sigmoid")(
        layers.Reshape((2, 2, 6, 5, 2))(x)
    ),
    "TimeDistributed": layers.TimeDistributed(layers.Conv2D(3, 3, activation="swish")),
}
PAIRS: Cases = {
    "Add": lambda x, y: layers.Add()([x, y]),
    "AdditiveAttention": lambda x, y: layers.AdditiveAttention(dropout=0.2)([x, y]),
    "Attention": lambda x, y: layers.Attention(use_scale=True, score_mode="concat")([x, y]),
    "Average": lambda x, y: layers.Average()([x, y]),
    "Concatenate": lambda x, y: layers.Concatenate(axis=1)([x, y]),
    "Dot": lambda x, y: layers.Dot(axes=(2, 2), normalize=True)([x, y]),
    "GroupedQueryAttention": lambda x, y: layers.GroupQueryAttention(5, 4, 2, use_bias=False)(
        x, y, use_causal_mask=True
    ),
    "Maximum": lambda x, y: layers.Maximum()([x, y]),
    "Minimum": lambda x, y: layers.Minimum()([x, y]),
    "MultiHeadAttention": layers.MultiHeadAttention(3, 4, value_dim=5, output_shape=7),
    "Multiply": lambda x, y: layers.Multiply()([x, y]),
    "Subtract": lambda x, y: layers.Subtract()([x, y]),
}
IDS: Cases = {
    "CategoryEncoding": lambda x: layers.Dense(3)(layers.CategoryEncoding(11, output_mode="multi_hot")(x)),
    "Embedding": lambda x: layers.GlobalAveragePooling1D()(layers.Embedding(11, 5, mask_zero=True)(x)),
    "ReversibleEmbedding": lambda x: tied(layers.ReversibleEmbedding(11, 6), x),
}
SIGNALS: Cases = {
    "MelSpectrogram": lambda x: layers.MelSpectrogram(
        fft_length=32,
        sequence_stride=12,
        sequence_length=24,
        window="hamming",
        sampling_rate=4000,
        num_mel_bins=6,
        min_freq=90.0,
        max_freq=1900.0,
        mag_exp=1.5,
        min_power=1e-8,
        ref_power=2.0,
    )(layers.Reshape((96,))(x)),
    "STFTSpectrogram": layers.STFTSpectrogram(mode="log", frame_length=32, frame_step=12, fft_length=32),
}
AUGMENTING: Cases = {
    "AutoContrast": layers.AutoContrast(value_range=(0, 1)),
    "AugMix": layers.AugMix((0, 255)),
    "CutMix": layers.CutMix(0.5),
    "RandAugment": layers.RandAugment((0, 255)),
    "RandomBrightness": layers.RandomBrightness(0.5),
    "RandomColorJitter": layers.RandomColorJitter((0, 255), brightness_factor=0.3),
    "RandomColorDegeneration": layers.RandomColorDegeneration(0.5),
    "RandomContrast": layers.RandomContrast(0.5),
    "RandomCrop": layers.RandomCrop(6, 7),
    "RandomElasticTransform": layers.RandomElasticTransform(0.5),
    "RandomErasing": layers.RandomErasing(0.5),
    "RandomFlip": layers.RandomFlip("horizontal"),
    "RandomGaussianBlur": layers.RandomGaussianBlur(0.5),
    "RandomGrayscale": layers.RandomGrayscale(0.5),
    "RandomHue": layers.RandomHue(0.5),
    "RandomInvert": layers.RandomInvert(0.5),
    "RandomPerspective": layers.RandomPerspective(0.5),
    "RandomPosterization": layers.RandomPosterization(4),
    "RandomRotation": layers.RandomRotation(0.5),
    "RandomSaturation": layers.RandomSaturation(0.5),
    "RandomSharpness": layers.RandomSharpness(0.5),
    "RandomShear": layers.RandomShear(0.5),
    "RandomTranslation": layers.RandomTranslation(0.5, 0.3),
    "RandomZoom": layers.RandomZoom(0.5),
    "Solarization": layers.Solarization(threshold_factor=(0.5, 0.5), value_range=(0, 1)),
}
GROUPS: Mapping[str, tuple[Callable[[], Inputs], Cases]] = {
    "rows": (floats((5,)), ROWS),
    "sequences": (floats((7, 6)), SEQUENCES),
    "recurrent": (floats((7, 6)), RECURRENT),
    "images": (floats((9, 12, 4)), IMAGES),
    "volumes": (floats((5, 6, 7, 3)), VOLUMES),
    "frames": (floats((4, 6, 5, 2)), FRAMES),
    "pairs": (floats((7, 6), (7, 6)), PAIRS),
    "ids": (ids((7,)), IDS),
    "signals": (floats((96, 1)), SIGNALS),
    "augmenting": (floats((9, 8, 3)), AUGMENTING),
}

REFUSED: Mapping[str, tuple[Callable[[], Inputs], Callable[..., Any], str]] = {
    "HashedCrossing": (ids((1,), (1,)), lambda x, y: layers.HashedCrossing(7)((x, y)), "hashes by TensorFlow"),
    "Hashing": (ids((4,)), layers.Hashing(7), "hashes by TensorFlow"),
    "IntegerLookup": (ids((4,)), layers.IntegerLookup(vocabulary=[3, 5, 7]), "looks up by TensorFlow"),
    "MixUp": (floats((9, 8, 3)), layers.MixUp(0.5), "draws numbers at inference as well, though it gives its input"),
}
"""What ``translate`` refuses, with the reason."""

ABSENT: Mapping[str, str] = {
    "ContrastLimitedAdaptiveHistogramEqualization": "Keras's backends count into other bins, and the proof fails",
    "Equalization": "Keras gives its input for its output when a functional model is made",
    "FlaxLayer": "computes with JAX alone",
    "InputLayer": "every model begins with it",
    "JaxLayer": "computes with JAX alone",
    "MaxNumBoundingBoxes": "takes a dictionary of boxes, and no tensor",
    "StringLookup": "takes strings",
    "TFSMLayer": "runs a SavedModel",
    "TextVectorization": "takes strings",
    "TorchModuleWrapper": "holds a PyTorch module already, and runs on Keras's torch backend alone",
    "Wrapper": "the base of Bidirectional, TimeDistributed and SpectralNormalization; it has no call of its own",
}
"""What no model that is translated can hold, or what is not asked for, with the reason."""


def classes() -> set[str]:
    """The classes of layers that Keras has, each under its own name."""
    found = [item for _, item in inspect.getmembers(layers, inspect.isclass) if issubclass(item, keras.Layer)]
    return {item.__name__ for item in found}


def test_every_class_of_layers_has_its_place() -> None:
    named = [name for _, cases in GROUPS.values() for name in cases] + [*REFUSED, *ABSENT]
    assert len(named) == len(set(named))
    assert set(named) == classes()


def randomised(model: keras.Model) -> keras.Model:
    """Every number of every variable is another, variances are positive."""
    random = np.random.default_rng(5)
    for variable in model.variables:
        if "float" in str(variable.dtype):
            sign = 1 if "var" in variable.name else random.choice([-0.6, 0.6], variable.shape)
            variable.assign((random.uniform(0.3, 1.1, variable.shape) * sign).astype(np.float32))
    return model


def drawn(entry: keras.KerasTensor, rows: int, seed: int) -> np.ndarray[Any, Any]:
    random, shape = np.random.default_rng(seed), (rows, *entry.shape[1:])
    return random.integers(0, 11, shape) if "int" in str(entry.dtype) else random.standard_normal(shape).astype("f")


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS)
def test_layers_are_translated_and_proven(group: str) -> None:
    make, cases = GROUPS[group]
    inputs = make()
    model = randomised(keras.Model(list(inputs), {name: case(*inputs) for name, case in cases.items()}))
    translation = homolog.translate(model, to="torch", gradients=bool(model.trainable_variables))
    assert translation.proof.passed, str(translation.proof)
    arrays = [drawn(entry, rows=3, seed=place) for place, entry in enumerate(inputs)]
    expected, found = model(arrays, training=False), run(translation, arrays)
    for name in cases:
        ours, theirs = np.asarray(expected[name]), found[name]
        assert ours.shape == theirs.shape, name
        assert np.abs(ours - theirs).max() <= 2e-5 * max(1.0, np.abs(ours).max()), name


def run(translation: homolog.Translation, arrays: list[np.ndarray[Any, Any]]) -> dict[str, np.ndarray[Any, Any]]:
    """What the written module gives, its axes as Keras has them."""
    import torch

    made = translation.draft
    orders = made.assembled.orders
    given = [
        np.ascontiguousarray(a.transpose(orders[step.name])) for a, step in zip(arrays, made.trace.inputs, strict=True)
    ]
    with torch.no_grad():
        results = translation.model(*(torch.from_numpy(array) for array in given))
    return {name: result.numpy().transpose(np.argsort(orders[name])) for name, result in results.items()}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_refused_in_words(name: str) -> None:
    make, case, _ = REFUSED[name]
    inputs = make()
    model = keras.Model(list(inputs), case(*inputs))
    with pytest.raises(Unsupported) as refused:
        homolog.translate(model, to="torch")
    assert refused.value.found or refused.value.details
