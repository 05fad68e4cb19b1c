"""A convolutional network with residual blocks and batch normalisation."""

import numpy as np

import keras
from keras import layers

EPOCHS = epochs = 6
FILTERS = [16, 32]


def residual_block(x, filters, downsample=False):
    """Two convolutions beside a shortcut."""
    shortcut = x
    strides = 2 if downsample else 1
    x = layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.ReLU()(x)
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    if downsample:
        shortcut = layers.Conv2D(filters, 1, strides=strides)(shortcut)
    return layers.ReLU()(layers.add([x, shortcut]))


def build_model(input_shape, num_classes):
    inputs = keras.Input(shape=input_shape)
    x = layers.Rescaling(1.0 / 255)(inputs)
    x = layers.Conv2D(FILTERS[0], 3, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D(2)(x)
    for index, filters in enumerate(FILTERS):
        x = residual_block(x, filters, downsample=index > 0)
    x = layers.GlobalAveragePooling2D()(x)
    outputs = layers.Dense(num_classes, activation="softmax")(x)
    return keras.Model(inputs, outputs)


def main():
    (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
    x_train = np.expand_dims(x_train, -1).astype("float32")
    x_test = np.expand_dims(x_test, -1).astype("float32")

    model = build_model((28, 28, 1), 10)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x_train, y_train, batch_size=64, epochs=EPOCHS, validation_split=0.2)

    test_loss, test_accuracy = model.evaluate(x_test, y_test, verbose=0)
    print("test loss:", test_loss)
    print("test accuracy:", test_accuracy)


if __name__ == "__main__":
    main()
