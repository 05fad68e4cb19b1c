"""The Keras half of the twins."""

from __future__ import annotations

import keras
from keras import layers


def lenet() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(6, 5, padding="same", activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Conv2D(16, 5, activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Conv2D(12, 5, activation="tanh"),
            layers.Flatten(),
            layers.Dense(11, activation="tanh"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def digits() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((18, 14, 1)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(5, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )


def vgg() -> keras.Model:
    inputs = keras.Input((9, 8, 3))
    x = layers.Conv2D(4, 3, padding="same", activation="relu")(inputs)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Conv2D(5, 3, padding="same", activation="relu")(x)
    x = layers.AdaptiveAveragePooling2D((3, 2))(x)
    x = layers.Flatten()(x)
    x = layers.Dense(8, activation="relu")(x)
    return keras.Model(inputs, layers.Dense(7)(x))


def resnet() -> keras.Model:
    def block(x: keras.KerasTensor, out: int, stride: int) -> keras.KerasTensor:
        side = x
        if stride > 1:
            side = layers.BatchNormalization()(layers.Conv2D(out, 1, strides=stride, use_bias=False)(x))
        y = layers.ZeroPadding2D(1)(x) if stride > 1 else x
        y = layers.Conv2D(out, 3, strides=stride, padding="valid" if stride > 1 else "same", use_bias=False)(y)
        y = layers.ReLU()(layers.BatchNormalization()(y))
        y = layers.BatchNormalization()(layers.Conv2D(out, 3, padding="same", use_bias=False)(y))
        return layers.ReLU()(layers.Add()([y, side]))

    inputs = keras.Input((13, 11, 3))
    x = layers.Conv2D(4, 5, strides=2, use_bias=False)(layers.ZeroPadding2D(2)(inputs))
    x = layers.Activation("relu")(layers.BatchNormalization()(x))
    for out, stride in ((4, 1), (4, 1), (6, 2), (6, 1)):
        x = block(x, out, stride)
    return keras.Model(inputs, layers.Dense(9)(layers.GlobalAveragePooling2D()(x)))


def two_in_two_out() -> keras.Model:
    image, table = keras.Input((5, 4, 3), name="image"), keras.Input((5,), name="table")
    seen = layers.GlobalMaxPooling2D()(layers.Conv2D(4, 3, activation="relu")(image))
    told = layers.Dense(8, activation="tanh")(table)
    joined = layers.Dense(6, activation="relu")(layers.Concatenate()([seen, told]))
    return keras.Model([image, table], [layers.Dense(7)(joined), layers.Dense(1, activation="sigmoid")(joined)])


def nested() -> keras.Model:
    encoder = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(6, activation="relu"),
            keras.Sequential([keras.Input((6,)), layers.Dense(7), layers.BatchNormalization(epsilon=1e-5)]),
        ],
        name="encoder",
    )
    entry = keras.Input((7,))
    decoder = keras.Model(entry, layers.Dense(9)(layers.Dense(8, activation="tanh")(entry)), name="decoder")
    inputs = keras.Input((5,))
    return keras.Model(inputs, layers.Dense(4)(decoder(encoder(inputs))))


def shared() -> keras.Model:
    inputs = keras.Input((4,))
    step = layers.Dense(6, activation="tanh")
    x = layers.Dense(6, activation="tanh")(inputs)
    return keras.Model(inputs, layers.Dense(5)(step(step(x))))


def text() -> keras.Model:
    ids = keras.Input((7,), dtype="int32")
    x = layers.Dense(5, activation="relu")(layers.Embedding(50, 6)(ids))
    return keras.Model(ids, layers.Dense(2)(layers.Flatten()(x)))


def separable() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((13, 11, 3)),
            layers.Conv2D(4, 3, strides=2),
            layers.ReLU(6.0),
            layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, use_bias=False),
            layers.BatchNormalization(),
            layers.Activation("relu6"),
            layers.Conv2D(5, 1),
            layers.DepthwiseConv2D(3),
            layers.Flatten(),
            layers.Dense(7),
        ]
    )


def sequence() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((11, 4)),
            layers.Conv1D(5, 3, padding="same", activation="relu"),
            layers.Conv1D(6, 3, strides=2),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )


def volume() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((5, 9, 15, 2)),
            layers.Conv3D(3, (2, 3, 4), activation="elu"),
            layers.MaxPooling3D(2),
            layers.Flatten(),
            layers.Dense(5),
        ]
    )


def decoder() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((3, 4, 5)),
            layers.Conv2DTranspose(4, 4, strides=2, padding="same"),
            layers.LeakyReLU(0.2),
            layers.Conv2DTranspose(3, 3, activation="sigmoid"),
        ]
    )


def norms() -> keras.Model:
    inputs = keras.Input((7, 6, 3))
    x = layers.ReLU()(layers.GroupNormalization(3)(layers.Conv2D(6, 3)(inputs)))
    x = layers.LayerNormalization(epsilon=1e-6)(layers.Dense(7)(layers.Flatten()(x)))
    return keras.Model(inputs, layers.Dense(2)(layers.PReLU(shared_axes=[1])(x)))


def mixer() -> keras.Model:
    inputs = x = keras.Input((5, 6))
    for _ in range(4):
        y = layers.Dense(11, activation="gelu")(layers.LayerNormalization(epsilon=1e-6)(x))
        x = layers.Add()([x, layers.Dense(6)(y)])
    return keras.Model(inputs, layers.Dense(3)(layers.LayerNormalization(epsilon=1e-6)(x)))


def stack() -> keras.Model:
    """Layers made of layers, which have no twin yet."""
    inputs = keras.Input((7, 5))
    x = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(inputs)
    x = layers.MultiHeadAttention(2, 4)(x, x)
    x = layers.TimeDistributed(layers.Dense(4))(layers.Dropout(0.1)(x))
    return keras.Model(inputs, layers.Dense(2)(layers.GRU(6)(x)))
