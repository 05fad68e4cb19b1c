"""What is translated, with random weights and statistics: torchvision's networks and those of keras.applications."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from bench.peers.outputs import Array, channels_last, flat

if TYPE_CHECKING:
    import torch

TRACED, OTHER = 2, 3
"""The size of the batch that a tool is given, and of the one that its model is tried with: not the same."""


class Network(Protocol):
    """A network of either framework.

    Attributes:
        name: of it.
    """

    @property
    def name(self) -> str: ...

    def build(self) -> Any:
        """The model, the same weights and statistics on every run and in every environment."""

    def images(self, batch: int, seed: int) -> Array:
        """Random images, as it takes them."""

    def outputs(self, model: Any, images: Array) -> list[Array]:
        """Its outputs, channels last."""

    def digest(self, model: Any) -> str:
        """Of all weights: the same in every environment."""


@dataclass(frozen=True)
class Vision:
    """A network of torchvision, as its users make it.

    Attributes:
        name: of the function of torchvision.models that makes it.
        settings: given to that function, so that nothing is fetched and nothing is warned of.
        size: height and width of its images.
    """

    name: str
    settings: dict[str, Any] = field(default_factory=dict)
    size: int = 224

    def build(self) -> torch.nn.Module:
        import torch
        from torchvision import models

        from bench.pairs.perturb import perturb_torch

        torch.manual_seed(1)
        module: torch.nn.Module = models.get_model(self.name, weights=None, **self.settings)
        perturb_torch(module, [self.images(TRACED, seed=2)], seed=3)
        return module

    def images(self, batch: int, seed: int) -> Array:
        random = np.random.default_rng(seed)
        return random.standard_normal((batch, 3, self.size, self.size)).astype(np.float32)

    def outputs(self, model: torch.nn.Module, images: Array) -> list[Array]:
        import torch

        with torch.no_grad():
            return [channels_last(output) for output in flat(model(torch.from_numpy(images)))]

    def digest(self, model: torch.nn.Module) -> str:
        return digest(tensor.numpy() for tensor in model.state_dict().values())


@dataclass(frozen=True)
class Application:
    """A model of keras.applications without its softmax, whose differences are too small to see.

    Attributes:
        name: of the function of keras.applications that makes it.
        size: height and width of its images.
        scale: of their numbers: 255 for a model that begins with its own preprocessing of bytes.
    """

    name: str
    size: int = 224
    scale: float = 1

    def build(self) -> Any:
        import keras
        from bench.pairs.perturb import perturb_keras

        keras.utils.set_random_seed(1)
        factory = getattr(keras.applications, self.name)
        model = factory(weights=None, input_shape=(self.size, self.size, 3), classifier_activation=None)
        perturb_keras(model, self.images(TRACED, seed=2), seed=3)
        return model

    def images(self, batch: int, seed: int) -> Array:
        random = np.random.default_rng(seed)
        return (self.scale * random.standard_normal((batch, self.size, self.size, 3))).astype(np.float32)

    def outputs(self, model: Any, images: Array) -> list[Array]:
        return flat(model(images, training=False))

    def digest(self, model: Any) -> str:
        return digest(np.asarray(variable) for variable in model.variables)


def digest(arrays: Iterable[Array]) -> str:
    """The first letters of a hash of all numbers."""
    return sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()[:16]


SEGMENTATION = {"weights_backbone": None}

VISION = (
    Vision("resnet18"),
    Vision("resnet50"),
    Vision("vgg16"),
    Vision("densenet121"),
    Vision("mobilenet_v2"),
    Vision("mobilenet_v3_small"),
    Vision("efficientnet_b0"),
    Vision("convnext_tiny"),
    Vision("googlenet", {"init_weights": False}),
    Vision("shufflenet_v2_x1_0"),
    Vision("squeezenet1_0"),
    Vision("mnasnet0_5"),
    Vision("regnet_y_400mf"),
    Vision("vit_b_16"),
    Vision("swin_t"),
    Vision("fcn_resnet50", SEGMENTATION),
    Vision("lraspp_mobilenet_v3_large", SEGMENTATION),
)
APPLICATIONS = (
    Application("ResNet50"),
    Application("ResNet50V2"),
    Application("VGG16"),
    Application("DenseNet121"),
    Application("MobileNet"),
    Application("MobileNetV2"),
    Application("MobileNetV3Small", scale=255),
    Application("EfficientNetB0", scale=255),
    Application("EfficientNetV2B0", scale=255),
    Application("ConvNeXtTiny", scale=255),
    Application("InceptionV3", size=299),
    Application("InceptionResNetV2", size=299),
    Application("Xception", size=299),
    Application("NASNetMobile"),
)
