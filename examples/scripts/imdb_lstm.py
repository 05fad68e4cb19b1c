"""Bidirectional LSTMs that tell whether a film is praised."""

import numpy as np

import keras
from keras import layers

max_features = 20000  # the words that are known
maxlen = 60  # of each review
epochs = 4

inputs = keras.Input(shape=(None,), dtype="int32")
x = layers.Embedding(max_features, 32)(inputs)
x = layers.Bidirectional(layers.LSTM(16, return_sequences=True))(x)
x = layers.Bidirectional(layers.LSTM(16))(x)
outputs = layers.Dense(1, activation="sigmoid")(x)
model = keras.Model(inputs, outputs)
model.summary()

(x_train, y_train), (x_val, y_val) = keras.datasets.imdb.load_data(num_words=max_features)
print(len(x_train), "reviews to train on")
print(len(x_val), "reviews to validate with")
x_train = keras.utils.pad_sequences(x_train, maxlen=maxlen)
x_val = keras.utils.pad_sequences(x_val, maxlen=maxlen)

model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=32, epochs=epochs, validation_data=(x_val, y_val))

loss, acc = model.evaluate(x_val, y_val, verbose=0)
share = np.mean(model.predict(x_val, verbose=0) > 0.5)
print(f"taken for praise: {share:.3f}")
print("test loss:", loss)
print("test accuracy:", acc)
