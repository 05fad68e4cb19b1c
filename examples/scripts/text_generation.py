"""A GRU that learns to write a rhyme, one character after the other."""

import numpy as np

import keras
from keras import layers

text = (
    """one for the master, and one for the dame,
and one for the little boy who lives down the lane. """
    * 12
)
maxlen = 24
epochs = 8

chars = sorted(set(text))
indices_of = {char: place for place, char in enumerate(chars)}
encoded = np.array([indices_of[char] for char in text])
x = np.stack([encoded[i : i + maxlen] for i in range(0, len(encoded) - maxlen, 2)])
y = np.stack([encoded[i + maxlen] for i in range(0, len(encoded) - maxlen, 2)])

model = keras.Sequential(
    [
        keras.Input(shape=(maxlen,)),
        layers.Embedding(input_dim=32, output_dim=16),
        layers.GRU(48),
        layers.Dense(32, activation="softmax"),
    ]
)
model.compile(optimizer=keras.optimizers.RMSprop(0.01), loss="sparse_categorical_crossentropy", metrics=["acc"])
model.fit(x, y, batch_size=64, epochs=epochs)

sentence = text[:maxlen]
for _ in range(20):
    window = np.array([[indices_of[char] for char in sentence[-maxlen:]]])
    probabilities = model.predict(window, verbose=0)[0]
    sentence += chars[int(np.argmax(probabilities[: len(chars)]))]
print(sentence)
loss, accuracy = model.evaluate(x, y, verbose=0)
print("test loss:", loss)
print("test accuracy:", accuracy)
