"""The tools that translate: each with the Python it runs in, what it imports, and its one call."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from io import StringIO
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.peers.outputs import Array, channels_last

if TYPE_CHECKING:
    import torch

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Made:
    """What a tool's call gave.

    Attributes:
        model: takes images as the source does.
        doubt: what the tool itself says against it; empty if it stands by it.
        unproven_s: seconds of the call in front of its proof; None of a tool that has none.
    """

    model: Callable[[Array], Any]
    doubt: str = ""
    unproven_s: float | None = None


@dataclass(frozen=True)
class Tool:
    """A tool.

    Attributes:
        name: of it.
        python: the interpreter of its environment.
        imports: what is imported before the clock starts.
        packages: whose versions are told.
        translate: source and a batch of images in, the model of the other framework out.
    """

    name: str
    python: Path
    imports: tuple[str, ...]
    packages: tuple[str, ...]
    translate: Callable[[Any, Array], Made]

    def prepare(self) -> None:
        """Import everything that its call needs."""
        for name in self.imports:
            import_module(name)


class Unproven:
    """Listens to ``homolog.translate``, and notes when its proof begins."""

    def __init__(self) -> None:
        self.started = perf_counter()
        self.seconds: float | None = None

    def __call__(self, said: str) -> None:
        if said.startswith("proving"):
            self.seconds = perf_counter() - self.started


def to_keras_by_homolog(module: torch.nn.Module, images: Array) -> Made:
    """As a user calls it; its proof is part of the call."""
    import homolog

    unproven = Unproven()
    translation = homolog.translate(module, to="keras", inputs=[images], say=unproven)
    doubt = "" if translation.proof.passed else "the proof fails"
    return Made(lambda images: translation.model(channels_last(images)), doubt, unproven.seconds)


def by_nobuco(module: torch.nn.Module, images: Array, *, every: bool = True) -> Made:
    """As its documentation calls it for channels-last images in batches of any size.

    By default it compares the outputs of every module it met. What it finds it prints, in colours, with the tree of
    everything that it traced; it raises nothing.

    Args:
        module: what to translate.
        images: channels first.
        every: compare every module's outputs; without it those of the whole network alone, as homolog does.
    """
    import nobuco
    import torch

    given = torch.from_numpy(images)
    printed = StringIO()
    with redirect_stdout(printed):
        model = nobuco.pytorch_to_keras(
            module,
            args=[given],
            input_shapes={given: (None, *images.shape[1:])},
            inputs_channel_order=nobuco.ChannelOrder.TENSORFLOW,
            outputs_channel_order=nobuco.ChannelOrder.TENSORFLOW,
            trace_shape=True,
            full_validation=every,
        )
    return Made(lambda images: model(channels_last(images)), marked(printed.getvalue()))


def marked(printed: str) -> str:
    """The largest difference that is marked in a tree as nobuco prints it; empty if none is."""
    found = [float(number) for number in re.findall(r"\(!\) Max diff ([0-9.e+-]+|nan|inf)", printed)]
    return f"its printed tree marks a difference of {max(found):.2g}" if found else ""


def to_torch_by_homolog(model: Any, images: Array) -> Made:
    """As a user calls it; its proof is part of the call."""
    import homolog

    unproven = Unproven()
    translation = homolog.translate(model, to="torch", say=unproven)
    doubt = "" if translation.proof.passed else "the proof fails"
    return Made(lambda images: _run(translation.model, np.moveaxis(images, -1, 1)), doubt, unproven.seconds)


def by_onnx(model: Any, images: Array) -> Made:
    """Through ONNX, each half as its documentation calls it: any batch, the opset that tf2onnx takes by itself.

    Neither half compares anything. The module takes images channels last, and turns them.
    """
    import onnx2torch
    import tensorflow as tf
    import tf2onnx

    spec = [tf.TensorSpec((None, *images.shape[1:]), tf.float32, name="images")]
    call = tf.function(lambda images: model(images, training=False), input_signature=spec)
    proto, _ = tf2onnx.convert.from_function(call, input_signature=spec)
    module = onnx2torch.convert(proto).eval()
    return Made(lambda images: _run(module, images))


def _run(module: Any, images: Array) -> Any:
    import torch

    with torch.no_grad():
        return module(torch.from_numpy(np.ascontiguousarray(images)))


HOMOLOG = Tool(
    "homolog",
    Path(sys.executable),
    (
        *("torch", "torch.export._trace", "torch.library", "tensorflow", "keras", "keras.src.backend.torch"),
        *("black", "scipy.sparse.csgraph", "sympy.tensor.tensor", "einops._torch_specific"),
        *("homolog.api", "homolog.translating.translation", "homolog.translating.to_keras"),
        *("homolog.translating.to_torch", "homolog.proving", "homolog.pytorch.run", "homolog.keras.run"),
        *("homolog.keras.written", "homolog.pytorch.written", "homolog.pytorch.likeness.module"),
    ),
    ("homolog", "torch", "torchvision", "keras", "tensorflow", "numpy"),
    to_keras_by_homolog,
)
HOMOLOG_TO_TORCH = replace(HOMOLOG, translate=to_torch_by_homolog)
NOBUCO = Tool(
    "nobuco",
    ROOT / ".venv-peers" / "bin" / "python",
    ("torch", "tensorflow", "keras", "nobuco"),
    ("nobuco", "torch", "torchvision", "keras", "tensorflow", "numpy"),
    by_nobuco,
)
QUICK = replace(NOBUCO, name="nobuco-quick", translate=partial(by_nobuco, every=False))
ONNX = Tool(
    "tf2onnx + onnx2torch",
    ROOT / ".venv-peers-torch" / "bin" / "python",
    ("torch", "tensorflow", "keras", "tf2onnx", "tf2onnx.convert", "onnx2torch"),
    ("tf2onnx", "onnx2torch", "onnx", "torch", "keras", "tensorflow", "numpy"),
    by_onnx,
)
