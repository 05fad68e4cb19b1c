"""What ``torch.save`` of torch 1.6 and later writes: a zip of one pickle and one member for each storage.

The pickle is read as data (``pickles``). Its root is a mapping of names to tensors, a training checkpoint with such
a mapping inside, or a whole ``nn.Module``. Format: torch/serialization.py, ``_save`` and ``_load``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from homolog.errors import Unreadable, Unsafe, Unsupported
from homolog.files.archives import Archive
from homolog.files.checkpoint import Checkpoint, Format, Writer
from homolog.files.globals import is_allowed
from homolog.files.pickles import Object, Pickled, read_pickle
from homolog.files.torch_modules import module_tree, named_tensors
from homolog.files.torch_tensors import Members, Stored, rebuild, shared_storage
from homolog.files.torch_weights import bare, find_weights, is_optimizer
from homolog.files.torch_write import rewriter

MAX_PICKLE = 256 << 20


def open_torch(path: Path, archive: Archive) -> Checkpoint:
    """Opens a file of ``torch.save``.

    Raises:
        Unreadable: it is damaged, or contradicts itself.
        Unsupported: tensors of a kind that homolog does not read.
        Unsafe: it names other code, and no weights could be found in it.
    """
    prefix = pickle_folder(archive)
    records = Members(archive, prefix, _big_endian(archive, prefix))
    scripted = is_script(archive, prefix)
    pickled = read_pickle(
        archive.read(f"{prefix}data.pkl", cap=MAX_PICKLE), f"{path}: data.pkl", lambda made: rebuild(made, records)
    )
    if scripted:
        from homolog.files.torch_script import script_checkpoint

        return script_checkpoint(path, archive, prefix, pickled.root)
    return checkpoint_of(path, pickled, lambda named: rewriter(archive, named))


def checkpoint_of(path: Path, pickled: Pickled, writer: Callable[[dict[str, Stored]], Writer]) -> Checkpoint:
    """What a pickle holds.

    Args:
        path: the file.
        pickled: what was read of its pickle.
        writer: makes the checkpoint's ``writer`` of its tensors by name.

    Raises:
        Unreadable, Unsupported: see ``find_weights``.
        Unsafe: it names other code, and no weights could be found in it.
    """
    unsafe = tuple(sorted(name for name in pickled.globals if not is_allowed(name)))
    try:
        return _checkpoint(path, pickled.root, unsafe, writer)
    except (Unreadable, Unsupported) as error:
        if not unsafe:
            raise
        raise Unsafe(
            "the file asks for code that is not PyTorch's own, and holds no weights; nothing of it was run",
            where=str(path),
            expected="a state_dict, or a module of PyTorch's own layers",
            found=", ".join(unsafe),
        ) from error


def _checkpoint(
    path: Path, root: Any, unsafe: tuple[str, ...], writer: Callable[[dict[str, Stored]], Writer]
) -> Checkpoint:
    weights, rest = find_weights(root, path)
    if isinstance(weights, Object):
        named = dict(named_tensors(weights, path))
    else:
        named, prefix = bare(weights)
        rest |= {f"names in the file begin with {prefix}": None} if prefix else {}
    shared = shared_storage(named.items())
    # A state_dict detaches its tensors, so that only a parameter says whether it is trained.
    whole = isinstance(weights, Object)
    buffer = False if whole else None
    refs = {
        name: stored.ref(name, shared.get(name), stored.requires_grad if stored.parameter else buffer)
        for name, stored in named.items()
    }
    return Checkpoint(
        path,
        Format.TORCH_MODULE if whole else Format.TORCH_STATE,
        "pytorch",
        refs,
        writer(named),
        modules=module_tree(weights, refs, path) if isinstance(weights, Object) else None,
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


def _describe(key: str, value: Any) -> str:
    count = sum(1 for _ in _tensors(value))
    words = f"{key:.80} state" if is_optimizer(value) or key in ("optimizer", "scheduler") else f"{key:.80}"
    if count:
        return f"{words} ({count} tensor{'s' if count != 1 else ''})"
    return f"{words} ({value.type:.80})" if isinstance(value, Object) else words


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
