"""Recurrent layers: gates, double biases, stacks, directions, cells, and what of their values is taken."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import homolog
from homolog.errors import Mismatch, Unsupported
from homolog.keras.model import read_model
from homolog.network import open_network
from homolog.passes import normalise

from .laws import Laws, Twins, case, run

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
