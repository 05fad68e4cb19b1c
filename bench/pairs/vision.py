"""keras.applications against torchvision and timm."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bench.pairs.pair import Input, Pair

if TYPE_CHECKING:
    import torch


def torchvision(name: str, **settings: object) -> Callable[[], torch.nn.Module]:
    """A factory of a torchvision classifier."""

    def make() -> torch.nn.Module:
        from torchvision import models

        module: torch.nn.Module = getattr(models, name)(weights=None, **settings)
        return module

    return make


def timm(name: str) -> Callable[[], torch.nn.Module]:
    """A factory of a timm classifier."""

    def make() -> torch.nn.Module:
        import timm

        module: torch.nn.Module = timm.create_model(name, pretrained=False)
        return module

    return make


def applications(name: str, size: int = 224, **settings: bool) -> Callable[[], Any]:
    """A factory of a classifier of keras.applications that gives logits, as the torch ones do."""

    def make() -> Any:
        import keras

        factory = getattr(keras.applications, name)
        return factory(weights=None, input_shape=(size, size, 3), classifier_activation=None, **settings)

    return make


def images(size: int = 224) -> tuple[Input, ...]:
    return (Input((2, 3, size, size)),)


RAW: dict[str, bool] = {"include_preprocessing": False}

PAIRS = (
    Pair("vgg16", torchvision("vgg16"), applications("VGG16"), images()),
    Pair(
        "densenet121",
        torchvision("densenet121"),
        applications("DenseNet121"),
        images(),
        known=("eps",),  # 1.001e-5 in keras.applications
        visible=False,
    ),
    Pair("convnext_tiny", torchvision("convnext_tiny"), applications("ConvNeXtTiny", **RAW), images()),
    Pair("timm_convnext_tiny", timm("convnext_tiny"), applications("ConvNeXtTiny", **RAW), images()),
    Pair("efficientnetv2_b0", timm("tf_efficientnetv2_b0"), applications("EfficientNetV2B0", **RAW), images()),
    Pair(
        "efficientnet_b0",
        timm("tf_efficientnet_b0"),
        applications("EfficientNetB0"),
        images(),
        known=("preprocessing",),  # rescaling and normalisation are part of the Keras model
    ),
    Pair("inception_resnet_v2", timm("inception_resnet_v2"), applications("InceptionResNetV2", 299), images(299)),
    Pair(
        "xception",
        timm("legacy_xception"),
        applications("Xception", 299),
        images(299),
        known=("eps", "padding"),  # of the pooling at even sizes
    ),
    Pair(
        "mobilenet_v2",
        torchvision("mobilenet_v2"),
        applications("MobileNetV2"),
        images(),
        known=("eps", "padding"),
    ),
    Pair(
        "mobilenet_v3_large",
        torchvision("mobilenet_v3_large"),
        applications("MobileNetV3Large", **RAW),
        images(),
        known=("padding",),
    ),
    Pair("resnet50", torchvision("resnet50"), applications("ResNet50"), images(), known=("eps", "stride")),
    Pair(
        "inception_v3",
        torchvision("inception_v3", aux_logits=False, init_weights=False),
        applications("InceptionV3", 299),
        images(299),
        known=("count_include_pad",),
    ),
)
