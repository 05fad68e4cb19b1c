"""A learning rate that rises, and falls along a cosine."""

from keras.optimizers import AdamW
from keras.optimizers.schedules import CosineDecay

import keras
from keras import layers

epochs = 10
batch_size = 32

(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
x_train, x_test = x_train / 255.0, x_test / 255.0

rate = CosineDecay(1e-4, decay_steps=300, warmup_target=3e-3, warmup_steps=40, alpha=0.05)
optimizer = AdamW(learning_rate=rate, weight_decay=0.01)

model = keras.Sequential(
    [keras.Input(shape=(28, 28)), layers.Flatten(), layers.Dense(96, activation="relu"), layers.Dense(10)]
)
model.compile(
    optimizer=optimizer,
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
model.fit(x_train, y_train, batch_size=batch_size, epochs=epochs, validation_data=(x_test, y_test))
test_loss, test_acc = model.evaluate(x_test, y_test, verbose=2)
print("test loss:", test_loss)
print("test accuracy:", test_acc)
