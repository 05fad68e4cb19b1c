"""Keras models as people write them: shapes of architecture rather than known networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.translations.model import Entry, Model

WORDS, LENGTH = 37, 12
IDS = Entry((LENGTH,), "ids", below=WORDS)
SEQUENCE = Entry((LENGTH, 6), "sequence")


def unet() -> Any:
    """Down by strides and pools, up by transposed convolutions, skips across."""
    import keras
    from keras import layers

    def block(value: Any, filters: int) -> Any:
        for _ in range(2):
            value = layers.Conv2D(filters, 3, padding="same", use_bias=False)(value)
            value = layers.ReLU()(layers.BatchNormalization()(value))
        return value

    entry = keras.Input((32, 48, 3))
    first = block(entry, 10)
    second = block(layers.MaxPooling2D()(first), 14)
    value = block(layers.MaxPooling2D()(second), 18)
    value = layers.Conv2DTranspose(14, 3, strides=2, padding="same")(value)
    value = block(layers.Concatenate()([value, second]), 14)
    value = layers.Conv2DTranspose(10, 2, strides=2)(value)
    value = block(layers.Concatenate()([first, value]), 10)
    return keras.Model(entry, layers.Conv2D(4, 1, activation="softmax")(value))


def lstm_stack() -> Any:
    """Ids with a mask through two recurrent layers."""
    import keras
    from keras import layers

    entry = keras.Input((LENGTH,), dtype="int32", name="ids")
    value = layers.Embedding(WORDS, 9, mask_zero=True)(entry)
    value = layers.LSTM(11, return_sequences=True)(value)
    value = layers.Dropout(0.3)(value)
    value = layers.LSTM(7)(value)
    return keras.Model(entry, layers.Dense(5, activation="softmax")(value))


def gru_both_ways() -> Any:
    """A bidirectional layer beneath one that hands on its state."""
    import keras
    from keras import layers

    entry = keras.Input((LENGTH, 6), name="sequence")
    value = layers.Bidirectional(layers.GRU(8, return_sequences=True))(entry)
    value, state = layers.GRU(10, return_sequences=True, return_state=True, reset_after=False)(value)
    value = layers.GlobalMaxPooling1D()(value)
    return keras.Model(entry, {"sum": layers.Dense(4)(layers.Concatenate()([value, state])), "state": state})


def two_towers() -> Any:
    """One tower for two inputs, compared."""
    import keras
    from keras import layers, ops

    tower = keras.Sequential(
        [
            keras.Input((24, 20, 3)),
            layers.Conv2D(6, 3, strides=2, padding="same", activation="relu"),
            layers.SeparableConv2D(9, 3, activation="silu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(8),
        ],
        name="tower",
    )
    one, two = keras.Input((24, 20, 3), name="one"), keras.Input((24, 20, 3), name="two")
    left, right = tower(one), tower(two)
    apart = layers.Dense(1, activation="sigmoid")(ops.abs(left - right))
    return keras.Model([one, two], [layers.Dot(axes=-1, normalize=True)([left, right]), apart])


def nested_sequential() -> Any:
    """Sequential models within a Sequential model."""
    import keras
    from keras import layers

    def block(filters: int) -> Any:
        return keras.Sequential(
            [layers.Conv2D(filters, 3, padding="same"), layers.LayerNormalization(), layers.Activation("gelu")]
        )

    head = keras.Sequential([layers.Flatten(), layers.Dense(12, activation="tanh"), layers.Dense(5)])
    return keras.Sequential([keras.Input((12, 10, 3)), block(6), layers.AveragePooling2D((2, 3)), block(8), head])


def subclassed() -> Any:
    """A model and a layer with a ``call`` of their own, a variable, and a loop."""
    import keras
    from keras import layers, ops

    class Gate(layers.Layer):
        def build(self, shape: Any) -> None:
            self.gain = self.add_weight(shape=(shape[-1],), name="gain")
            self.dense = layers.Dense(shape[-1], activation="sigmoid")
            self.dense.build(shape)

        def call(self, value: Any) -> Any:
            return value * self.dense(value) + self.gain

    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.stem = layers.Conv1D(8, 3, padding="same")
            self.gates = [Gate(), Gate()]
            self.norm = layers.LayerNormalization()
            self.head = layers.Dense(4)

        def call(self, value: Any) -> Any:
            value = self.stem(value)
            for gate in self.gates:
                value = self.norm(value + gate(value))
            return self.head(ops.mean(value, axis=1))

    model = Net()
    model(ops.zeros((1, LENGTH, 6)))
    return model


def frames() -> Any:
    """A convolutional network for every frame, a recurrent one over them."""
    import keras
    from keras import layers

    entry = keras.Input((5, 16, 12, 3))
    frame = keras.Sequential(
        [
            keras.Input((16, 12, 3)),
            layers.Conv2D(6, 3, strides=2, activation="relu"),
            layers.BatchNormalization(),
            layers.Flatten(),
        ]
    )
    value = layers.TimeDistributed(frame)(entry)
    value = layers.TimeDistributed(layers.Dense(9, activation="relu"))(value)
    return keras.Model(entry, layers.Dense(3)(layers.LSTM(7)(value)))


def masked_attention() -> Any:
    """Attention within a sequence and to another, both with masks, in two normed branches."""
    import keras
    from keras import layers

    one = keras.Input((LENGTH,), dtype="int32", name="ids")
    two = keras.Input((LENGTH + 3,), dtype="int32", name="context")
    embed = layers.Embedding(WORDS, 16, mask_zero=True)
    value, context = embed(one), embed(two)
    own = layers.MultiHeadAttention(4, 5, dropout=0.1)(value, value, use_causal_mask=True)
    value = layers.LayerNormalization()(layers.Add()([value, own]))
    other = layers.MultiHeadAttention(2, 6, value_dim=7, use_bias=False)(value, context)
    value = layers.LayerNormalization(epsilon=1e-5)(layers.Add()([value, other]))
    inner = layers.Dense(16)(layers.Dense(30, activation="gelu")(value))
    return keras.Model([one, two], layers.Add()([value, inner]))


def conv_lstm() -> Any:
    """Convolutions with a state over frames."""
    import keras
    from keras import layers

    entry = keras.Input((4, 12, 10, 3))
    value = layers.ConvLSTM2D(5, 3, padding="same", return_sequences=True)(entry)
    value = layers.BatchNormalization()(value)
    value = layers.ConvLSTM2D(4, 3)(value)
    return keras.Model(entry, layers.Dense(3)(layers.GlobalAveragePooling2D()(value)))


def operations() -> Any:
    """A functional model of which half are operations."""
    import keras
    from keras import layers, ops

    entry = keras.Input((16, 20, 6), name="image")
    value = layers.Conv2D(8, 3, padding="same")(entry)
    mean, variance = ops.mean(value, axis=(1, 2), keepdims=True), ops.var(value, axis=(1, 2), keepdims=True)
    value = (value - mean) * ops.rsqrt(variance + 1e-3)
    rows = ops.reshape(value, (-1, 16 * 20, 8))
    scores = ops.softmax(ops.matmul(rows, ops.transpose(rows, (0, 2, 1))) / 3.0)
    rows = ops.matmul(scores, rows) + ops.sin(rows) * ops.where(rows > 0, rows, 0.1 * rows)
    high, low = ops.split(ops.reshape(rows, (-1, 16, 20, 8)), 2, axis=-1)
    pooled = ops.max(ops.concatenate([ops.square(high), ops.tanh(low)], axis=-1), axis=1)
    return keras.Model(entry, layers.Dense(3)(ops.einsum("bwc,bwd->bcd", pooled, pooled)))


def three_dimensions() -> Any:
    """A volume through 3D convolutions, cropped, in groups, and up again."""
    import keras
    from keras import layers

    entry = keras.Input((6, 10, 8, 4))
    value = layers.Cropping3D(((1, 0), (0, 2), (1, 1)))(entry)
    value = layers.Conv3D(8, (2, 3, 3), strides=(1, 2, 1), padding="same", groups=2)(value)
    value = layers.PReLU(shared_axes=[1, 2, 3])(layers.GroupNormalization(4)(value))
    value = layers.Conv3DTranspose(5, 3, strides=2, padding="same")(value)
    value = layers.MaxPooling3D((2, 2, 3), padding="same")(value)
    return keras.Model(entry, layers.Dense(4)(layers.Flatten()(value)))


def wave_net() -> Any:
    """Causal, dilated, gated convolutions with residuals; the length stays open."""
    import keras
    from keras import layers

    entry = keras.Input((None, 6), name="sequence")
    value = layers.Conv1D(8, 2, padding="causal")(entry)
    skips = []
    for dilation in (1, 2, 4):
        gate = layers.Conv1D(8, 2, padding="causal", dilation_rate=dilation, activation="sigmoid")(value)
        feature = layers.Conv1D(8, 2, padding="causal", dilation_rate=dilation, activation="tanh")(value)
        product = layers.Multiply()([gate, feature])
        skips.append(layers.Conv1D(10, 1)(product))
        value = layers.Add()([value, layers.Conv1D(8, 1)(product)])
    return keras.Model(entry, layers.Conv1D(5, 1)(layers.ReLU()(layers.Add()(skips))))


def _row(name: str, make: Callable[[], Any], *inputs: Entry, told: bool = False, gain: float = 1) -> Model:
    return Model(name, "people's own", make, inputs, "others", told=told, gain=gain)


MODELS = (
    _row("unet", unet, Entry((32, 48, 3))),
    _row("lstm_stack", lstm_stack, IDS, gain=4),
    _row("gru_both_ways", gru_both_ways, SEQUENCE),
    _row("two_towers", two_towers, Entry((24, 20, 3), "one"), Entry((24, 20, 3), "two")),
    _row("nested_sequential", nested_sequential, Entry((12, 10, 3))),
    _row("subclassed", subclassed, Entry((LENGTH, 6)), told=True),
    _row("frames", frames, Entry((5, 16, 12, 3))),
    _row("masked_attention", masked_attention, IDS, Entry((LENGTH + 3,), "context", below=WORDS)),
    _row("conv_lstm", conv_lstm, Entry((4, 12, 10, 3))),
    _row("operations", operations, Entry((16, 20, 6), "image")),
    _row("three_dimensions", three_dimensions, Entry((6, 10, 8, 4))),
    _row("wave_net", wave_net, SEQUENCE),
)
