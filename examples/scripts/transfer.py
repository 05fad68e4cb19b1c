"""A network of keras.applications as a frozen base for a new task, and then a little of it trained."""

import numpy as np

import keras
from keras import layers

epochs = 3

(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()


def to_colour(images):
    """Three channels of 32×32."""
    images = np.pad(images.astype("float32"), ((0, 0), (2, 2), (2, 2)))
    return np.stack([images] * 3, axis=-1)


x_train, x_test = to_colour(x_train), to_colour(x_test)

base_model = keras.applications.MobileNetV2(
    input_shape=(32, 32, 3), alpha=0.35, include_top=False, weights=None, pooling="avg"
)
base_model.trainable = False

inputs = keras.Input(shape=(32, 32, 3))
x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
x = base_model(x, training=False)
x = layers.Dropout(0.2)(x)
outputs = layers.Dense(10, activation="softmax")(x)
model = keras.Model(inputs, outputs)

# First the new layer alone
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=epochs, batch_size=64)

# Then everything, slowly
base_model.trainable = True
model.compile(optimizer=keras.optimizers.Adam(1e-4), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=epochs, batch_size=64)

loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
print("test loss:", loss)
print("test accuracy:", accuracy)
