"""A pickled ``nn.Module`` as a tree of data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from homolog.errors import Unreadable, Unsupported
from homolog.files.pickles import Global, Object, Persistent
from homolog.files.torch_tensors import Stored
from homolog.modules import Module, Stub
from homolog.tensors import TensorRef

MAX_DEPTH = 100
MAX_MODULES = 100_000
MAX_VALUES = 300_000  # attributes written out; shared lists of shared lists (a billion laughs) would grow for ever
_KEPT = frozenset({"_qkv_same_embed_dim"})  # private, but nn.MultiheadAttention's forward asks it


def is_module(value: Any) -> bool:
    """Whether a value of a pickle is what ``nn.Module.__reduce__`` leaves behind."""
    state = value.state if isinstance(value, Object) else None
    return isinstance(state, dict) and isinstance(state.get("_modules"), dict) and "_parameters" in state


def named_tensors(root: Object, path: Path) -> Iterator[tuple[str, Stored]]:
    """What the module's state_dict would hold, in its order.

    Raises:
        Unreadable: the tree contains itself, or more modules than any model.
        Unsupported: a parameter or buffer is of a kind that homolog does not read.
    """
    for prefix, module in _walk(root, path):
        for key, value in (*_table(module, "_parameters", path), *_persistent_buffers(module, path)):
            if value is not None:
                yield f"{prefix}{key}", value


def module_tree(root: Object, refs: Mapping[str, TensorRef], path: Path) -> Module:
    """The tree, its parameters and buffers being the given references.

    Raises:
        Unreadable, Unsupported: as ``named_tensors``; also when an attribute is nested without end.
    """
    plain = _Plain(path)
    built: dict[str, Module] = {}
    # Children before parents: a frozen Module is given its children when it is made.
    for prefix, module in reversed(list(_walk(root, path))):
        children = {name: built[f"{prefix}{name}."] for name, child in _modules(module, path) if child is not None}
        parameters = {key: _named(refs, prefix, key, value) for key, value in _table(module, "_parameters", path)}
        buffers = {key: _named(refs, prefix, key, value) for key, value in _persistent_buffers(module, path)}
        attributes = {
            key: plain.of(value)
            for key, value in module.state.items()
            if isinstance(key, str) and (not key.startswith("_") or key in _KEPT)
        }
        built[prefix] = Module(prefix[:-1], module.type, attributes, parameters, buffers, children)
    return built[""]


def _named(refs: Mapping[str, TensorRef], prefix: str, key: str, value: Stored | None) -> TensorRef | None:
    return None if value is None else refs[f"{prefix}{key}"]


def _walk(root: Object, path: Path) -> Iterator[tuple[str, Object]]:
    """Every module with the prefix of its names (``features.0.``), parents first, in order of registration."""
    waiting = [("", 0, root)]
    count = 0
    while waiting:
        prefix, depth, module = waiting.pop()
        count += 1
        if depth > MAX_DEPTH or count > MAX_MODULES:
            raise Unreadable("the modules are nested without end", where=f"{path}: {prefix[:200]}")
        yield prefix, module
        for name, child in reversed(_modules(module, path)):
            if child is not None:
                waiting.append((f"{prefix}{name}.", depth + 1, child))


def _modules(module: Object, path: Path) -> list[tuple[str, Object | None]]:
    found = list(module.state["_modules"].items())
    for name, child in found:
        if not isinstance(name, str) or "." in name or not (child is None or is_module(child)):
            raise Unsupported("a submodule is not a module", where=f"{path}: {name}", found=type(child).__name__)
    return found


def _table(module: Object, table: str, path: Path) -> list[tuple[str, Stored | None]]:
    entries = module.state.get(table)
    if not isinstance(entries, dict):
        raise Unreadable(f"a module has no table {table}", where=f"{path}: {module.type}")
    for name, value in entries.items():
        if not isinstance(name, str) or not (value is None or isinstance(value, Stored)):
            raise Unsupported(
                "a tensor is of a kind that homolog does not read",
                where=f"{path}: {module.type}.{name}",
                found=value.type if isinstance(value, Object) else type(value).__name__,
            )
    return list(entries.items())


def _persistent_buffers(module: Object, path: Path) -> list[tuple[str, Stored | None]]:
    marked = module.state.get("_non_persistent_buffers_set")
    if isinstance(marked, Object):  # a set, as protocol 2 writes it: set([...])
        marked = marked.arguments[0] if marked.arguments else ()
    hidden = {name for name in marked if isinstance(name, str)} if isinstance(marked, (set, list, tuple)) else set()
    return [(name, value) for name, value in _table(module, "_buffers", path) if name not in hidden]


class _Plain:
    """Turns values of a pickle into plain data and ``Stub``s, within bounds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.left = MAX_VALUES

    def of(self, value: Any, depth: int = 0) -> Any:
        self.left -= 1
        if self.left < 0 or depth > MAX_DEPTH:
            raise Unreadable("an attribute is nested without end", where=str(self.path))
        if isinstance(value, dict):
            return {self.key(key): self.of(item, depth + 1) for key, item in value.items()}
        if isinstance(value, (set, frozenset)):
            return type(value)(self.key(item) for item in value)
        if isinstance(value, (list, tuple)):
            return type(value)(self.of(item, depth + 1) for item in value)
        if isinstance(value, Stored):
            return Stub("torch.Tensor", (value.dtype, value.shape))
        if isinstance(value, Global):
            return Stub(value.name)
        if isinstance(value, Persistent):
            return Stub("torch.storage.UntypedStorage")
        if isinstance(value, Object):
            state = self.of(value.entries or value.items or value.state, depth + 1)
            return Stub(value.type, self.of(value.arguments, depth + 1), state)
        return value

    def key(self, value: Any) -> Any:
        """A key or a set's item: plain already (``pickles.plain_key``), or an object known by its type alone."""
        if isinstance(value, Object):
            return Stub(value.type)
        return Stub(value.name) if isinstance(value, Global) else value
