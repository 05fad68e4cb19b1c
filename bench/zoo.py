"""The zoo of ``constraints-zoo.txt``: what it takes to import it."""

from __future__ import annotations

from functools import cache

BOXES = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


@cache
def declare_boxes() -> None:
    """Let torchvision, and timm and transformers on top of it, be imported beside the CPU build of torch.

    torchvision registers stand-ins for operators of its compiled part, which does not load beside that build.
    Declared first, they need not be there: no classifier calls them.
    """
    import torch

    library = torch.library.Library("torchvision", "DEF")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}{BOXES}")
    _KEPT.append(library)  # what it declares goes when it does


_KEPT: list[object] = []
