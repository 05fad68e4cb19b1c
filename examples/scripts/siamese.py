"""Two digits through the same layers: do they show the same number?"""

import numpy as np

import keras
from keras import layers, ops

epochs = 8

(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
x_train, x_test = x_train.astype("float32") / 255, x_test.astype("float32") / 255


def make_pairs(images, labels, seed):
    """Of each image a pair with one of its own number, and one of another."""
    random = np.random.RandomState(seed)
    first, second, same = [], [], []
    for place, label in enumerate(labels):
        for equal in (True, False):
            others = np.flatnonzero((labels == label) == equal)
            first.append(images[place])
            second.append(images[random.choice(others)])
            same.append(float(equal))
    return np.stack(first), np.stack(second), np.array(same, dtype="float32")


left_train, right_train, same_train = make_pairs(x_train, y_train, 1)
left_test, right_test, same_test = make_pairs(x_test, y_test, 2)

embed = keras.Sequential(
    [
        keras.Input((28, 28)),
        layers.Flatten(),
        layers.Dense(64, activation="relu"),
        layers.Dense(16, activation="tanh"),
    ],
    name="embed",
)
left, right = keras.Input((28, 28)), keras.Input((28, 28))
distance = ops.absolute(layers.subtract([embed(left), embed(right)]))
outputs = layers.Dense(1, activation="sigmoid")(distance)
siamese = keras.Model([left, right], outputs)

siamese.compile(loss="binary_crossentropy", optimizer="rmsprop", metrics=["binary_accuracy"])
siamese.fit([left_train, right_train], same_train, batch_size=64, epochs=epochs, validation_split=0.1)
loss, accuracy = siamese.evaluate([left_test, right_test], same_test, verbose=0)
print("test loss:", loss)
print("test accuracy:", accuracy)
