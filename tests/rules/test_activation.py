"""Activations as layers, fused into others, and as operations; dropout."""

from __future__ import annotations

import pytest

from homolog import rules

from .laws import Laws, case

SHAPE = (2, 4, 7, 5)
NAMES = {
    "tanh": "Tanh()",
    "sigmoid": "Sigmoid()",
    "silu": "SiLU()",
    "swish": "SiLU()",
    "mish": "Mish()",
    "selu": "SELU()",
    "softsign": "Softsign()",
    "hard_sigmoid": "Hardsigmoid()",
    "hard_silu": "Hardswish()",
    "hard_swish": "Hardswish()",
    "log_sigmoid": "LogSigmoid()",
    "exponential": "",
    "tanh_shrink": "Tanhshrink()",
    "relu": "ReLU()",
    "relu6": "ReLU6()",
    "gelu": "GELU()",
    "leaky_relu": "LeakyReLU(0.2)",
    "elu": "ELU()",
    "celu": "CELU()",
    "softplus": "Softplus()",
    "hard_tanh": "Hardtanh()",
    "softmax": "Softmax(-1)",
    "log_softmax": "LogSoftmax(-1)",
    "linear": "Identity()",
}
"""PyTorch's word for each name of an activation."""
TAKEN_APART = {"softsign", "tanh_shrink"}
SINGLE_CONSTANTS = {"gelu": 1e-8, "leaky_relu": 1e-8, "softplus": 1e-8, "mish": 1e-8}
"""How far apart float64 may lie where TensorFlow has constants in single precision, or PyTorch cuts a softplus."""


def test_every_name_of_an_activation_has_a_case() -> None:
    assert set(NAMES) == {name for rule in rules.TABLE for name in rule.keras.activations}


class TestFused(Laws):
    CASES = tuple(
        case(
            f"(Linear(4, 6), {torch})",
            f"Dense(6, activation='{name}')",
            (2, 4),
            exported=name not in TAKEN_APART,
            double=SINGLE_CONSTANTS.get(name, 1e-12),
        )
        for name, torch in NAMES.items()
        if torch
    )


@pytest.mark.filterwarnings(
    "ignore:Implicit dimension choice for softmax:UserWarning"
)  # PyTorch, of a softmax without dim
class TestLayers(Laws):
    CASES = (
        *(
            case(
                torch,
                f"Activation('{name}')",
                (2, 4, 7),
                moved=False,
                exported=name not in TAKEN_APART,
                double=SINGLE_CONSTANTS.get(name, 1e-12),
            )
            for name, torch in NAMES.items()
            if torch
        ),
        case("ReLU(inplace=True)", "ReLU()", SHAPE, moved=False),
        case("ReLU6()", "ReLU(6)", SHAPE, moved=False),
        case("Hardtanh(0, 6)", "ReLU(6.0)", SHAPE, moved=False),
        case("LeakyReLU(0.1)", "ReLU(negative_slope=0.1)", SHAPE, moved=False, double=1e-8),
        case("LeakyReLU(0.3)", "LeakyReLU()", SHAPE, moved=False, double=1e-7),
        case("LeakyReLU()", "LeakyReLU()", SHAPE, moved=False, differs=("negative_slope",)),
        case("ReLU()", "ReLU(threshold=0.5)", SHAPE, moved=False, differs=("threshold",)),
        case("ReLU()", "ReLU(max_value=2.5)", SHAPE, moved=False, differs=("max_value",)),
        case("ELU(0.7)", "ELU(0.7)", SHAPE, moved=False),
        case("ELU(0.7)", "ELU()", SHAPE, moved=False, differs=("alpha",)),
        case("CELU(1.0)", "ELU()", SHAPE, moved=False),
        case("CELU(0.5)", "lambda x: keras.ops.celu(x, 0.5)", SHAPE, moved=False),
        case(
            "GELU(approximate='tanh')", "lambda x: keras.ops.gelu(x, approximate=True)", SHAPE, moved=False, double=1e-8
        ),
        case("GELU()", "lambda x: keras.ops.gelu(x, approximate=True)", SHAPE, moved=False, differs=("approximate",)),
        case("GELU()", "lambda x: keras.ops.gelu(x, approximate=False)", SHAPE, moved=False, double=1e-8),
        case("Softplus(2)", "Activation('softplus')", SHAPE, moved=False, differs=("beta",)),
        case("Hardtanh(-2, 1)", "Activation('hard_tanh')", SHAPE, moved=False, differs=("min_val",)),
        case("LeakyReLU(0.2)", "lambda x: keras.ops.leaky_relu(x)", SHAPE, moved=False, double=1e-8),
        case("ReLU6()", "lambda x: keras.ops.relu6(x)", SHAPE, moved=False),
        case("Sigmoid()", "lambda x: keras.ops.sigmoid(x)", SHAPE, moved=False),
        case("Softmax(1)", "Softmax(1)", (2, 4)),
        case("Softmax()", "Softmax()", (2, 4)),
        case("Softmax(2)", "Softmax()", (2, 3, 4), moved=False),
        case("Softmax(-2)", "Softmax(1)", (2, 3, 4), moved=False),
        case("Softmax(1)", "Softmax(-1)", (2, 3, 4), moved=False, differs=("over",)),
        case("(Conv2d(4, 3, 2), Softmax(1))", "Conv2D(3, 2, activation='softmax')", SHAPE),
        case("(Conv2d(4, 3, 2), Softmax(-1))", "(Conv2D(3, 2), Softmax(2))", SHAPE),
        case("(Conv2d(4, 3, 2), LogSoftmax(1))", "Conv2D(3, 2, activation='log_softmax')", SHAPE),
        case("(Conv2d(4, 3, 2), Softmax(-1))", "Conv2D(3, 2, activation='softmax')", (2, 4, 7, 4), differs=("over",)),
    )


