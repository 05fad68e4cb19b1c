"""A functional model that takes two inputs: the upper and the lower half of a digit."""

import keras
from keras import layers

epochs = 8

(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
x_train, x_test = x_train.astype("float32") / 255, x_test.astype("float32") / 255
upper_train, lower_train = x_train[:, :14], x_train[:, 14:]
upper_test, lower_test = x_test[:, :14], x_test[:, 14:]


def reader(name, units=48):
    """An input, and the features that are read from it."""
    inputs = keras.Input(shape=(14, 28), name=name)
    x = layers.Flatten()(inputs)
    x = layers.Dense(units, activation="relu")(x)
    return inputs, x


upper, upper_features = reader("upper")
lower, lower_features = reader("lower", units=32)
x = layers.concatenate([upper_features, lower_features])
x = layers.Dense(32, activation="relu", kernel_initializer="he_normal")(x)
outputs = layers.Dense(10)(x)
model = keras.Model(inputs=[upper, lower], outputs=outputs, name="two_halves")

model.compile(
    optimizer=keras.optimizers.Adam(learning_rate=2e-3),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=[keras.metrics.SparseCategoricalAccuracy(name="acc")],
)
model.fit(
    {"upper": upper_train, "lower": lower_train},
    y_train,
    epochs=epochs,
    batch_size=64,
    validation_data=([upper_test, lower_test], y_test),
)
results = model.evaluate([upper_test, lower_test], y_test, verbose=0)
print("test loss:", results[0])
print("test accuracy:", results[1])
