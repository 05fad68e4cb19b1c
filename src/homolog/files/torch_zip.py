"""What ``torch.save`` of torch 1.6 and later writes: a zip of one pickle and one member for each storage.

The pickle is read as data (``pickles``). Its root is a mapping of names to tensors, a training checkpoint with such
a mapping inside, or a whole ``nn.Module``. Format: torch/serialization.py, ``_save`` and ``_load``.
"""

from __future__ import annotations

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
_WEIGHTS = ("state_dict", "model_state_dict", "model", "model_state", "module", "net", "weights")


def open_torch(path: Path, archive: Archive) -> Checkpoint:
    """Opens a file of ``torch.save``.

    Raises:
        Unreadable: it is damaged, or contradicts itself.
        Unsupported: TorchScript, an exported program, or tensors of a kind that homolog does not read.
        Unsafe: it names other code, and no weights could be found in it.
    """
    prefix = pickle_folder(archive)
    records = Records(archive, prefix, _big_endian(archive, prefix))
    pickled = read_pickle(
        archive.read(f"{prefix}data.pkl", cap=MAX_PICKLE), f"{path}: data.pkl", lambda made: rebuild(made, records)
    )
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
    """The folder of ``data.pkl``, a slash at its end.

    Raises:
        Unsupported: the archive is TorchScript or an exported program.
    """
    folders = [name.removesuffix("data.pkl") for name in archive.members if name.count("/") == 1]
    folders = [folder for folder in folders if f"{folder}data.pkl" in archive.members and folder.endswith("/")]
    if len(set(folders)) != 1:
        raise Unreadable("a zip archive has no data.pkl in its one folder", where=str(archive.path))
    prefix = folders[0]
    if any(name == f"{prefix}constants.pkl" or name.startswith(f"{prefix}code/") for name in archive.members):
        raise Unsupported(
            "the file is a TorchScript program, which holds code",
            where=str(archive.path),
            help="save the weights alone: torch.save(model.state_dict(), 'weights.pt')",
        )
    return prefix


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
    if not chosen:
        raise Unsupported(
            "it is not clear which part of the file is the model's weights",
            where=str(path),
            details=[f"{key!s:.80}" for key in list(root)[:50]],
            help="save the weights alone: torch.save(model.state_dict(), 'weights.pt')",
        )
    return root[chosen[0]], {str(key): value for key, value in root.items() if key != chosen[0]}


def _holds_tensors(value: Any) -> bool:
    return isinstance(value, dict) and any(isinstance(item, Stored) for item in value.values())


def _state(weights: dict[Any, Any], path: Path) -> dict[str, Stored]:
    for key, value in weights.items():
        if isinstance(value, Object) and value.type.startswith(("torch._utils._rebuild", "torch._tensor._rebuild")):
            raise Unsupported(
                "a tensor is of a kind that homolog does not read", where=f"{path}: {key}", found=value.type
            )
    return {key: value for key, value in weights.items() if isinstance(key, str) and isinstance(value, Stored)}


def _describe(key: str, value: Any) -> str:
    count = sum(1 for _ in _tensors(value))
    words = f"{key:.80} state" if key in ("optimizer", "scheduler") else f"{key:.80}"
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
