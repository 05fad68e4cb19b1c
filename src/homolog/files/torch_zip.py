"""What ``torch.save`` of torch 1.6 and later writes: a zip of one pickle and one member for each storage.

The pickle is read as data (``pickles``). Its root is a mapping of names to tensors, a training checkpoint with such
a mapping inside, or a whole ``nn.Module``. Format: torch/serialization.py, ``_save`` and ``_load``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from homolog.errors import Unreadable, Unsafe, Unsupported
from homolog.files.archives import Archive
from homolog.files.checkpoint import Checkpoint, Format
from homolog.files.globals import is_allowed
from homolog.files.pickles import Object, read_pickle
from homolog.files.torch_modules import is_module, module_tree, named_tensors
from homolog.files.torch_tensors import Records, Stored, rebuild, shared_storage
from homolog.files.torch_write import rewriter

MAX_PICKLE = 256 << 20
MAX_DEPTH = 20
_WRAPPERS = re.compile(r"(?:(?:module|_orig_mod)\.)+")
_WEIGHTS = ("state_dict", "model_state_dict", "model", "model_state", "module", "net", "weights")


def open_torch(path: Path, archive: Archive) -> Checkpoint:
    """Opens a file of ``torch.save``.

    Raises:
        Unreadable: it is damaged, or contradicts itself.
        Unsupported: tensors of a kind that homolog does not read.
        Unsafe: it names other code, and no weights could be found in it.
    """
    prefix = pickle_folder(archive)
    records = Records(archive, prefix, _big_endian(archive, prefix))
    scripted = is_script(archive, prefix)
    pickled = read_pickle(
        archive.read(f"{prefix}data.pkl", cap=MAX_PICKLE), f"{path}: data.pkl", lambda made: rebuild(made, records)
    )
    if scripted:
        from homolog.files.torch_script import script_checkpoint

        return script_checkpoint(path, archive, prefix, pickled.root)
    unsafe = tuple(sorted(name for name in pickled.globals if not is_allowed(name)))
    try:
        return _checkpoint(path, archive, pickled.root, unsafe)
    except (Unreadable, Unsupported) as error:
        if not unsafe:
            raise
        raise Unsafe(
            "the file asks for code that is not PyTorch's own, and holds no weights; nothing of it was run",
            where=str(path),
            expected="a state_dict, or a module of PyTorch's own layers",
            found=", ".join(unsafe),
        ) from error


def _checkpoint(path: Path, archive: Archive, root: Any, unsafe: tuple[str, ...]) -> Checkpoint:
    weights, rest = _weights(root, path)
    if is_module(weights):
        named = dict(named_tensors(weights, path))
    else:
        named = _state(weights, path)
        rest |= {str(key): value for key, value in weights.items() if key not in named}
        named, prefix = _bare(named)
        rest |= {f"names in the file begin with {prefix}": None} if prefix else {}
    shared = shared_storage(named.items())
    # A state_dict detaches its tensors, so that only a parameter says whether it is trained.
    buffer = False if is_module(weights) else None
    refs = {
        name: stored.ref(name, shared.get(name), stored.requires_grad if stored.parameter else buffer)
        for name, stored in named.items()
    }
    return Checkpoint(
        path,
        Format.TORCH_MODULE if is_module(weights) else Format.TORCH_STATE,
        "pytorch",
        refs,
        rewriter(archive, named),
        modules=module_tree(weights, refs, path) if is_module(weights) else None,
        extras=tuple(_describe(key, value) for key, value in rest.items()),
        unsafe=unsafe,
    )


def pickle_folder(archive: Archive) -> str:
    """The folder of ``data.pkl``, a slash at its end."""
    folders = [name.removesuffix("data.pkl") for name in archive.members if name.count("/") == 1]
    folders = [folder for folder in folders if f"{folder}data.pkl" in archive.members and folder.endswith("/")]
    if len(set(folders)) != 1:
        raise Unreadable("a zip archive has no data.pkl in its one folder", where=str(archive.path))
    return folders[0]


def is_script(archive: Archive, prefix: str) -> bool:
    """Whether the archive is a TorchScript program: its pickle is of a kind of its own."""
    return any(name == f"{prefix}constants.pkl" or name.startswith(f"{prefix}code/") for name in archive.members)


def _big_endian(archive: Archive, prefix: str) -> bool:
    if f"{prefix}byteorder" not in archive.members:
        return False  # torch before 2.1 wrote none, and ran on little-endian machines
    order = archive.read(f"{prefix}byteorder", cap=64)
    if order not in (b"little", b"big"):
        raise Unreadable(
            "the byte order is unknown", where=str(archive.path), expected="little or big", found=repr(order)
        )
    return order == b"big"


def _weights(root: Any, path: Path) -> tuple[Any, dict[str, Any]]:
    """The part of a pickle that is the model, and the rest by name."""
    if is_module(root):
        return root, {}
    if not isinstance(root, dict):
        found = root.type if isinstance(root, Object) else type(root).__name__
        raise Unsupported("the file holds neither a state_dict nor a module", where=str(path), found=found)
    if any(isinstance(value, Stored) for value in root.values()):
        return root, {}
    holders = [key for key, value in root.items() if is_module(value) or _holds_tensors(value)]
    chosen = [key for key in _WEIGHTS if key in holders] or (holders if len(holders) == 1 else [])
    if chosen:
        return root[chosen[0]], {str(key): value for key, value in root.items() if key != chosen[0]}
    inside = dict(_nested(root))
    if not inside:
        raise Unsupported(
            "the file holds no weights that can be told from what else is in it",
            where=str(path),
            details=[f"{key!s:.80}" for key in list(root)[:50]],
            help="save the weights alone: torch.save(model.state_dict(), 'weights.pt')",
        )
    # Several models, or one deep inside: all of it is shown, under the path it has in the file.
    held = {name.partition(".")[0] for name in inside}
    return inside, {str(key): value for key, value in root.items() if str(key) not in held}


def _nested(root: dict[Any, Any]) -> Iterator[tuple[str, Stored]]:
    """Every tensor in mappings within mappings, by its path; the states of optimizers are passed by."""
    waiting: list[tuple[str, int, dict[Any, Any]]] = [("", 0, root)]
    seen: set[int] = set()
    while waiting:
        prefix, depth, table = waiting.pop()
        if depth > MAX_DEPTH or id(table) in seen or {"state", "param_groups"} <= table.keys():
            continue
        seen.add(id(table))
        for key, value in table.items():
            if isinstance(value, Stored):
                yield f"{prefix}{key}", value
        inside = [(f"{prefix}{key}.", depth + 1, value) for key, value in table.items() if isinstance(value, dict)]
        waiting += reversed(inside)


def _holds_tensors(value: Any) -> bool:
    return isinstance(value, dict) and any(isinstance(item, Stored) for item in value.values())


def _state(weights: dict[Any, Any], path: Path) -> dict[str, Stored]:
    for key, value in weights.items():
        if isinstance(value, Object) and value.type.startswith(("torch._utils._rebuild", "torch._tensor._rebuild")):
            raise Unsupported(
                "a tensor is of a kind that homolog does not read", where=f"{path}: {key}", found=value.type
            )
    return {key: value for key, value in weights.items() if isinstance(key, str) and isinstance(value, Stored)}


def _bare(named: dict[str, Stored]) -> tuple[dict[str, Stored], str]:
    """The names without what torch.compile and data-parallel wrappers put in front of every one, and what that was."""
    found = _WRAPPERS.match(next(iter(named), ""))
    prefix = found[0] if found else ""
    if not prefix or not all(name.startswith(prefix) for name in named):
        return named, ""
    return {name.removeprefix(prefix): stored for name, stored in named.items()}, prefix


def _describe(key: str, value: Any) -> str:
    count = sum(1 for _ in _tensors(value))
    optimizer = isinstance(value, dict) and {"state", "param_groups"} <= value.keys()
    words = f"{key:.80} state" if optimizer or key in ("optimizer", "scheduler") else f"{key:.80}"
    return f"{words} ({count} tensor{'s' if count != 1 else ''})" if count else words


def _tensors(value: Any) -> Iterator[Stored]:
    seen: set[int] = set()
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Stored):
            yield item
        if isinstance(item, (dict, list, tuple, Object)) and id(item) not in seen:
            seen.add(id(item))
            if isinstance(item, Object):
                waiting += [*item.arguments, item.state, *item.items, *item.entries.values()]
            else:
                waiting += item.values() if isinstance(item, dict) else item
