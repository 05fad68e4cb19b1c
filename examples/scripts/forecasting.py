"""Causal convolutions that continue a time series."""

import numpy as np
from tensorflow.keras import layers, losses, optimizers
from tensorflow.keras.models import Sequential

window = 32
epochs = 6

# A season within a season, and a little noise
steps = np.arange(2400)
series = np.sin(steps * 2 * np.pi / 24) + 0.5 * np.sin(steps * 2 * np.pi / 168)
series = series + 0.05 * np.random.RandomState(1).randn(len(steps))
series = series.astype("float32")

x = np.stack([series[i : i + window] for i in range(len(series) - window)])[..., np.newaxis]
y = series[window:]
split = 2000
x_train, y_train, x_test, y_test = x[:split], y[:split], x[split:], y[split:]

model = Sequential([layers.Input(shape=(window, 1))])
for filters, dilation in [(16, 1), (16, 2), (32, 4)]:
    model.add(layers.Conv1D(filters, 3, padding="causal", dilation_rate=dilation, activation="relu"))
model.add(layers.GlobalAveragePooling1D())
model.add(layers.Dense(16, activation="relu"))
model.add(layers.Dense(1))

model.compile(optimizer=optimizers.RMSprop(learning_rate=1e-3), loss=losses.Huber(delta=0.5), metrics=["mae", "mse"])
history = model.fit(x_train, y_train, epochs=epochs, batch_size=32, validation_split=0.1, verbose=2)
print("epochs:", len(history.history["loss"]))
results = model.evaluate(x_test, y_test, verbose=0, return_dict=True)
print("test loss:", results["loss"])
print("mean error:", results["mae"])
