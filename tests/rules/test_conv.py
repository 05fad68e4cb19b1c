"""Convolutions: plain, grouped, depthwise, transposed, with their padding."""

from __future__ import annotations

import numpy as np
import pytest

import homolog

from .laws import Laws, Twins, case, run

# PyTorch speaks of its cost, once in each process
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning")


class TestConv(Laws):
    CASES = (
        case("Conv1d(4, 6, 3)", "Conv1D(6, 3)", (2, 4, 9)),
        case("Conv1d(4, 6, 3, stride=2, bias=False)", "Conv1D(6, 3, strides=2, use_bias=False)", (2, 4, 9)),
        case("Conv1d(4, 6, 3, dilation=2)", "Conv1D(6, 3, dilation_rate=2)", (2, 4, 9)),
        case("Conv1d(4, 6, 3, padding='same')", "Conv1D(6, 3, padding='same')", (2, 4, 9)),
        case("Conv1d(4, 6, 4, padding='same')", "Conv1D(6, 4, padding='same')", (2, 4, 9)),
        case(
            "(ConstantPad1d((4, 0), 0), Conv1d(4, 6, 3, dilation=2))",
            "Conv1D(6, 3, dilation_rate=2, padding='causal')",
            (2, 4, 9),
        ),
        case("(ZeroPad1d((2, 0)), Conv1d(4, 6, 3, 2))", "Conv1D(6, 3, 2, padding='causal')", (2, 4, 9)),
        case("Conv2d(4, 6, (3, 2))", "Conv2D(6, (3, 2))", (2, 4, 9, 7)),
        case("Conv2d(4, 6, (3, 2), stride=(2, 3))", "Conv2D(6, (3, 2), strides=(2, 3))", (2, 4, 9, 7)),
        case("Conv2d(4, 6, 3, dilation=(2, 3))", "Conv2D(6, 3, dilation_rate=(2, 3))", (2, 4, 9, 8)),
        case("Conv2d(4, 6, 3, groups=2)", "Conv2D(6, 3, groups=2)", (2, 4, 9, 7)),
        case("Conv2d(4, 6, 3, padding=1)", "Conv2D(6, 3, padding='same')", (2, 4, 9, 7)),
        case("Conv2d(4, 6, (5, 3), padding=(2, 1))", "Conv2D(6, (5, 3), padding='same')", (2, 4, 9, 7)),
        case("Conv2d(4, 6, (4, 3), padding='same')", "Conv2D(6, (4, 3), padding='same')", (2, 4, 9, 7)),
        case("Conv2d(4, 6, 3, padding='valid')", "Conv2D(6, 3, padding='valid')", (2, 4, 9, 7)),
        case("Conv2d(4, 6, 3, dilation=2, padding=2)", "Conv2D(6, 3, dilation_rate=2, padding='same')", (2, 4, 9, 7)),
        # same at stride 2: as much on both sides at odd lengths, the odd pad behind at even ones
        case("Conv2d(4, 6, 3, 2, padding=1)", "Conv2D(6, 3, 2, padding='same')", (2, 4, 9, 7)),
        case("(ZeroPad2d((0, 1, 0, 1)), Conv2d(4, 6, 3, 2))", "Conv2D(6, 3, 2, padding='same')", (2, 4, 8, 6)),
        case("(ZeroPad2d((1, 1, 0, 1)), Conv2d(4, 6, 3, 2))", "Conv2D(6, 3, 2, padding='same')", (2, 4, 8, 7)),
        case("Conv2d(4, 6, 1, 2)", "Conv2D(6, 1, 2, padding='same')", (2, 4, 8, 7)),
        case("Conv2d(4, 6, 3, 2, padding=1)", "(ZeroPadding2D(1), Conv2D(6, 3, 2))", (2, 4, 8, 6)),
        case("Conv2d(4, 6, 5, padding=(3, 2))", "(ZeroPadding2D((3, 2)), Conv2D(6, 5))", (2, 4, 8, 6)),
        case(
            "(ZeroPad2d((2, 1, 0, 3)), Conv2d(4, 6, 5))",
            "(ZeroPadding2D(((0, 3), (2, 1))), Conv2D(6, 5))",
            (2, 4, 8, 6),
        ),
        case("Conv3d(4, 6, (3, 2, 1))", "Conv3D(6, (3, 2, 1))", (2, 4, 5, 7, 3)),
        case("Conv3d(4, 6, 3, (1, 2, 3), 1)", "(ZeroPadding3D(1), Conv3D(6, 3, (1, 2, 3)))", (2, 4, 5, 7, 3)),
        case(
            "Conv3d(4, 6, 3, padding='same', bias=False)",
            "Conv3D(6, 3, padding='same', use_bias=False)",
            (2, 4, 5, 7, 3),
        ),
        case("(Conv2d(4, 6, 3), ReLU())", "Conv2D(6, 3, activation='relu')", (2, 4, 9, 7)),
        case("Conv2d(4, 6, 3, 2, padding=1)", "Conv2D(6, 3, 2, padding='same')", (2, 4, 8, 6), differs=("padding",)),
        case("Conv2d(4, 6, 3, stride=2)", "Conv2D(6, 3)", (2, 4, 8, 6), differs=("stride",)),
    )


