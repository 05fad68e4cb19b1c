"""torchvision: every classifier, segmenter, video and flow network, and the detectors, which are to be refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.translations.model import Entry, Model

if TYPE_CHECKING:
    import torch

CLASSIFIERS = (
    *("alexnet", "convnext_base", "convnext_large", "convnext_small", "convnext_tiny", "densenet121", "densenet161"),
    *("densenet169", "densenet201", "efficientnet_b0", "efficientnet_b1", "efficientnet_b2", "efficientnet_b3"),
    *("efficientnet_b4", "efficientnet_b5", "efficientnet_b6", "efficientnet_b7", "efficientnet_v2_l"),
    *("efficientnet_v2_m", "efficientnet_v2_s", "googlenet", "inception_v3", "maxvit_t", "mnasnet0_5", "mnasnet0_75"),
    *("mnasnet1_0", "mnasnet1_3", "mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small", "regnet_x_16gf"),
    *("regnet_x_1_6gf", "regnet_x_32gf", "regnet_x_3_2gf", "regnet_x_400mf", "regnet_x_800mf", "regnet_x_8gf"),
    *("regnet_y_128gf", "regnet_y_16gf", "regnet_y_1_6gf", "regnet_y_32gf", "regnet_y_3_2gf", "regnet_y_400mf"),
    *("regnet_y_800mf", "regnet_y_8gf", "resnet101", "resnet152", "resnet18", "resnet34", "resnet50"),
    *("resnext101_32x8d", "resnext101_64x4d", "resnext50_32x4d", "shufflenet_v2_x0_5", "shufflenet_v2_x1_0"),
    *("shufflenet_v2_x1_5", "shufflenet_v2_x2_0", "squeezenet1_0", "squeezenet1_1", "swin_b", "swin_s", "swin_t"),
    *("swin_v2_b", "swin_v2_s", "swin_v2_t", "vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19"),
    *("vgg19_bn", "vit_b_16", "vit_b_32", "vit_h_14", "vit_l_16", "vit_l_32", "wide_resnet101_2", "wide_resnet50_2"),
)
"""All that ``torchvision.models.list_models(module=torchvision.models)`` has."""
FIXED = ("alexnet", "maxvit_t", "squeezenet1_0", "squeezenet1_1", "swin_b", "swin_s", "swin_t", "vgg11", "vgg11_bn")
FIXED = (*FIXED, "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn")
SIZES = {
    **dict.fromkeys((*FIXED, "vit_b_16", "vit_b_32", "vit_h_14", "vit_l_16", "vit_l_32"), 224),
    **dict.fromkeys(("swin_v2_b", "swin_v2_s", "swin_v2_t"), 256),
    "inception_v3": 171,
}
"""Images of those that take one size, or are built for one; all others pool over whatever is left, and get smaller
images: what is proven is the same, and PyTorch's float64 takes 15 s for one row of some at 224."""
SMALLER = 96
ALONE = ("convnext_large", "vit_l_16", "vit_l_32", "vit_h_14", "regnet_y_128gf", "regnet_y_32gf", "efficientnet_v2_l")

SEGMENTERS = ("deeplabv3_mobilenet_v3_large", "deeplabv3_resnet101", "deeplabv3_resnet50", "fcn_resnet101")
SEGMENTERS = (*SEGMENTERS, "fcn_resnet50", "lraspp_mobilenet_v3_large")
VIDEO = {
    **dict.fromkeys(("mc3_18", "r2plus1d_18", "r3d_18"), (3, 8, 64, 64)),
    **dict.fromkeys(("mvit_v1_b", "mvit_v2_s", "s3d"), (3, 16, 224, 224)),
    **dict.fromkeys(("swin3d_t", "swin3d_s", "swin3d_b"), (3, 8, 64, 64)),
}
FLOW = ("raft_small", "raft_large")
DETECTORS = (
    *("fasterrcnn_mobilenet_v3_large_320_fpn", "fasterrcnn_mobilenet_v3_large_fpn", "fasterrcnn_resnet50_fpn"),
    *("fasterrcnn_resnet50_fpn_v2", "fcos_resnet50_fpn", "keypointrcnn_resnet50_fpn", "maskrcnn_resnet50_fpn"),
    *("maskrcnn_resnet50_fpn_v2", "retinanet_resnet50_fpn", "retinanet_resnet50_fpn_v2", "ssd300_vgg16"),
    "ssdlite320_mobilenet_v3_large",
)


def factory(name: str, **settings: object) -> Callable[[], torch.nn.Module]:
    """What makes a torchvision model with random weights."""

    def make() -> torch.nn.Module:
        from torchvision import models

        module: torch.nn.Module = models.get_model(name, weights=None, **settings)
        return module

    return make


def short_vit() -> torch.nn.Module:
    from torchvision.models import VisionTransformer

    return VisionTransformer(image_size=224, patch_size=14, num_layers=4, num_heads=16, hidden_dim=1280, mlp_dim=5120)


def short_regnet() -> torch.nn.Module:
    from torchvision.models.regnet import BlockParams, RegNet

    params = BlockParams.from_init_params(depth=27, w_0=456, w_a=160.83, w_m=2.52, group_width=264, se_ratio=0.25)
    params.depths = [1, 2, 2, 1]
    return RegNet(params)


def _images(size: int) -> tuple[Entry, ...]:
    return (Entry((3, size, size)),)


def _classifier(name: str) -> Model:
    size = SIZES.get(name, SMALLER)
    return Model(name, "classification", factory(name), _images(size), alone=name in ALONE)


def _segmenter(name: str) -> Model:
    settings: dict[str, object] = {"weights_backbone": None}
    if not name.startswith("lraspp"):
        settings["aux_loss"] = True  # as the factory has it for its weights
    return Model(name, "segmentation", factory(name, **settings), _images(SMALLER))


def _flow(name: str) -> Model:
    pair = (Entry((3, 128, 128), "image1"), Entry((3, 128, 128), "image2"))
    return Model(name, "optical flow", factory(name), pair)


def _detector(name: str) -> Model:
    return Model(name, "detection", factory(name, weights_backbone=None), _images(320), refused=True)


REDUCED = {
    "vit_h_14": ("4 of its 32 blocks", short_vit),
    "regnet_y_128gf": ("6 of its 27 blocks", short_regnet),
}


def _cut(model: Model) -> Model:
    if model.name not in REDUCED:
        return model
    words, make = REDUCED[model.name]
    return replace(model, reduced=words, make=make)


MODELS = (
    *(_cut(_classifier(name)) for name in CLASSIFIERS),
    *map(_segmenter, SEGMENTERS),
    *(Model(name, "video", factory(name), (Entry(shape),)) for name, shape in VIDEO.items()),
    *map(_flow, FLOW),
    *map(_detector, DETECTORS),
)
