"""Flatten, reshape, permute; padding, cropping, upsampling."""

from __future__ import annotations

from .laws import Laws, case

SHAPE = (2, 4, 7, 5)
PLAIN = (2, 3, 4, 5)


class TestRearranging(Laws):
    CASES = (
        case("Flatten()", "Flatten()", PLAIN, moved=False),
        case("Flatten()", "Reshape((-1,))", PLAIN, moved=False),
        case("lambda x: x.view(x.size(0), -1)", "Flatten()", PLAIN, moved=False),
        case("lambda x: x.reshape(-1, 60)", "Reshape((60,))", PLAIN, moved=False),
        case("lambda x: x.reshape(2, 12, -1)", "Reshape((12, -1))", PLAIN, moved=False),
        case("lambda x: x.reshape(2, 12, -1)", "lambda x: keras.ops.reshape(x, (-1, 12, 5))", PLAIN, moved=False),
        case("Unflatten(1, (3, 4))", "Reshape((3, 4))", (2, 12)),
        case("Unflatten(-1, (2, -1))", "Reshape((3, 2, 4))", (2, 3, 8), moved=False),
        case("lambda x: x.permute(0, 2, 3, 1)", "Permute((2, 3, 1))", PLAIN, moved=False),
        case("lambda x: x.transpose(1, -1)", "Permute((3, 2, 1))", PLAIN, moved=False),
        case("lambda x: x.swapaxes(1, 2)", "lambda x: keras.ops.transpose(x, (0, 2, 1, 3))", PLAIN, moved=False),
        case("lambda x: x.permute(0, 2, 1).contiguous()", "Permute((2, 1))", (2, 3, 4), moved=False),
    )


class TestResizing(Laws):
    CASES = (
        case("ZeroPad1d((1, 2))", "ZeroPadding1D((1, 2))", (2, 4, 7)),
        case("ZeroPad2d(1)", "ZeroPadding2D()", SHAPE),
        case("ZeroPad2d((1, 2, 0, 3))", "ZeroPadding2D(((0, 3), (1, 2)))", SHAPE),
        case("ZeroPad3d((1, 2, 0, 3, 4, 5))", "ZeroPadding3D(((4, 5), (0, 3), (1, 2)))", (2, 4, 7, 5, 3)),
        case("ConstantPad2d(1, 0.0)", "ZeroPadding2D(1)", SHAPE),
        case("ConstantPad2d(1, 0.5)", "ZeroPadding2D(1)", SHAPE, differs=("value",)),
        case("ReflectionPad2d(1)", "ZeroPadding2D(1)", SHAPE, differs=("mode",)),
        case("ZeroPad1d((-1, -2))", "Cropping1D((1, 2))", (2, 4, 7)),
        case("ZeroPad2d((-1, -2, 0, -3))", "Cropping2D(((0, 3), (1, 2)))", SHAPE),
        case("ZeroPad3d(-1)", "Cropping3D(1)", (2, 4, 7, 5, 3)),
        case("Upsample(scale_factor=3)", "UpSampling1D(3)", (2, 4, 7)),
        case("Upsample(scale_factor=2)", "UpSampling2D()", SHAPE),
        case("Upsample(scale_factor=(2, 3))", "UpSampling2D((2, 3))", SHAPE),
        case("Upsample((14, 15))", "UpSampling2D((2, 3))", SHAPE),
        case("UpsamplingNearest2d(scale_factor=2)", "UpSampling2D()", SHAPE),
        case("Upsample(scale_factor=2, mode='bilinear')", "UpSampling2D(interpolation='bilinear')", SHAPE, double=1e-6),
        case(
            "UpsamplingBilinear2d(scale_factor=2)",
            "UpSampling2D(interpolation='bilinear')",
            SHAPE,
            differs=("align_corners",),
        ),
        case(
            "Upsample(scale_factor=2, mode='bicubic')",
            "UpSampling2D(interpolation='bicubic')",
            SHAPE,
            differs=("mode",),
        ),
        case("Upsample(scale_factor=2)", "UpSampling3D(2)", (2, 4, 3, 5, 6)),
    )