class TestSeparable(Laws):
    CASES = (
        case(
            "(Conv1d(4, 8, 3, groups=4, bias=False), Conv1d(8, 6, 1))",
            "SeparableConv1D(6, 3, depth_multiplier=2)",
            (2, 4, 9),
        ),
        case(
            "(Conv2d(4, 4, (3, 2), groups=4, bias=False), Conv2d(4, 6, 1, bias=False), ReLU())",
            "SeparableConv2D(6, (3, 2), use_bias=False, activation='relu')",
            (2, 4, 9, 7),
        ),
        case(
            "(Conv2d(4, 12, 3, 2, padding=1, groups=4, bias=False), Conv2d(12, 6, 1))",
            "SeparableConv2D(6, 3, 2, padding='same', depth_multiplier=3)",
            (2, 4, 9, 7),
        ),
        case(
            "(Conv2d(4, 4, 3, dilation=2, padding=2, groups=4, bias=False), Conv2d(4, 6, 1))",
            "SeparableConv2D(6, 3, dilation_rate=2, padding='same')",
            (2, 4, 9, 7),
        ),
        case(
            "(Conv2d(4, 4, 3, 2, groups=4, bias=False), Conv2d(4, 6, 1))",
            "SeparableConv2D(6, 3)",
            (2, 4, 8, 6),
            differs=("stride",),
        ),
    )


class TestDepthwise(Laws):
    CASES = (
        case("Conv1d(4, 4, 3, groups=4)", "DepthwiseConv1D(3)", (2, 4, 9)),
        case("Conv1d(4, 12, 3, stride=2, groups=4)", "DepthwiseConv1D(3, 2, depth_multiplier=3)", (2, 4, 9)),
        case("Conv2d(4, 4, (3, 2), groups=4, bias=False)", "DepthwiseConv2D((3, 2), use_bias=False)", (2, 4, 9, 7)),
        case(
            "Conv2d(4, 12, (3, 2), padding='same', groups=4)",
            "DepthwiseConv2D((3, 2), depth_multiplier=3, padding='same')",
            (2, 4, 9, 7),
        ),
        case(
            "(ZeroPad2d((0, 1, 0, 1)), Conv2d(4, 8, 3, 2, groups=4))",
            "DepthwiseConv2D(3, 2, depth_multiplier=2, padding='same')",
            (2, 4, 8, 6),
        ),
        case(
            "Conv2d(4, 8, 3, dilation=2, groups=4)",
            "DepthwiseConv2D(3, dilation_rate=2, depth_multiplier=2)",
            (2, 4, 9, 7),
        ),
        case("(Conv2d(4, 4, 3, groups=4), ReLU6())", "(DepthwiseConv2D(3), ReLU(max_value=6))", (2, 4, 9, 7)),
    )


