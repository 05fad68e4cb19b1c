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
from keras import layers as L

Cases = Mapping[str, Callable[..., Any]]
"""By the name of the class, what makes its output of the inputs."""
Inputs = tuple[keras.KerasTensor, ...]


def floats(*shapes: tuple[int, ...]) -> Callable[[], Inputs]:
    return lambda: tuple(keras.Input(shape, name=f"input_{place}") for place, shape in enumerate(shapes))


def ids(*shapes: tuple[int, ...]) -> Callable[[], Inputs]:
    return lambda: tuple(
        keras.Input(shape, dtype="int32", name=f"input_{place}") for place, shape in enumerate(shapes)
    )


ROWS: Cases = {
    "ActivityRegularization": lambda x: L.ActivityRegularization(l2=0.3)(x),
    "AlphaDropout": lambda x: L.AlphaDropout(0.4)(x),
    "ELU": lambda x: L.ELU(alpha=0.7)(x),
    "GaussianDropout": lambda x: L.GaussianDropout(0.4)(x),
    "GaussianNoise": lambda x: L.GaussianNoise(0.4)(x),
    "Identity": lambda x: L.Identity()(x),
    "RepeatVector": lambda x: L.RepeatVector(3)(x),
    "Activation": lambda x: L.Activation("hard_silu")(x),
    "Lambda": lambda x: L.Lambda(lambda value: keras.ops.logsumexp(value, axis=-1, keepdims=True))(x),
    "Layer": lambda x: Scaled()(x),
    "BatchNormalization": lambda x: L.BatchNormalization(center=False, epsilon=0.02, momentum=0.7)(x),
    "UnitNormalization": lambda x: L.UnitNormalization(axis=-1)(x),
}
SEQUENCES: Cases = {
    "AdaptiveAveragePooling1D": lambda x: L.AdaptiveAveragePooling1D(4)(x),
    "AdaptiveMaxPooling1D": lambda x: L.AdaptiveMaxPooling1D(4)(x),
    "AveragePooling1D": lambda x: L.AveragePooling1D(3, strides=2, padding="same")(x),
    "Conv1D": lambda x: L.Conv1D(5, 3, padding="causal", dilation_rate=2, activation="gelu")(x),
    "Conv1DTranspose": lambda x: L.Conv1DTranspose(5, 4, strides=2, padding="same", use_bias=False)(x),
    "Cropping1D": lambda x: L.Cropping1D((1, 2))(x),
    "Dense": lambda x: L.Dense(5, activation="softmax", use_bias=False)(x),
    "DepthwiseConv1D": lambda x: L.DepthwiseConv1D(3, strides=2, depth_multiplier=2, activation="tanh")(x),
    "Dropout": lambda x: L.Dropout(0.4)(x),
    "EinsumDense": lambda x: L.EinsumDense("abc,cde->abde", (None, 2, 3), bias_axes="de", activation="relu")(x),
    "Flatten": lambda x: L.Flatten()(x),
    "GlobalAveragePooling1D": lambda x: L.GlobalAveragePooling1D(keepdims=True)(x),
    "GlobalMaxPooling1D": lambda x: L.GlobalMaxPooling1D(keepdims=True)(x),
    "LayerNormalization": lambda x: L.LayerNormalization(axis=[1, 2], epsilon=0.02, scale=False)(x),
    "LeakyReLU": lambda x: L.LeakyReLU(negative_slope=0.13)(x),
    "Masking": lambda x: L.Masking(0.5)(x),
    "MaxPooling1D": lambda x: L.MaxPooling1D(3, strides=2, padding="same")(x),
    "PReLU": lambda x: L.PReLU(shared_axes=[1])(x),
    "Permute": lambda x: L.Permute((2, 1))(x),
    "RMSNormalization": lambda x: L.RMSNormalization(epsilon=0.01)(x),
    "ReLU": lambda x: L.ReLU(max_value=0.8, negative_slope=0.1, threshold=0.2)(x),
    "Reshape": lambda x: L.Reshape((-1, 3, 2))(x),
    "SeparableConv1D": lambda x: L.SeparableConv1D(8, 3, padding="same", depth_multiplier=2)(x),
    "Softmax": lambda x: L.Softmax(axis=1)(x),
    "SpatialDropout1D": lambda x: L.SpatialDropout1D(0.4)(x),
    "SpectralNormalization": lambda x: L.SpectralNormalization(L.Dense(5))(x),
    "UpSampling1D": lambda x: L.UpSampling1D(3)(x),
    "ZeroPadding1D": lambda x: L.ZeroPadding1D((2, 1))(x),
}
RECURRENT: Cases = {
    "Bidirectional": lambda x: L.Bidirectional(L.GRU(5, return_sequences=True), merge_mode="mul")(x),
    "GRU": lambda x: L.GRU(5, return_sequences=True, go_backwards=True)(x),
    "GRUCell": lambda x: L.RNN(L.GRUCell(4, reset_after=False))(x),
    "LSTM": lambda x: L.LSTM(5, return_sequences=True, return_state=True, unit_forget_bias=False)(x)[1],
    "LSTMCell": lambda x: L.RNN(L.LSTMCell(4, use_bias=False), go_backwards=True)(x),
    "RNN": lambda x: L.RNN(L.SimpleRNNCell(4), return_sequences=True)(x),
    "SimpleRNN": lambda x: L.SimpleRNN(5, activation="relu", use_bias=False)(x),
    "SimpleRNNCell": lambda x: L.RNN(L.SimpleRNNCell(5, activation="sigmoid"))(x),
    "StackedRNNCells": lambda x: L.RNN(L.StackedRNNCells([L.LSTMCell(5), L.GRUCell(4)]), return_sequences=True)(x),
}
IMAGES: Cases = {
    "AdaptiveAveragePooling2D": lambda x: L.AdaptiveAveragePooling2D((4, 5))(x),
    "AdaptiveMaxPooling2D": lambda x: L.AdaptiveMaxPooling2D((4, 5))(x),
    "AveragePooling2D": lambda x: L.AveragePooling2D((2, 3), strides=2, padding="same")(x),
    "CenterCrop": lambda x: L.CenterCrop(5, 6)(x),
    "Conv2D": lambda x: L.Conv2D(6, (4, 3), strides=(2, 3), padding="same", groups=2, activation="relu")(x),
    "Conv2DTranspose": lambda x: L.Conv2DTranspose(5, (3, 4), strides=(3, 2), output_padding=1)(x),
    "Cropping2D": lambda x: L.Cropping2D(((1, 2), (0, 3)))(x),
    "DepthwiseConv2D": lambda x: L.DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2)(x),
    "GlobalAveragePooling2D": lambda x: L.GlobalAveragePooling2D(keepdims=True)(x),
    "GlobalMaxPooling2D": lambda x: L.GlobalMaxPooling2D()(x),
    "GroupNormalization": lambda x: L.GroupNormalization(2, epsilon=0.02, center=False)(x),
    "MaxPooling2D": lambda x: L.MaxPooling2D((2, 3), strides=2, padding="same")(x),
    "Normalization": lambda x: L.Normalization(mean=[1.0, 2, 3, 4], variance=[0.5, 2, 3, 0.7], invert=True)(x),
    "Rescaling": lambda x: L.Rescaling(1 / 127.5, offset=-1)(x),
    "Resizing": lambda x: L.Resizing(5, 7, interpolation="nearest")(x),
    "SeparableConv2D": lambda x: L.SeparableConv2D(7, 3, strides=2, padding="same", use_bias=False)(x),
    "SpatialDropout2D": lambda x: L.SpatialDropout2D(0.4)(x),
    "UpSampling2D": lambda x: L.UpSampling2D((2, 3), interpolation="bilinear")(x),
    "ZeroPadding2D": lambda x: L.ZeroPadding2D(((1, 2), (0, 3)))(x),
}
VOLUMES: Cases = {
    "AdaptiveAveragePooling3D": lambda x: L.AdaptiveAveragePooling3D((2, 3, 4))(x),
    "AdaptiveMaxPooling3D": lambda x: L.AdaptiveMaxPooling3D((2, 3, 4))(x),
    "AveragePooling3D": lambda x: L.AveragePooling3D((2, 3, 2), padding="same")(x),
    "Conv3D": lambda x: L.Conv3D(5, (2, 3, 2), strides=(1, 2, 1), padding="same", activation="elu")(x),
    "Conv3DTranspose": lambda x: L.Conv3DTranspose(4, 3, strides=2, padding="same")(x),
    "Cropping3D": lambda x: L.Cropping3D(((1, 0), (2, 1), (0, 3)))(x),
    "GlobalAveragePooling3D": lambda x: L.GlobalAveragePooling3D()(x),
    "GlobalMaxPooling3D": lambda x: L.GlobalMaxPooling3D(keepdims=True)(x),
    "MaxPooling3D": lambda x: L.MaxPooling3D((2, 3, 2), strides=2)(x),
    "SpatialDropout3D": lambda x: L.SpatialDropout3D(0.4)(x),
    "UpSampling3D": lambda x: L.UpSampling3D((2, 1, 3))(x),
    "ZeroPadding3D": lambda x: L.ZeroPadding3D(((1, 0), (2, 1), (0, 3)))(x),
}
FRAMES: Cases = {
    "ConvLSTM1D": lambda x: L.ConvLSTM1D(3, 2, padding="same")(L.Reshape((4, 6, 10))(x)),
    "ConvLSTM2D": lambda x: L.ConvLSTM2D(3, (3, 2), padding="same", return_sequences=True)(x),
    "ConvLSTM3D": lambda x: L.ConvLSTM3D(2, 2, recurrent_activation="hard_sigmoid")(L.Reshape((2, 2, 6, 5, 2))(x)),
    "TimeDistributed": lambda x: L.TimeDistributed(L.Conv2D(3, 3, activation="swish"))(x),
}
PAIRS: Cases = {
    "Add": lambda x, y: L.Add()([x, y]),
    "AdditiveAttention": lambda x, y: L.AdditiveAttention(dropout=0.2)([x, y]),
    "Attention": lambda x, y: L.Attention(use_scale=True, score_mode="concat")([x, y]),
    "Average": lambda x, y: L.Average()([x, y]),
    "Concatenate": lambda x, y: L.Concatenate(axis=1)([x, y]),
    "Dot": lambda x, y: L.Dot(axes=(2, 2), normalize=True)([x, y]),
    "GroupQueryAttention": lambda x, y: L.GroupQueryAttention(5, 4, 2, use_bias=False)(x, y, use_causal_mask=True),
    "Maximum": lambda x, y: L.Maximum()([x, y]),
    "Minimum": lambda x, y: L.Minimum()([x, y]),
    "MultiHeadAttention": lambda x, y: L.MultiHeadAttention(3, 4, value_dim=5, output_shape=7)(x, y),
    "Multiply": lambda x, y: L.Multiply()([x, y]),
    "Subtract": lambda x, y: L.Subtract()([x, y]),
}
IDS: Cases = {
    "CategoryEncoding": lambda x: L.CategoryEncoding(11, output_mode="multi_hot")(x),
    "Embedding": lambda x: L.GlobalAveragePooling1D()(L.Embedding(11, 5, mask_zero=True)(x)),
    "ReversibleEmbedding": lambda x: tied(L.ReversibleEmbedding(11, 6), x),
}
SIGNALS: Cases = {
    "MelSpectrogram": lambda x: L.MelSpectrogram(fft_length=32, sequence_stride=16, num_mel_bins=6)(x),
    "STFTSpectrogram": lambda x: L.STFTSpectrogram(mode="magnitude", frame_length=32, frame_step=12, fft_length=32)(x),
}
AUGMENTING: Cases = {
    "AugMix": lambda x: L.AugMix((0, 255))(x),
    "CutMix": lambda x: L.CutMix(0.5)(x),
    "MixUp": lambda x: L.MixUp(0.5)(x),
    "RandAugment": lambda x: L.RandAugment((0, 255))(x),
    "RandomBrightness": lambda x: L.RandomBrightness(0.5)(x),
    "RandomColorDegeneration": lambda x: L.RandomColorDegeneration(0.5)(x),
    "RandomColorJitter": lambda x: L.RandomColorJitter((0, 255), brightness_factor=0.3)(x),
    "RandomContrast": lambda x: L.RandomContrast(0.5)(x),
    "RandomCrop": lambda x: L.RandomCrop(6, 7)(x),
    "RandomElasticTransform": lambda x: L.RandomElasticTransform(0.5)(x),
    "RandomErasing": lambda x: L.RandomErasing(0.5)(x),
    "RandomFlip": lambda x: L.RandomFlip("horizontal")(x),
    "RandomGaussianBlur": lambda x: L.RandomGaussianBlur(0.5)(x),
    "RandomGrayscale": lambda x: L.RandomGrayscale(0.5)(x),
    "RandomHue": lambda x: L.RandomHue(0.5)(x),
    "RandomInvert": lambda x: L.RandomInvert(0.5)(x),
    "RandomPerspective": lambda x: L.RandomPerspective(0.5)(x),
    "RandomPosterization": lambda x: L.RandomPosterization(4)(x),
    "RandomRotation": lambda x: L.RandomRotation(0.5)(x),
    "RandomSaturation": lambda x: L.RandomSaturation(0.5)(x),
    "RandomSharpness": lambda x: L.RandomSharpness(0.5)(x),
    "RandomShear": lambda x: L.RandomShear(0.5)(x),
    "RandomTranslation": lambda x: L.RandomTranslation(0.5, 0.3)(x),
    "RandomZoom": lambda x: L.RandomZoom(0.5)(x),
}
PREPARING: Cases = {
    "AutoContrast": lambda x: L.AutoContrast()(x),
    "ContrastLimitedAdaptiveHistogramEqualization": lambda x: L.ContrastLimitedAdaptiveHistogramEqualization()(x),
    "Equalization": lambda x: L.Equalization()(x),
    "Solarization": lambda x: L.Solarization(threshold_factor=(0.5, 0.5))(x),
    "Discretization": lambda x: L.Discretization([-0.5, 0.1, 0.8])(x),
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
    "signals": (floats((96,)), SIGNALS),
    "augmenting": (floats((9, 8, 3)), AUGMENTING),
    "preparing": (floats((9, 8, 3)), PREPARING),
}


class Scaled(keras.Layer):
    """A layer of the user's own."""

    def build(self, shape: Any) -> None:
        self.gain = self.add_weight(shape=(shape[-1],), name="gain")

    def call(self, value: Any) -> Any:
        return self.gain * keras.ops.softplus(value)


def tied(layer: Any, value: Any) -> Any:
    return layer(layer(value) + 0.5, reverse=True)
