"""The written loop against Keras's own, number for number: same weights, same batches, nothing at random."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

DATA = """
import numpy as np
import keras
from keras import layers

random = np.random.RandomState(3)
x = random.rand(70, 6).astype("float32")
y = (x.sum(1) * 2).astype("int64") % 4
"""
DENSE = """
model = keras.Sequential([
    keras.Input((6,)),
    layers.Dense(9, activation="tanh"),
    layers.Dense({out}, activation={activation!r}),
])
"""
CLOSE = {"rtol": 2e-4, "atol": 2e-5}


def same(history: Any, written: dict[str, list[float]]) -> None:
    """The figures of each epoch are the same ones, and equal."""
    assert sorted(history.history) == sorted(written)
    for name, values in history.history.items():
        np.testing.assert_allclose(written[name], values, err_msg=name, **CLOSE)


@pytest.mark.parametrize(
    ("out", "activation", "loss", "metrics", "targets"),
    [
        (4, "softmax", "'sparse_categorical_crossentropy'", "['accuracy']", "y"),
        (4, None, "keras.losses.SparseCategoricalCrossentropy(from_logits=True)", "['acc']", "y[:, None]"),
        (4, "softmax", "'categorical_crossentropy'", "['accuracy']", "keras.utils.to_categorical(y, 4)"),
        (
            4,
            None,
            "keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)",
            "[keras.metrics.TopKCategoricalAccuracy(k=2, name='top')]",
            "keras.utils.to_categorical(y, num_classes=4)",
        ),
        (
            1,
            "sigmoid",
            "'binary_crossentropy'",
            "['accuracy', keras.metrics.Precision(), keras.metrics.Recall(name='found')]",
            "(y > 1).astype('float32')",
        ),
        (1, None, "'mse'", "['mae', keras.metrics.MeanSquaredError(name='squares')]", "y.astype('float32')"),
        (4, None, "keras.losses.Huber(delta=0.3)", "['mse']", "random.rand(70, 4)"),
        (4, None, "'mae'", "None", "random.rand(70, 4)"),
    ],
)
def test_losses_and_metrics_are_kerass(
    both: Any, out: int, activation: str | None, loss: str, metrics: str, targets: str
) -> None:
    text = DATA + DENSE.format(out=out, activation=activation)
    text += f"""
t = {targets}
model.compile(keras.optimizers.SGD(0.1, momentum=0.5), loss={loss}, metrics={metrics})
history = model.fit(x, t, batch_size=16, epochs=3, shuffle=False, validation_split=0.3)
scores = model.evaluate(x[:33], t[:33], verbose=0)
predicted = model.predict(x[:21], batch_size=4)
"""
    keras, torch, translation = both(text)
    assert translation.left == ()
    same(keras["history"], torch["history"])
    np.testing.assert_allclose(torch["scores"], keras["scores"], **CLOSE)
    np.testing.assert_allclose(torch["predicted"], keras["predicted"], **CLOSE)
    assert torch["predicted"].dtype == np.float32


@pytest.mark.parametrize(
    "optimizer",
    [
        "'adam'",
        "'rmsprop'",
        "keras.optimizers.AdamW(0.01, weight_decay=0.1)",
        "keras.optimizers.Adam(0.01, clipnorm=0.02)",
        "keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.2, 3, 0.5))",
        "keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.01, 9, warmup_target=0.3, warmup_steps=4))",
    ],
)
def test_optimisers_and_schedules_are_kerass(both: Any, optimizer: str) -> None:
    text = DATA + DENSE.format(out=4, activation=None)
    text += f"""
model.compile(optimizer={optimizer}, loss="mse")
history = model.fit(x, random.rand(70, 4), batch_size=16, epochs=3, shuffle=False)
"""
    keras, torch, translation = both(text)
    assert translation.left == ()
    np.testing.assert_allclose(torch["history"]["loss"], keras["history"].history["loss"], rtol=2e-3)


def test_penalties_are_in_the_loss_as_in_keras(both: Any) -> None:
    text = (
        DATA
        + """
model = keras.Sequential([
    keras.Input((6,)),
    layers.Dense(9, activation="relu", kernel_regularizer=keras.regularizers.L2(0.05)),
    layers.Dense(5, kernel_regularizer=keras.regularizers.L1L2(0.01, 0.02), bias_regularizer="l1"),
])
model.compile("sgd", "mse")
history = model.fit(x, random.rand(70, 5), batch_size=32, epochs=3, shuffle=False, validation_split=0.2)
"""
    )
    keras, torch, translation = both(text)
    assert translation.left == ()
    same(keras["history"], torch["history"])


def test_images_are_fed_channels_first_and_come_back_channels_last(both: Any) -> None:
    text = """
import numpy as np
import keras
from keras import layers

random = np.random.RandomState(3)
x = random.rand(30, 10, 8, 3)
inputs = keras.Input((10, 8, 3))
h = layers.Conv2D(5, (3, 1), padding="same", activation="relu")(inputs)
h = layers.MaxPooling2D()(h)
h = layers.UpSampling2D()(h)
model = keras.Model(inputs, layers.Conv2D(2, 3, padding="same")(h))
model.compile("sgd", "mse", metrics=["mae"])
y = random.rand(30, 10, 8, 2)
history = model.fit(x, y, batch_size=7, epochs=2, shuffle=False, validation_data=(x[:9], y[:9]))
predicted = model.predict(x[:5])
"""
    keras, torch, translation = both(text)
    assert translation.left == ()
    assert "channels_first(x)" in translation.source
    same(keras["history"], torch["history"])
    np.testing.assert_allclose(torch["predicted"], keras["predicted"], rtol=1e-3, atol=1e-4)


def test_several_inputs_are_told_apart_by_name_and_by_place(both: Any) -> None:
    text = """
