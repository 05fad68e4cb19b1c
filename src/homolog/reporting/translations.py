"""The files beside ``model.py``: what a reader of the folder needs to trust it, and to go on without homolog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from homolog.graph import OpenShape
from homolog.reporting.markdown import escaped


def readme(
    name: str,
    what: str,
    files: Mapping[str, str],
    inputs: Mapping[str, tuple[OpenShape, str]],
    outputs: Mapping[str, OpenShape],
    notes: Sequence[str],
    proof: str,
) -> str:
    """The text of ``README.md``.

    Args:
        name: of the model.
        what: it is, where it comes from and what it needs, in a sentence or two.
        files: what each of its own files is.
        inputs: shape, batch first, and element type of each.
        outputs: shape of each.
        notes: what a reader should know.
        proof: as a piece of Markdown.
    """
    lines = [
        f"# {escaped(name)}",
        "",
        escaped(what),
        "",
        "```python",
        "from model import load_model",
        "",
        "model = load_model()",
        "```",
        "",
        "| file | what it is |",
        "|---|---|",
        *(f"| `{file}` | {meaning} |" for file, meaning in files.items()),
        "| `plan.toml` | which tensor of the source went where |",
        "| `test_parity.py`, `parity.npz` | compares the model with what the source gave, with pytest or by itself |",
        "",
        "| | name | shape | type |",
        "|---|---|---|---|",
        *(f"| input | {escaped(key)} | {_shape(shape)} | {dtype} |" for key, (shape, dtype) in inputs.items()),
        *(f"| output | {escaped(key)} | {_shape(shape)} | |" for key, shape in outputs.items()),
    ]
    if notes:
        lines += ["", "## What to know", "", *(f"- {escaped(note)}" for note in notes)]
    return "\n".join([*lines, "", proof])


def _shape(shape: OpenShape) -> str:
    first, *rest = ("open" if length is None else str(length) for length in shape) if shape else ("one number",)
    return ", ".join(["batch" if first == "open" else first, *rest])
