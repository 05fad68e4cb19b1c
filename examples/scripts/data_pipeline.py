"""Digits that come through tf.data."""

import tensorflow as tf

import keras
from keras import layers

BATCH_SIZE = 64
epochs = 6
AUTOTUNE = tf.data.AUTOTUNE

(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()


def normalise(image, label):
    """From bytes to 0 … 1, with a channel."""
    image = tf.cast(image, tf.float32) / 255.0
    return tf.expand_dims(image, -1), label


train_ds = tf.data.Dataset.from_tensor_slices((x_train, y_train))
train_ds = train_ds.map(normalise, num_parallel_calls=AUTOTUNE).cache().shuffle(1500)
train_ds = train_ds.batch(BATCH_SIZE).prefetch(AUTOTUNE)
test_ds = (
    tf.data.Dataset.from_tensor_slices((x_test, y_test)).batch(BATCH_SIZE).map(normalise).prefetch(tf.data.AUTOTUNE)
)

model = keras.Sequential()
model.add(layers.Input(shape=(28, 28, 1)))
model.add(layers.Conv2D(16, 3, activation="relu"))
model.add(layers.MaxPooling2D())
model.add(layers.Flatten())
model.add(layers.Dense(32, activation="relu"))
model.add(layers.Dense(10))

model.compile(
    optimizer=tf.keras.optimizers.Adam(0.001),
    loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=[tf.keras.metrics.SparseCategoricalAccuracy()],
)
model.fit(train_ds, epochs=epochs, validation_data=test_ds)
loss, accuracy = model.evaluate(test_ds, verbose=0)
print("test loss:", loss)
print("test accuracy:", accuracy)
