"""Recurrent layers: gates, double biases, stacks, directions, cells, and what of their values is taken."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import homolog
from homolog.errors import Mismatch, Unsupported
from homolog.keras.model import read_model
from homolog.opening import open_network
from homolog.passes import normalise
from homolog.pytorch.read import tree_of
from homolog.pytorch.tree import read_tree

from .laws import Laws, case, of, perturbed

SEQUENCE = (2, 3, 5)


class TestLayers(Laws):
    CASES = (
        case("Of(LSTM(5, 4, batch_first=True))", "LSTM(4, return_sequences=True)", SEQUENCE, moved=False, lossy=True),
        case(
            "Of(LSTM(5, 4, batch_first=True, bias=False))",
            "LSTM(4, return_sequences=True, use_bias=False)",
            SEQUENCE,
            moved=False,
        ),
        case("Of(GRU(5, 4, batch_first=True))", "GRU(4, return_sequences=True)", SEQUENCE, moved=False),
        case(
            "Of(GRU(5, 4, batch_first=True, bias=False))",
            "GRU(4, return_sequences=True, use_bias=False)",
            SEQUENCE,
            moved=False,
        ),
        case(
            "Of(RNN(5, 4, batch_first=True))", "SimpleRNN(4, return_sequences=True)", SEQUENCE, moved=False, lossy=True
        ),
        case(
            "Of(RNN(5, 4, batch_first=True, nonlinearity='relu'))",
            "SimpleRNN(4, return_sequences=True, activation='relu')",
            SEQUENCE,
            moved=False,
            lossy=True,
        ),
        # the last step, picked from the sequence or given as the state
        case(
            "Of(LSTM(5, 4, batch_first=True), lambda given: given[0][:, -1])",
            "LSTM(4)",
            SEQUENCE,
            moved=False,
            lossy=True,
        ),
        case(
            "Of(LSTM(5, 4, batch_first=True), lambda given: given[1][0][-1])",
            "LSTM(4)",
            SEQUENCE,
            moved=False,
            lossy=True,
        ),
        case("Of(GRU(5, 4, batch_first=True), lambda given: given[1].squeeze(0))", "GRU(4)", SEQUENCE, moved=False),
        case(
            "Of(LSTM(5, 4, batch_first=True), lambda given: (given[1][0][0], given[1][1][0]))",
            "lambda x: LSTM(4, return_state=True)(x)[1:]",
            SEQUENCE,
            moved=False,
            lossy=True,
        ),
    )


class TestStacks(Laws):
    CASES = (
        case(
            "Of(LSTM(5, 4, 2, batch_first=True))",
            "(LSTM(4, return_sequences=True), LSTM(4, return_sequences=True))",
            SEQUENCE,
            moved=False,
            lossy=True,
        ),
        case(
            "Of(GRU(5, 4, 2, batch_first=True, dropout=0.1))",
            "RNN([GRUCell(4), GRUCell(4)], return_sequences=True)",
            SEQUENCE,
            moved=False,
        ),
        case("Of(GRU(5, 4, batch_first=True))", "RNN(GRUCell(4), return_sequences=True)", SEQUENCE, moved=False),
        case(
            "Of(LSTM(5, 4, 2, batch_first=True), lambda given: given[1][0][1])",
            "RNN([LSTMCell(4), LSTMCell(4)])",
            SEQUENCE,
            moved=False,
            lossy=True,
        ),
        case(
            "Of(LSTM(5, 4, batch_first=True, bidirectional=True))",
            "Bidirectional(LSTM(4, return_sequences=True))",
            SEQUENCE,
            moved=False,
            lossy=True,
        ),
        case(
            "Of(GRU(5, 4, 2, batch_first=True, bidirectional=True))",
            "(Bidirectional(GRU(4, return_sequences=True)), Bidirectional(GRU(4, return_sequences=True)))",
            SEQUENCE,
            moved=False,
        ),
        case(
            "Of(GRU(5, 4, batch_first=True, bidirectional=True))",
            "Bidirectional(GRU(4, return_sequences=True), backward_layer=GRU(4, return_sequences=True,"
            " go_backwards=True, name='other'))",
            SEQUENCE,
            moved=False,
        ),
        # what a Bidirectional gives without the sequence is where each direction ends, not the last step of both
        case(
            "Of(GRU(5, 4, batch_first=True, bidirectional=True),"
            " lambda given: __import__('torch').cat((given[1][-2], given[1][-1]), 1))",
            "Bidirectional(GRU(4))",
            SEQUENCE,
            moved=False,
        ),
        case(
            "Of(GRU(5, 4, batch_first=True, bidirectional=True), lambda given: given[1][0] + given[1][1])",
            "Bidirectional(GRU(4), merge_mode='sum')",
            SEQUENCE,
            moved=False,
        ),
    )


class TestDifferences(Laws):
    CASES = (
        case(
            "Of(LSTM(5, 4, batch_first=True))",
            "LSTM(4, return_sequences=True, activation='relu')",
            SEQUENCE,
            moved=False,
            lossy=True,
            differs=("activation",),
        ),
        case(
            "Of(GRU(5, 4, batch_first=True))",
            "GRU(4, return_sequences=True, recurrent_activation='hard_sigmoid')",
            SEQUENCE,
            moved=False,
            differs=("recurrent_activation",),
        ),
        case(
            "Of(GRU(5, 4, batch_first=True, bias=False))",
            "GRU(4, return_sequences=True, use_bias=False, reset_after=False)",
            SEQUENCE,
            moved=False,
            differs=("reset_after",),
        ),
        case(
            "Of(RNN(5, 4, batch_first=True, nonlinearity='relu'))",
            "SimpleRNN(4, return_sequences=True)",
            SEQUENCE,
            moved=False,
            lossy=True,
            differs=("activation",),
        ),
        case(
            "Of(GRU(5, 4, batch_first=True), lambda given: given[1][0])",
            "GRU(4, go_backwards=True)",
            SEQUENCE,
            moved=False,
            differs=("go_backwards",),
        ),
    )


class TestCells(Laws):
    CASES = (
        case(
            "Of(LSTMCell(5, 4), called=lambda x, h, c: (x, (h, c)))",
            "lambda x, h, c: LSTMCell(4)(x, [h, c])[0]",
            (2, 5),
            (2, 4),
            (2, 4),
            lossy=True,
        ),
        case("GRUCell(5, 4)", "lambda x, h: GRUCell(4)(x, h)[0]", (2, 5), (2, 4)),
        case(
            "RNNCell(5, 4, nonlinearity='relu')",
            "lambda x, h: SimpleRNNCell(4, activation='relu')(x, h)[0]",
            (2, 5),
            (2, 4),
            lossy=True,
        ),
    )


def test_a_state_to_begin_with_is_an_input() -> None:
    import torch
    from torch import nn

    import keras

    ours = perturbed(of()(nn.GRU(5, 4, batch_first=True), called=lambda x, h: (x, h[None])))
    entries = [keras.Input((3, 5)), keras.Input((4,))]
    theirs = keras.Model(entries, keras.layers.GRU(4, return_sequences=True)(entries[0], initial_state=entries[1]))
    inputs = [np.random.default_rng(3).standard_normal(shape).astype("float32") for shape in (SEQUENCE, (2, 4))]
    homolog.copy(ours, into=theirs, inputs=inputs, run=False)
    with torch.no_grad():
        wanted = ours(*map(torch.from_numpy, inputs)).numpy()
    np.testing.assert_allclose(np.asarray(theirs(inputs)), wanted, atol=1e-6)
    unit = next(node for node in open_network(ours).graph(inputs).layers)
    assert len(unit.inputs) == 2


def keras_model(layer: Any, *shape: int) -> Any:
    import keras

    entry = keras.Input(shape)
    return keras.Model(entry, layer(entry))


def test_a_bias_that_keras_does_not_keep_becomes_zero() -> None:
    """Without reset_after Keras's GRU is another function, and has one bias."""
    from torch import nn

    import keras

    ours = perturbed(of()(nn.GRU(5, 4, batch_first=True)))
    theirs = keras_model(keras.layers.GRU(4, return_sequences=True, reset_after=False), 3, 5)
    inputs = [np.ones(SEQUENCE, np.float32)]
    with pytest.raises(Mismatch, match="not the same function") as caught:
        homolog.copy(theirs, into=ours, inputs=inputs, run=False)
    assert any(line.startswith("differs in reset_after") for line in caught.value.details)


