"""The networks that are translated: torchvision's, as its users make them, with random weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

TRACED, OTHER = 2, 3
"""The size of the batch that a tool is given, and of the one that its model is tried with: not the same."""


@dataclass(frozen=True)
class Network:
    """One network.

    Attributes:
        name: of the function of torchvision.models that makes it.
        settings: given to that function, so that nothing is fetched and nothing is warned of.
        size: height and width of its images.
    """

    name: str
    settings: dict[str, Any] = field(default_factory=dict)
    size: int = 224

    def build(self) -> torch.nn.Module:
        """The module, the same weights and statistics on every run and in every environment."""
        import torch
        from torchvision import models

        from bench.pairs.perturb import perturb_torch

        torch.manual_seed(1)
        module: torch.nn.Module = models.get_model(self.name, weights=None, **self.settings)
        perturb_torch(module, [self.images(TRACED, seed=2)], seed=3)
        return module

    def images(self, batch: int, seed: int) -> np.ndarray[Any, Any]:
        """Random images, channels first."""
        random = np.random.default_rng(seed)
        return random.standard_normal((batch, 3, self.size, self.size)).astype(np.float32)


SEGMENTATION = {"weights_backbone": None}

NETWORKS = (
    Network("resnet18"),
    Network("resnet50"),
    Network("vgg16"),
    Network("densenet121"),
    Network("mobilenet_v2"),
    Network("mobilenet_v3_small"),
    Network("efficientnet_b0"),
    Network("convnext_tiny"),
    Network("googlenet", {"init_weights": False}),
    Network("shufflenet_v2_x1_0"),
    Network("squeezenet1_0"),
    Network("mnasnet0_5"),
    Network("regnet_y_400mf"),
    Network("vit_b_16"),
    Network("swin_t"),
    Network("fcn_resnet50", SEGMENTATION),
    Network("lraspp_mobilenet_v3_large", SEGMENTATION),
)
BY_NAME = {network.name: network for network in NETWORKS}