import numpy as np
import keras
from keras import layers

random = np.random.RandomState(3)
words, sizes = random.randint(0, 11, (40, 5)), random.rand(40, 3)
a = keras.Input((5,), dtype="int32", name="words")
b = keras.Input((3,), name="sizes")
h = layers.Concatenate()([layers.GlobalAveragePooling1D()(layers.Embedding(11, 4)(a)), b])
model = keras.Model([a, b], layers.Dense(1)(h))
model.compile("sgd", "mse")
y = sizes.sum(1)
history = model.fit({"sizes": sizes, "words": words}, y, epochs=2, shuffle=False, batch_size=8)
more = model.fit([words, sizes], y, epochs=5, initial_epoch=3, shuffle=False, steps_per_epoch=2, batch_size=8)
predicted = model.predict([words, sizes])
"""
    keras, torch, translation = both(text)
    assert translation.left == ()
    same(keras["history"], torch["history"])
    assert len(torch["more"]["loss"]) == 2
    np.testing.assert_allclose(torch["more"]["loss"], keras["more"].history["loss"], **CLOSE)


@pytest.mark.filterwarnings("ignore:.*shuffle=True:UserWarning")
def test_a_pipeline_gives_the_batches_of_tf_data(both: Any) -> None:
    text = """
import numpy as np
import tensorflow as tf
from tensorflow import keras

random = np.random.RandomState(3)
x, y = random.randint(0, 256, (50, 8, 6)).astype("uint8"), random.randint(0, 3, 50)


def prepare(image, label):
    return tf.expand_dims(tf.cast(image, "float32") / 255.0, axis=-1), label


data = tf.data.Dataset.from_tensor_slices((x, y)).map(prepare).batch(16, drop_remainder=True).prefetch(2)
rest = tf.data.Dataset.from_tensor_slices((x, y)).skip(30).batch(7).map(lambda a, b: (tf.expand_dims(a, -1) / 255, b))
model = keras.Sequential([
    keras.layers.Input((8, 6, 1)),
    keras.layers.Conv2D(4, 3, activation="relu"),
    keras.layers.Flatten(),
    keras.layers.Dense(3, activation="softmax"),
])
model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(data, epochs=2, validation_data=rest)
scores = model.evaluate(rest, verbose=0)
"""
    keras, torch, translation = both(text)
    assert translation.left == ()
    same(keras["history"], torch["history"])
    np.testing.assert_allclose(torch["scores"], keras["scores"], **CLOSE)


CALLBACKS = """
keras.callbacks.EarlyStopping(patience=2, min_delta=0.01, restore_best_weights=True)
keras.callbacks.EarlyStopping("val_accuracy", patience=3, start_from_epoch=2)
keras.callbacks.EarlyStopping("loss", mode="min", baseline=0.2, patience=4)
keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.3, patience=1, cooldown=1, min_lr=0.01)
keras.callbacks.LearningRateScheduler(lambda epoch: 0.5 / (epoch + 1))
keras.callbacks.LearningRateScheduler(falling)
keras.callbacks.CSVLogger("log.csv", separator=";")
keras.callbacks.TerminateOnNaN()
""".strip().splitlines()


@pytest.mark.parametrize("callback", CALLBACKS)
def test_callbacks_do_what_kerass_do(both: Any, tmp_path: Path, callback: str) -> None:
    text = DATA + DENSE.format(out=4, activation="softmax")
    text += f"""
def falling(epoch, lr):
    return lr * 0.7


y[50:] = random.randint(0, 4, 20)
watch = {callback}
model.compile(keras.optimizers.SGD(1.5), "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x, y, batch_size=16, epochs=14, shuffle=False, validation_split=0.3, callbacks=[watch])
scores = model.evaluate(x, y, verbose=0)
"""
    keras, torch, translation = both(text)
    assert translation.left == ()
    same(keras["history"], torch["history"])
    np.testing.assert_allclose(torch["scores"], keras["scores"], **CLOSE)


def test_a_checkpoint_of_the_best_is_loaded_again(both: Any, tmp_path: Path) -> None:
    text = DATA + DENSE.format(out=4, activation="softmax")
    text += """
model.compile(keras.optimizers.SGD(1.5), "sparse_categorical_crossentropy", metrics=["accuracy"])
keep = [keras.callbacks.ModelCheckpoint("best.keras", monitor="val_loss", save_best_only=True)]
model.fit(x, y, batch_size=16, epochs=9, shuffle=False, validation_split=0.3, callbacks=keep)
best = keras.models.load_model("best.keras")
scores = best.evaluate(x, y, verbose=0)
model.save_weights("last.weights.h5")
model.load_weights("last.weights.h5")
last = model.evaluate(x, y, verbose=0)
"""
    keras, torch, translation = both(text)
    assert translation.left == ()
    np.testing.assert_allclose(torch["scores"], keras["scores"], **CLOSE)
    np.testing.assert_allclose(torch["last"], keras["last"], **CLOSE)
    assert (tmp_path / "best.pt").is_file()
    assert (tmp_path / "last.pt").is_file()


def test_a_layer_that_was_adapted_has_the_statistics_of_the_data(both: Any) -> None:
    text = (
        DATA
        + """
scale = layers.Normalization()
scale.adapt(x * 5)
model = keras.Sequential([keras.Input((6,)), scale, layers.Dense(1)])
model.compile("sgd", "mse")
history = model.fit(x * 5, y, batch_size=16, epochs=2, shuffle=False)
"""
    )
    keras, torch, translation = both(text.replace("x * 5", "x5").replace("y = (x.s", "x5 = x * 5\ny = (x.s"))
    assert translation.left == ()
    same(keras["history"], torch["history"])
