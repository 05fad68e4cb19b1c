"""What the page of a contest says of it."""

from __future__ import annotations

from dataclasses import dataclass

from bench.peers.judge import TOLERANCE


@dataclass(frozen=True)
class Words:
    """Those of one contest.

    Attributes:
        title: of the page.
        what: is translated.
        calls: how the tools are called.
        right: when a model is.
    """

    title: str
    what: str
    calls: str
    right: str


def right(source: str, layout: str) -> str:
    """When a model is right, and when it is wrong in silence."""
    return (
        f"A model is right where its outputs{layout} differ by at most {TOLERANCE:g} of the largest of {source}'s, "
        "both at the batch it was made with and at one of another size. It is wrong in silence where they differ by "
        "more and its tool neither raised an error nor said so; marked, where the tool printed or returned a doubt."
    )


WORDS = {
    "keras": Words(
        "# Beside nobuco",
        "torchvision's networks with random weights and statistics, translated from PyTorch to Keras by homolog and by "
        "nobuco in the same run, one after the other. Printed by `make peers`. The other direction: "
        "[peers-torch.md](peers-torch.md).",
        "All are asked for a model that takes batches of any size. homolog's call proves the outputs of what it made; "
        "nobuco, at its defaults, compares the outputs of every module; nobuco-quick is nobuco with "
        "`full_validation=False`, which compares those of the network as a whole. The bound is on the first ratio.",
        right("PyTorch", ", channels last,"),
    ),
    "torch": Words(
        "# Beside tf2onnx and onnx2torch",
        "keras.applications with random weights and statistics, translated from Keras to PyTorch by homolog and by way "
        "of ONNX in the same run, one after the other. Printed by `make peers`. The other direction: "
        "[peers.md](peers.md).",
        "Both are asked for a model that takes batches of any size. homolog's call writes source code and proves the "
        "outputs of what it made; the other two, `tf2onnx.convert.from_function` and `onnx2torch.convert`, make a "
        "`torch.fx.GraphModule` that takes images channels last, and compare nothing.",
        right("Keras", ""),
    ),
}
