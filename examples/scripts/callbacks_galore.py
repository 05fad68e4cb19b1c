"""A small network that is watched by many callbacks while it is trained."""

import tempfile
from pathlib import Path

import keras
from keras import callbacks, layers

epochs = 20
log = Path(tempfile.mkdtemp()) / "log.csv"

(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
x_train = x_train.reshape(-1, 784).astype("float32") / 255
x_test = x_test.reshape(-1, 784).astype("float32") / 255


def schedule(epoch, lr):
    """Warm up, then leave the rate to the others."""
    return 0.0005 * (epoch + 1) if epoch < 2 else lr


def get_compiled_model():
    model = keras.Sequential(
        [
            layers.Input((784,)),
            layers.Dense(64, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3, clipnorm=1.0),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(k=3, name="top3")],
    )
    return model


model = get_compiled_model()
watchers = [
    callbacks.ModelCheckpoint("best.keras", monitor="val_accuracy", save_best_only=True, mode="max"),
    callbacks.EarlyStopping(monitor="val_loss", patience=4, min_delta=1e-3, restore_best_weights=True),
    callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=2, min_lr=1e-5),
    callbacks.LearningRateScheduler(schedule),
    callbacks.CSVLogger(log),
    callbacks.TerminateOnNaN(),
]
history = model.fit(x_train, y_train, batch_size=64, epochs=epochs, validation_split=0.2, callbacks=watchers, verbose=0)
print("epochs:", len(history.history["loss"]))
print("lines of the log:", len(log.read_text().splitlines()))

best = keras.models.load_model("best.keras")
print("accuracy of the best:", best.evaluate(x_test, y_test, verbose=0)[1])
scores = model.evaluate(x_test, y_test, verbose=0)
print("test loss:", scores[0])
print("test accuracy:", scores[1])