class TestTransposed(Laws):
    CASES = (
        case("ConvTranspose1d(4, 6, 3)", "Conv1DTranspose(6, 3)", (2, 4, 9)),
        case("ConvTranspose1d(4, 6, 3, 2)", "Conv1DTranspose(6, 3, 2)", (2, 4, 9)),
        case(
            "ConvTranspose1d(4, 6, 3, 2, 1, 1)",
            "Conv1DTranspose(6, 3, 2, padding='same', output_padding=1)",
            (2, 4, 9),
            differs=("padding",),
        ),
        case("ConvTranspose1d(4, 6, 4, 2, 1)", "Conv1DTranspose(6, 4, 2, padding='same')", (2, 4, 9)),
        case("ConvTranspose1d(4, 6, 2, 3, 0, 1)", "Conv1DTranspose(6, 2, 3)", (2, 4, 9)),
        case("ConvTranspose2d(4, 6, (3, 2))", "Conv2DTranspose(6, (3, 2))", (2, 4, 5, 7)),
        case("ConvTranspose2d(4, 6, (3, 2), bias=False)", "Conv2DTranspose(6, (3, 2), use_bias=False)", (2, 4, 5, 7)),
        case("ConvTranspose2d(4, 6, 2, 2)", "Conv2DTranspose(6, 2, 2)", (2, 4, 5, 7)),
        case("ConvTranspose2d(4, 6, 2, 2)", "Conv2DTranspose(6, 2, 2, padding='same')", (2, 4, 5, 7)),
        case("ConvTranspose2d(4, 6, 4, 2, 1)", "Conv2DTranspose(6, 4, 2, padding='same')", (2, 4, 5, 7)),
        case("ConvTranspose2d(4, 6, 3, 1, 1)", "Conv2DTranspose(6, 3, padding='same')", (2, 4, 5, 7)),
        case("ConvTranspose2d(4, 6, 5, (1, 3), (2, 1))", "Conv2DTranspose(6, 5, (1, 3), padding='same')", (2, 4, 5, 7)),
        case("ConvTranspose2d(4, 6, 1, 2, 0, 1)", "Conv2DTranspose(6, 1, 2, padding='same')", (2, 4, 5, 7)),
        case("ConvTranspose2d(4, 6, 2, 3, 0, 1)", "Conv2DTranspose(6, 2, 3)", (2, 4, 5, 7)),
        case("ConvTranspose2d(4, 6, 2, 3, 0, 1)", "Conv2DTranspose(6, 2, 3, padding='same')", (2, 4, 5, 7)),
        case("ConvTranspose2d(4, 6, 3, 2, 0, 1)", "Conv2DTranspose(6, 3, 2, output_padding=1)", (2, 4, 5, 7)),
        case(
            "ConvTranspose2d(4, 6, 3, 2, 1, 1)",
            "Conv2DTranspose(6, 3, 2, padding='same', output_padding=1)",
            (2, 4, 5, 7),
            differs=("padding",),
        ),
        case(
            "ConvTranspose2d(4, 6, 3, 2, 1, 0)",
            "Conv2DTranspose(6, 3, 2, padding='same', output_padding=0)",
            (2, 4, 5, 7),
        ),
        case(
            "ConvTranspose2d(4, 6, 4, 2, 2, 1)",
            "Conv2DTranspose(6, 4, 2, padding='same', output_padding=1)",
            (2, 4, 5, 7),
            differs=("padding",),
        ),
        # Keras crops the odd one in front, PyTorch can only crop as much on both sides and less behind
        case(
            "ConvTranspose2d(4, 6, 3, 2, 1, 1)",
            "Conv2DTranspose(6, 3, 2, padding='same')",
            (2, 4, 5, 7),
            differs=("padding",),
        ),
        case("ConvTranspose3d(4, 6, (3, 2, 1), 2, 0, (0, 0, 1))", "Conv3DTranspose(6, (3, 2, 1), 2)", (2, 4, 5, 7, 3)),
        case("ConvTranspose3d(4, 6, 4, 2, 1)", "Conv3DTranspose(6, 4, 2, padding='same')", (2, 4, 5, 7, 3)),
    )


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "extra"),
    [
        (3, 2, "same", None),
        (3, 2, "same", 1),
        (3, 2, "same", 0),
        (4, 2, "same", None),
        (4, 3, "same", None),
        (4, 3, "same", 1),
        (5, 2, "same", 1),
        (5, 3, "same", 2),
        (2, 3, "same", None),
        (1, 3, "same", None),
        (5, 1, "same", None),
        (4, 1, "same", None),
        (3, 2, "valid", None),
        (2, 3, "valid", None),
        (1, 3, "valid", None),
        (3, 3, "valid", 2),
        (4, 2, "valid", 1),
    ],
)
def test_what_a_transposed_convolution_of_keras_crops(
    kernel: int, stride: int, padding: str, extra: int | None
) -> None:
    """The crop that the rule tells, done by hand on PyTorch's full output."""
    twins = Twins(
        case(
            f"ConvTranspose1d(4, 6, {kernel}, {stride})",
            f"Conv1DTranspose(6, {kernel}, {stride}, padding='{padding}', output_padding={extra})",
            (2, 4, 9),
            differs=("padding",),
        )
    )
    import torch

    homolog.copy(twins.torch, into=twins.keras, inputs=twins.inputs(), run=False, allow_differences=True)
    (node,) = (node for node in twins.graphs["keras"].nodes.values() if node.kind == "conv_transpose1d")
    ((before, after),) = node.fields["padding"]
    (full,), (found,) = run(twins.torch, twins.inputs()), run(twins.keras, twins.keras_inputs())
    bias = twins.torch.bias.detach()[:, None]
    inside = torch.nn.functional.pad(torch.from_numpy(full) - bias, (-before, -after)) + bias
    np.testing.assert_allclose(found, inside.numpy().transpose(0, 2, 1), atol=1e-5)
