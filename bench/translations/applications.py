"""keras.applications: every model, with its classifier, at an image that is not square.

Their softmax is left out, as users can: of random weights it gives nearly the same for every image.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.translations.model import Entry, Model

NAMES = (
    *("ConvNeXtBase", "ConvNeXtLarge", "ConvNeXtSmall", "ConvNeXtTiny", "ConvNeXtXLarge", "DenseNet121", "DenseNet169"),
    *("DenseNet201", "EfficientNetB0", "EfficientNetB1", "EfficientNetB2", "EfficientNetB3", "EfficientNetB4"),
    *("EfficientNetB5", "EfficientNetB6", "EfficientNetB7", "EfficientNetV2B0", "EfficientNetV2B1"),
    *("EfficientNetV2B2", "EfficientNetV2B3", "EfficientNetV2L", "EfficientNetV2M", "EfficientNetV2S"),
    *("InceptionResNetV2", "InceptionV3", "MobileNet", "MobileNetV2", "MobileNetV3Large", "MobileNetV3Small"),
    *("NASNetLarge", "NASNetMobile", "ResNet101", "ResNet101V2", "ResNet152", "ResNet152V2", "ResNet50", "ResNet50V2"),
    *("VGG16", "VGG19", "Xception"),
)
"""All that ``keras.applications`` has."""
SIZE = (64, 96)
SIZES = {
    **dict.fromkeys(("InceptionResNetV2", "InceptionV3", "Xception"), (96, 128)),
    "EfficientNetV2L": (160, 192),
}
"""Those that take no image as small as that; and one so deep that with statistics of the few places that are left of
so small an image it magnifies even float64's rounding to its outputs."""
OF_BYTES = ("ConvNeXt", "EfficientNet", "MobileNetV3")
"""They begin with their own preprocessing."""
ALONE = ("ConvNeXtLarge", "ConvNeXtXLarge", "EfficientNetV2L", "EfficientNetB7", "NASNetLarge", "VGG16", "VGG19")


def factory(name: str, size: tuple[int, int]) -> Callable[[], Any]:
    """What makes a model with random weights."""

    def make() -> Any:
        import keras

        return getattr(keras.applications, name)(weights=None, input_shape=(*size, 3), classifier_activation=None)

    return make


def _model(name: str) -> Model:
    size = SIZES.get(name, SIZE)
    entry = Entry((*size, 3), scale=255 if name.startswith(OF_BYTES) else 1)
    return Model(name, "keras.applications", factory(name, size), (entry,), alone=name in ALONE, told=False)


MODELS = tuple(map(_model, NAMES))
