"""LeNet-5, trained on handwritten digits and saved."""

from tensorflow import keras

(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
x_train = x_train.reshape((-1, 28, 28, 1)) / 255.0
x_test = x_test.reshape((-1, 28, 28, 1)) / 255.0

model = keras.models.Sequential()
model.add(keras.Input((28, 28, 1)))
model.add(keras.layers.Conv2D(6, (5, 5), padding="same", activation="tanh"))
model.add(keras.layers.AveragePooling2D((2, 2), strides=2))
model.add(keras.layers.Conv2D(16, (5, 5), activation="tanh"))
model.add(keras.layers.AveragePooling2D((2, 2), strides=2))
model.add(keras.layers.Conv2D(120, (5, 5), activation="tanh"))
model.add(keras.layers.Flatten())
model.add(keras.layers.Dense(84, activation="tanh"))
model.add(keras.layers.Dense(10, activation="softmax"))

model.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["sparse_categorical_accuracy"])
history = model.fit(x_train, y_train, validation_data=(x_test, y_test), epochs=20, batch_size=32)
print("best validation accuracy:", max(history.history["val_sparse_categorical_accuracy"]))

model.save("lenet5.keras")
loss, accuracy = model.evaluate(x_test, y_test)
print("test accuracy:", accuracy)
