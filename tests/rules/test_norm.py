"""Normalisation, with statistics, scales and shifts that are trivial nowhere."""

from __future__ import annotations

import pytest

from homolog.opening import open_network

from .laws import Laws, case


class TestNorm(Laws):
    CASES = (
        case("BatchNorm1d(5, 1e-3)", "BatchNormalization()", (2, 5)),
        case("BatchNorm1d(5, 1e-3)", "BatchNormalization()", (2, 5, 7)),
        case("BatchNorm2d(5)", "BatchNormalization(epsilon=1e-5)", (2, 5, 7, 3)),
        case("BatchNorm2d(5, momentum=0.03)", "BatchNormalization(epsilon=1e-5, momentum=0.97)", (2, 5, 7, 3)),
        case("BatchNorm2d(5)", "BatchNormalization(axis=1, epsilon=1e-5)", (2, 5, 7, 3), moved=False),
        case("BatchNorm2d(5, 1e-3, affine=False)", "BatchNormalization(scale=False, center=False)", (2, 5, 7, 3)),
        case("BatchNorm3d(5, 1e-3)", "BatchNormalization()", (2, 5, 7, 3, 4)),
        case("(Conv2d(5, 4, 3), BatchNorm2d(4, 1e-3))", "(Conv2D(4, 3), BatchNormalization())", (2, 5, 7, 9)),
        case("BatchNorm2d(5)", "BatchNormalization()", (2, 5, 7, 3), differs=("eps",)),
        case(
            "(Conv2d(5, 4, 2), BatchNorm2d(4, 1e-3))",
            "(Conv2D(4, 2), BatchNormalization(axis=2))",
            (2, 5, 7, 5),
            differs=("over",),
        ),
        case("LayerNorm(5, 1e-3)", "LayerNormalization()", (2, 5)),
        case("LayerNorm(5)", "LayerNormalization(epsilon=1e-5)", (2, 3, 5), moved=False),
        case("LayerNorm(5, 1e-3, bias=False)", "LayerNormalization(center=False)", (2, 3, 5), moved=False),
        case(
            "LayerNorm(5, 1e-3, elementwise_affine=False)",
            "LayerNormalization(center=False, scale=False)",
            (2, 3, 5),
            moved=False,
        ),
        case("LayerNorm((3, 5), 1e-3)", "LayerNormalization(axis=(1, 2))", (2, 3, 5), moved=False),
        case("LayerNorm((3, 5), 1e-3)", "LayerNormalization(axis=[-1, -2])", (2, 4, 3, 5), moved=False),
        case(
            "(Conv2d(5, 4, 2), LayerNorm((4, 6, 8)))",
            "(Conv2D(4, 2), LayerNormalization((1, 2, 3), 1e-5))",
            (2, 5, 7, 9),
        ),
        case(
            "(Conv2d(5, 4, 2), LayerNorm(8))", "(Conv2D(4, 2), LayerNormalization(epsilon=1e-5, axis=2))", (2, 5, 7, 9)
        ),
        case(
            "(Conv2d(5, 4, 2), LayerNorm(4))",
            "(Conv2D(4, 2), LayerNormalization(epsilon=1e-5))",
            (2, 5, 7, 5),
            differs=("over",),
        ),
        case("GroupNorm(2, 6, 1e-3)", "GroupNormalization(2)", (2, 6, 7, 3)),
        case("GroupNorm(3, 6)", "GroupNormalization(3, epsilon=1e-5)", (2, 6, 7)),
        case("GroupNorm(6, 6, 1e-3)", "GroupNormalization(-1)", (2, 6, 7, 3)),
        case("GroupNorm(2, 6, 1e-3)", "GroupNormalization(2, axis=1)", (2, 6, 7, 3), moved=False),
        case("GroupNorm(2, 6, 1e-3, affine=False)", "GroupNormalization(2, center=False, scale=False)", (2, 6, 7, 3)),
        case("GroupNorm(2, 6, 1e-3)", "GroupNormalization(3)", (2, 6, 7, 3), differs=("num_groups",)),
    )


@pytest.mark.filterwarnings("ignore:You passed `rms_scaling=True`:UserWarning")
class TestRootMeanSquare(Laws):
    CASES = (
        case("RMSNorm(5, 1e-6)", "RMSNormalization()", (2, 3, 5), moved=False),
        case("RMSNorm(5, 1e-3)", "RMSNormalization(epsilon=1e-3)", (2, 5)),
        case("RMSNorm((3, 5), 1e-6)", "RMSNormalization(axis=(1, 2))", (2, 3, 5), moved=False),
        case("RMSNorm(5, 1e-5)", "RMSNormalization()", (2, 3, 5), moved=False, differs=("eps",)),
        # Keras's older switch divides by the deviation, without taking the mean off
        case(
            "LayerNorm(5, 1e-3, bias=False)",
            "LayerNormalization(rms_scaling=True)",
            (2, 3, 5),
            moved=False,
            differs=("rms_scaling",),
        ),
    )


class TestInstance(Laws):
    CASES = (
        case("InstanceNorm1d(5, 1e-3, affine=True)", "GroupNormalization(-1)", (2, 5, 7)),
        case("InstanceNorm2d(5, 1e-3)", "GroupNormalization(-1, center=False, scale=False)", (2, 5, 7, 3)),
        case("InstanceNorm3d(5, affine=True)", "GroupNormalization(-1, epsilon=1e-5)", (2, 5, 7, 3, 4)),
        case("InstanceNorm2d(6, 1e-3, affine=True)", "GroupNormalization(6)", (2, 6, 7, 3)),
        # with stored statistics it does what a batch norm does
        case("InstanceNorm2d(5, 1e-3, affine=True, track_running_stats=True)", "BatchNormalization()", (2, 5, 7, 3)),
        case("InstanceNorm2d(6, 1e-3, affine=True)", "GroupNormalization(3)", (2, 6, 7, 3), differs=("num_groups",)),
    )


def test_unit_length_is_a_kind_of_its_own() -> None:
    import keras

    entry = keras.Input((3, 5))
    layer = keras.layers.UnitNormalization(axis=-1, name="unit")
    node = open_network(keras.Model(entry, layer(entry))).graph().nodes["unit"]
    assert (node.kind, node.fields["axis"], node.shapes) == ("unit_norm", (2,), ((None, 3, 5),))
