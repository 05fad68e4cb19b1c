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
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

ROOT = Path(__file__).parents[2]
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Made:
    """What a tool's call gave.

    Attributes:
        model: takes images channels last.
        doubt: what the tool itself says against it; empty if it stands by it.
    """

    model: Callable[[Array], Any]
    doubt: str


@dataclass(frozen=True)
class Tool:
    """A tool.

    Attributes:
        name: of it.
        python: the interpreter of its environment.
        imports: what is imported before the clock starts.
        packages: whose versions are told.
        translate: module and a batch of images, channels first, in; the Keras model out.
    """

    name: str
    python: Path
    imports: tuple[str, ...]
    packages: tuple[str, ...]
    translate: Callable[[torch.nn.Module, Array], Made]

    def prepare(self) -> None:
        """Import everything that its call needs."""
        for name in self.imports:
            import_module(name)


def by_homolog(module: torch.nn.Module, images: Array) -> Made:
    """As a user calls it; its proof is part of the call."""
    import homolog

    translation = homolog.translate(module, to="keras", inputs=[images])
    return Made(translation.model, "" if translation.proof.passed else "the proof fails")


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
    return Made(model, marked(printed.getvalue()))


def marked(printed: str) -> str:
    """The largest difference that is marked in a tree as nobuco prints it; empty if none is."""
    found = [float(number) for number in re.findall(r"\(!\) Max diff ([0-9.e+-]+|nan|inf)", printed)]
    return f"its printed tree marks a difference of {max(found):.2g}" if found else ""


HOMOLOG = Tool(
    "homolog",
    Path(sys.executable),
    ("torch", "torch.export", "tensorflow", "keras", "homolog.api"),
    ("homolog", "torch", "torchvision", "keras", "tensorflow", "numpy"),
    by_homolog,
)
NOBUCO = Tool(
    "nobuco",
    ROOT / ".venv-peers" / "bin" / "python",
    ("torch", "tensorflow", "keras", "nobuco"),
    ("nobuco", "torch", "torchvision", "keras", "tensorflow", "numpy"),
    by_nobuco,
)
QUICK = replace(NOBUCO, name="nobuco-quick", translate=partial(by_nobuco, every=False))
TOOLS = {tool.name: tool for tool in (HOMOLOG, NOBUCO, QUICK)}
