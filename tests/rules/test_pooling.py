"""Pooling: by windows, into cells, over everything; and which settings of it are the same function."""

from __future__ import annotations

from .laws import Laws, case


class TestWindows(Laws):
    CASES = (
        case("MaxPool1d(3)", "MaxPooling1D(3)", (2, 4, 11)),
        case("MaxPool2d(2)", "MaxPooling2D()", (2, 4, 9, 7)),
        case("MaxPool2d((3, 2), (2, 1))", "MaxPooling2D((3, 2), (2, 1))", (2, 4, 9, 7)),
        case("MaxPool2d(3, 2, 1)", "MaxPooling2D(3, 2, 'same')", (2, 4, 9, 7)),
        case("MaxPool3d((1, 2, 3))", "MaxPooling3D((1, 2, 3))", (2, 4, 5, 7, 6), double=None),
        case("AvgPool1d(3, 2)", "AveragePooling1D(3, 2)", (2, 4, 9)),
        case("AvgPool2d((3, 2))", "AveragePooling2D((3, 2))", (2, 4, 9, 7)),
        case("AvgPool2d(3, 2, 1, count_include_pad=False)", "AveragePooling2D(3, 2, 'same')", (2, 4, 9, 7)),
        case("AvgPool3d(2, (1, 2, 3))", "AveragePooling3D(2, (1, 2, 3))", (2, 4, 5, 7, 6), double=None),
        # what rounding up reaches over the end for is what Keras's same pads behind
        case("MaxPool2d(2, ceil_mode=True)", "MaxPooling2D(2, padding='same')", (2, 4, 9, 7)),
        case("MaxPool2d(2, ceil_mode=True)", "MaxPooling2D(2)", (2, 4, 8, 6)),
        case("MaxPool2d(3, 2, ceil_mode=True)", "MaxPooling2D(3, 2, padding='same')", (2, 4, 8, 6)),
        case("AvgPool2d(2, ceil_mode=True)", "AveragePooling2D(2, padding='same')", (2, 4, 9, 7)),
        case("MaxPool2d(3, 2, ceil_mode=True)", "MaxPooling2D(3, 2)", (2, 4, 8, 6), differs=("padding",)),
        case("MaxPool2d(3, 2, 1)", "MaxPooling2D(3, 2, 'same')", (2, 4, 8, 6), differs=("padding",)),
        case("MaxPool2d(3, dilation=2)", "MaxPooling2D(3)", (2, 4, 9, 8), differs=("dilation",)),
        case("AvgPool2d(3, 2, 1)", "AveragePooling2D(3, 2, 'same')", (2, 4, 9, 7), differs=("count_include_pad",)),
        # zeros in front are counted by Keras's average, and by PyTorch's own padding
        case("AvgPool2d(3, 2, 1)", "(ZeroPadding2D(1), AveragePooling2D(3, 2))", (2, 4, 9, 7)),
        case(
            "AvgPool2d(3, 2, 1, count_include_pad=False)",
            "(ZeroPadding2D(1), AveragePooling2D(3, 2))",
            (2, 4, 9, 7),
            differs=("count_include_pad",),
        ),
        # zeros are what a maximum's padding is only where nothing is negative
        case("(ReLU(), MaxPool2d(3, 2, 1))", "(ReLU(), ZeroPadding2D(1), MaxPooling2D(3, 2))", (2, 4, 9, 7)),
        case("(ZeroPad2d(1), MaxPool2d(3, 2))", "(ZeroPadding2D(1), MaxPooling2D(3, 2))", (2, 4, 9, 7)),
    )


class TestCells(Laws):
    CASES = (
        case("AdaptiveAvgPool1d(3)", "AdaptiveAveragePooling1D(3)", (2, 4, 7)),
        case("AdaptiveAvgPool2d((2, 3))", "AdaptiveAveragePooling2D((2, 3))", (2, 4, 5, 7)),
        case("AdaptiveAvgPool2d((2, None))", "AveragePooling2D((3, 1))", (2, 4, 6, 7)),
        case("AdaptiveAvgPool2d((2, 3))", "AveragePooling2D((4, 3))", (2, 4, 8, 9)),
        case("AdaptiveAvgPool2d((8, 9))", "AveragePooling2D(1)", (2, 4, 8, 9)),
        case("AdaptiveMaxPool2d((2, 3))", "AdaptiveMaxPooling2D((2, 3))", (2, 4, 5, 7)),
        case("AdaptiveMaxPool3d(2)", "AdaptiveMaxPooling3D(2)", (2, 4, 5, 7, 3), double=None),
        case("AdaptiveAvgPool1d(1)", "GlobalAveragePooling1D(keepdims=True)", (2, 4, 7)),
        case("(AdaptiveAvgPool1d(1), Flatten())", "GlobalAveragePooling1D()", (2, 4, 7)),
        case("(AdaptiveAvgPool2d(1), Flatten())", "GlobalAveragePooling2D()", (2, 4, 5, 7)),
        case("(AdaptiveAvgPool2d(1), Flatten(), Linear(4, 3))", "(GlobalAveragePooling2D(), Dense(3))", (2, 4, 5, 7)),
        case(
            "(AdaptiveAvgPool2d((1, 1)), Flatten())", "(GlobalAveragePooling2D(keepdims=True), Flatten())", (2, 4, 5, 7)
        ),
        case("AdaptiveAvgPool2d(1)", "AdaptiveAveragePooling2D(1)", (2, 4, 5, 7)),
        case("(AdaptiveMaxPool2d(1), Flatten())", "GlobalMaxPooling2D()", (2, 4, 5, 7)),
        case("(AdaptiveMaxPool3d(1), Flatten())", "GlobalMaxPooling3D()", (2, 4, 5, 7, 3)),
    )
