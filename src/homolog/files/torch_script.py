"""The weights of a TorchScript archive, as data: its modules are objects of a pickle, its code is never read.

``torch.jit.load`` would run what the code says on loading. Format: torch/csrc/jit/docs/serialization.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from homolog.errors import Unreadable
from homolog.files.archives import Archive
from homolog.files.checkpoint import Checkpoint, Format, read_only
from homolog.files.pickles import Object
from homolog.files.torch_tensors import Stored, shared_storage

MAX_DEPTH = 100
MAX_OBJECTS = 100_000


def script_checkpoint(path: Path, archive: Archive, prefix: str, root: Any) -> Checkpoint:
    """What the root object of a TorchScript archive holds.

    Raises:
        Unreadable: it is no module, or contains itself.
    """
    if not isinstance(root, Object) or not isinstance(root.state, dict):
        raise Unreadable("a TorchScript archive holds no module", where=str(path))
    named = dict(_tensors(root, path))
    shared = shared_storage(named.items())
    sources = sum(name.startswith(f"{prefix}code/") and name.endswith(".py") for name in archive.members)
    return Checkpoint(
        path,
        Format.TORCHSCRIPT,
        "pytorch",
        {name: stored.ref(name, shared.get(name), stored.requires_grad or None) for name, stored in named.items()},
        read_only(path, Format.TORCHSCRIPT),
        extras=(f"a program in TorchScript ({sources} files of code), which is not read",),
    )


def _tensors(root: Object, path: Path) -> Iterator[tuple[str, Stored]]:
    """Every tensor that a module or one inside it holds as an attribute, by its path, parents first."""
    waiting: list[tuple[str, int, Object]] = [("", 0, root)]
    count = 0
    while waiting:
        prefix, depth, module = waiting.pop()
        count += 1
        if depth > MAX_DEPTH or count > MAX_OBJECTS:
            raise Unreadable("the modules are nested without end", where=f"{path}: {prefix[:200]}")
        held = module.state if isinstance(module.state, dict) else {}
        for name, value in held.items():
            if isinstance(value, Stored):
                yield f"{prefix}{name}", value
        inside = [(f"{prefix}{name}.", depth + 1, value) for name, value in held.items() if isinstance(value, Object)]
        waiting += reversed(inside)
