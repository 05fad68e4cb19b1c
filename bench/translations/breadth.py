"""timm: the smallest of each family, with the size of image that it is made for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bench.translations.model import Entry, Model

if TYPE_CHECKING:
    import torch

SIZES = {
    **dict.fromkeys(("resnetv2_18", "regnetx_002", "resnest14d", "skresnet18", "dla46_c", "dpn48b"), 224),
    **dict.fromkeys(("hrnet_w18_small", "ese_vovnet19b_dw", "repvgg_a0", "mobileone_s0", "rexnet_100"), 224),
    **dict.fromkeys(("efficientnet_lite0", "mobilenetv3_small_050", "mobilenetv4_conv_small_035", "ghostnet_100"), 224),
    **dict.fromkeys(("lcnet_035", "repghostnet_050", "starnet_s1", "convnextv2_atto", "inception_next_atto"), 224),
    **dict.fromkeys(("mambaout_femto", "mixer_s32_224", "gmlp_ti16_224", "resmlp_12_224", "poolformer_s12"), 224),
    **dict.fromkeys(("vit_tiny_patch16_224", "cait_xxs24_224", "xcit_nano_12_p16_224", "eva02_tiny_patch14_224"), 224),
    **dict.fromkeys(("pit_ti_224", "pvt_v2_b0", "levit_128s", "visformer_tiny", "coat_lite_tiny"), 224),
    **dict.fromkeys(("efficientformer_l1", "efficientvit_b0", "efficientvit_m0", "tiny_vit_5m_224"), 224),
    **dict.fromkeys(("mobilevit_xxs", "mobilevitv2_050", "edgenext_xx_small", "fastvit_t8"), 256),
    **{"resnet10t": 176, "tinynet_e": 106, "nf_regnet_b0": 192, "crossvit_tiny_240": 240},
}


def factory(name: str) -> Callable[[], torch.nn.Module]:
    """What makes a model of timm with random weights."""

    def make() -> torch.nn.Module:
        import timm

        module: torch.nn.Module = timm.create_model(name, pretrained=False)
        return module

    return make


MODELS = tuple(Model(name, "timm", factory(name), (Entry((3, size, size)),), "others") for name, size in SIZES.items())