def test_a_projected_state_is_refused_with_the_reason() -> None:
    from torch import nn

    with pytest.raises(Unsupported) as caught:
        read_tree(tree_of(nn.ModuleList([nn.LSTM(5, 4, proj_size=3)])))
    assert caught.value.found == "proj_size=3 (Keras has no recurrent layer that projects its state)"


def test_a_layer_that_keeps_its_state_is_refused_with_the_reason() -> None:
    import keras

    entry = keras.Input(batch_shape=SEQUENCE)
    with pytest.raises(Unsupported) as caught:
        open_network(keras.Model(entry, keras.layers.LSTM(4, stateful=True)(entry))).graph()
    assert caught.value.found == "stateful=True (its output depends on what it was called with before)"


def test_a_cell_of_the_users_own_is_refused() -> None:
    import keras

    @keras.saving.register_keras_serializable("mine")
    class LSTMCell(keras.layers.LSTMCell):
        """Of the same name as one of Keras's."""

    model = keras_model(keras.layers.RNN(LSTMCell(4)), 3, 5)
    with pytest.raises(Unsupported, match="a cell that no rule knows"):
        open_network(model).graph()


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        ("ConvLSTM1D(4, 2)", (3, 7, 5)),
        ("ConvLSTM2D(4, (3, 2), return_sequences=True)", (3, 7, 6, 5)),
        ("ConvLSTM2D(4, 3, strides=2, padding='same', use_bias=False)", (3, 7, 6, 5)),
        ("ConvLSTM3D(4, 2, dilation_rate=2)", (3, 7, 6, 8, 5)),
        ("LSTM(4, go_backwards=True, return_sequences=True)", (3, 5)),
        ("GRU(4, reset_after=False)", (3, 5)),
        ("Bidirectional(SimpleRNN(4), merge_mode='mul')", (3, 5)),
        ("Bidirectional(LSTM(4, return_sequences=True), merge_mode='ave')", (3, 5)),
        ("Bidirectional(GRU(4, return_sequences=True), merge_mode=None)", (3, 5)),
        ("RNN([LSTMCell(4), GRUCell(3)], go_backwards=True)", (3, 5)),
        ("TimeDistributed(Conv1D(4, 2))", (3, 7, 5)),
        ("TimeDistributed(LSTM(4))", (3, 7, 5)),
        ("SpectralNormalization(Dense(4))", (3, 5)),
        ("SpectralNormalization(Conv1D(4, 2, use_bias=False))", (3, 5)),
        ("ReversibleEmbedding(11, 4)", (3,)),
        ("lambda x: (E := ReversibleEmbedding(11, 4, tie_weights=False))(E(x), reverse=True)", (3,)),
        ("lambda x: (E := ReversibleEmbedding(11, 4))(E(x), reverse=True)", (3,)),
    ],
)
def test_one_keras_model_is_copied_into_another(layer: str, shape: tuple[int, ...], tmp_path: Any) -> None:
    """Live and from a file, which has no word of Keras's names for parts of a layer."""
    import keras

    def build() -> Any:
        return keras_model(eval(layer, dict(vars(keras.layers))), *shape)

    source, target = build(), build()
    random = np.random.default_rng(3)
    for variable in source.variables:
        if "seed" not in variable.path:
            variable.assign(random.normal(size=variable.shape) if variable.shape else 1.0)
    x = random.integers(0, 11, (2, *shape)) if "Embedding" in layer else random.normal(size=(2, *shape))
    wanted = run_keras(source, x)
    source.save(tmp_path / "source.keras")
    for given in (source, tmp_path / "source.keras"):
        for variable in target.variables:
            variable.assign(np.zeros(variable.shape))
        homolog.copy(given, into=target, run=False)
        for one, two in zip(wanted, run_keras(target, x), strict=True):
            np.testing.assert_allclose(two, one, atol=1e-6)
    graph = normalise(read_model(source))
    for value, array in zip(graph.outputs, wanted, strict=True):
        shapes = graph.nodes[value.node].shapes
        if len(shapes) > value.index and shapes[value.index]:
            assert shapes[value.index][1:] == array.shape[1:]


def run_keras(model: Any, x: np.ndarray) -> list[np.ndarray]:
    outputs = model(x, training=False)
    return [np.asarray(output) for output in (outputs if isinstance(outputs, list | tuple) else [outputs])]
