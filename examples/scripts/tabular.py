"""Prices of houses from tables, with features brought to one scale by a layer."""

import keras
from keras import layers, regularizers

epochs = 20

(x_train, y_train), (x_test, y_test) = keras.datasets.california_housing.load_data(version="large")
x_train, x_test = x_train.astype("float32"), x_test.astype("float32")
scale = y_train.mean()
y_train, y_test = y_train / scale, y_test / scale

normalizer = layers.Normalization(axis=-1)
normalizer.adapt(x_train)


def build(hidden):
    inputs = keras.Input(shape=(8,))
    x = normalizer(inputs)
    for units in hidden:
        x = layers.Dense(units, activation="relu", kernel_regularizer=regularizers.L2(1e-4))(x)
        x = layers.Dropout(0.1)(x)
    return keras.Model(inputs, layers.Dense(1)(x))


model = build([32, 32])
model.compile(optimizer=keras.optimizers.SGD(0.01, momentum=0.9), loss="mse", metrics=["mae"])
model.fit(x_train, y_train, epochs=epochs, batch_size=32, validation_split=0.2, verbose=2)

mse, mae = model.evaluate(x_test, y_test, verbose=0)
print("test loss:", mse)
print("mean error:", mae)
