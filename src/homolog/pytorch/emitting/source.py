"""Statements → the text of ``model.py``: imports, the classes of the network, ``build_model``, ``load_model``."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from homolog.emitting.assembled import Assembled
from homolog.graph import OpenShape
from homolog.pytorch.emitting.classed import classes_of
from homolog.pytorch.emitting.frozen import added, frozen
from homolog.rules.training import Compiled

WIDTH = 100
WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class Names:
    """What the written file says of itself.

    Attributes:
        model: name of the network.
        origin: what it was translated from, for people.
    """

    model: str
    origin: str


def source(assembled: Assembled, names: Names, compiled: Compiled | None = None) -> str:
    """The text of ``model.py``, formatted.

    Args:
        assembled: the network, with its classes.
        names: what it says of itself.
        compiled: body of ``make_training``, where the source has a training setup.
    """
    import black

    made = assembled.classes or classes_of(assembled, names.model)
    cls = root_of(made.text)
    body = documented(made.text, cls, _forward(assembled))
    head = _head(body, names, () if compiled is None else compiled.imports)
    text = [head, body, "", "", _build(cls, assembled), "", _load()]
    if compiled is not None:
        text += ["", _training(compiled.lines)]
    return black.format_str("\n".join(text), mode=black.Mode(line_length=WIDTH))


def root_of(text: str) -> str:
    """The name of the class of the whole network: the last."""
    return [node.name for node in ast.parse(text).body if isinstance(node, ast.ClassDef)][-1]


def documented(text: str, cls: str, lines: Sequence[str]) -> str:
    """The text of classes with these lines as the docstring of one class's ``forward``."""
    found = next(node for node in ast.parse(text).body if isinstance(node, ast.ClassDef) and node.name == cls)
    forward = next(node for node in found.body if isinstance(node, ast.FunctionDef) and node.name == "forward")
    own = text.splitlines()
    place = forward.body[0].lineno - 1
    return "\n".join([*own[:place], *(f"        {line}".rstrip() for line in lines), *own[place:]])


def _forward(assembled: Assembled) -> list[str]:
    """What goes in and what comes out."""
    lines = ['"""', "Args:"]
    for name, said in assembled.inputs.items():
        lines.append(f"    {name}: {said['dtype']} {shape_text(cast(OpenShape, said['shape']))}.")
    lines += ["", "Returns:"]
    shapes = {name: shape_text(shape) for name, shape in assembled.shapes.items()}
    named = any(not name.isdigit() and name != "output" for name in shapes)
    lines += [f"    {name}: {shape}." if named else f"    {shape}." for name, shape in shapes.items()]
    return [*lines, '"""']


def _head(body: str, names: Names, imports: Sequence[str]) -> str:
    lines = [
        f'"""{names.model}: a PyTorch network, translated from {names.origin}.',
        "",
        f"The weights stand beside this file, in {WEIGHTS}; load_model() puts them in.",
        '"""',
        "",
        *(["from collections import OrderedDict"] if "OrderedDict(" in body else []),
        "from pathlib import Path",
        "",
        *(line for line in imports if line != "import torch"),
        "import torch",
        *(["import torch.nn.functional as F"] if re.search(r"\bF\.", body) else []),
        "from safetensors.torch import load_file",
        "from torch import nn",
        "",
        f'WEIGHTS = Path(__file__).with_name("{WEIGHTS}")',
        "",
        "",
    ]
    return "\n".join(lines)


def _build(name: str, assembled: Assembled) -> str:
    lines = []
    for names, get, why in (
        (frozen(assembled), "get_submodule", "not trained in the source"),
        (added(assembled), "get_parameter", "the source does without: a zero, or a scale of one"),
    ):
        if names:
            lines += [
                f"    # {why}",
                f"    for name in {list(names)!r}:",
                f"        model.{get}(name).requires_grad_(False)",
            ]
    made = [f"    model = {name}()", *lines, "    return model"] if lines else [f"    return {name}()"]
    return "\n".join(
        ["def build_model() -> nn.Module:", '    """The network, with weights drawn at random."""', *made, ""]
    )


def _load() -> str:
    return "\n".join(
        [
            "def load_model() -> nn.Module:",
            '    """The network with its trained weights, as it is at inference."""',
            "    model = build_model()",
            "    model.load_state_dict(load_file(WEIGHTS))",
            "    return model.eval()",
            "",
        ]
    )


def shape_text(shape: OpenShape) -> str:
    """A shape for people; what is open is the batch in front, and lengths elsewhere."""
    words = ["batch" if not place and n is None else "any" if n is None else str(n) for place, n in enumerate(shape)]
    return f"({', '.join(words)}{',' if len(words) == 1 else ''})"


def _training(lines: Sequence[str]) -> str:
    return "\n".join(
        [
            "",
            "def make_training(model: nn.Module) -> tuple:",
            '    """Optimizer, loss and scheduler as the source had them; None for what it had not."""',
            *(f"    {line}" for line in lines),
            "    return optimizer, loss, scheduler",
            "",
        ]
    )
