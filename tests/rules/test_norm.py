"""Normalisation, with statistics, scales and shifts that are trivial nowhere."""

from __future__ import annotations

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