class TestPReLU(Laws):
    CASES = (
        case("PReLU()", "PReLU(shared_axes=[1])", (2, 5)),
        case("PReLU(5)", "PReLU()", (2, 5)),
        case("PReLU()", "PReLU(shared_axes=[1, 2, 3])", SHAPE, moved=False),
        case("PReLU(4)", "PReLU(shared_axes=[1, 2])", SHAPE),
        case("PReLU(4)", "PReLU(shared_axes=[2, 3])", SHAPE, moved=False),
        case("PReLU(4)", "PReLU(shared_axes=[1])", (2, 4, 7)),
        case("(Linear(5, 6), PReLU(6))", "(Dense(6), PReLU())", (2, 5)),
        case("(Conv2d(4, 3, 2), PReLU(3))", "(Conv2D(3, 2), PReLU(shared_axes=[1, 2]))", SHAPE),
        case(
            "(Conv2d(4, 3, 2), PReLU(3))", "(Conv2D(3, 2), PReLU(shared_axes=[1, 3]))", (2, 4, 7, 4), differs=("over",)
        ),
    )


class TestNothingAtInference(Laws):
    CASES = (
        case("Dropout(0.3)", "Dropout(0.3)", SHAPE, moved=False),
        case("Dropout(0.3)", "Dropout(0.5)", SHAPE, moved=False),
        case("Dropout1d(0.3)", "SpatialDropout1D(0.3)", (2, 4, 7), moved=False),
        case("Dropout2d(0.3)", "SpatialDropout2D(0.3)", SHAPE, moved=False),
        case("Dropout3d(0.3)", "SpatialDropout3D(0.3)", (2, 4, 7, 5, 3), moved=False),
        case("AlphaDropout(0.3)", "AlphaDropout(0.3)", SHAPE, moved=False),
        case("FeatureAlphaDropout(0.3)", "AlphaDropout(0.3)", SHAPE, moved=False),
        case("Dropout(0.3)", "GaussianDropout(0.3)", SHAPE, moved=False),
        case("Dropout(0.3)", "GaussianNoise(0.3)", SHAPE, moved=False),
        case("Identity()", "Identity()", SHAPE, moved=False),
        case("Identity()", "ActivityRegularization(0.1)", SHAPE, moved=False),
        case("(Linear(5, 6), Dropout(0.3), Linear(6, 3))", "(Dense(6), Dropout(0.1), Dense(3))", (2, 5)),
    )


def test_an_activation_that_no_rule_knows_is_no_rules_kind() -> None:
    import keras
    from homolog.keras.model import read_model

    entry = keras.Input((5,))
    graph = read_model(keras.Model(entry, keras.layers.Dense(3, activation="sparsemax")(entry)))
    assert [node.kind for node in graph.nodes.values()] == ["input", "linear", "keras:activation sparsemax"]
