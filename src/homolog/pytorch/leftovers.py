"""What of a module a trace has no use for: its tensors, each with the reason, and modules that it never entered."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from homolog.rules.norm import COUNTER
from homolog.tensors import TensorRef

CONTAINERS = {"ModuleList", "ModuleDict", "Sequential", "Identity"}


def ignored(refs: Mapping[str, TensorRef], used: Collection[str]) -> dict[TensorRef, str]:
    """Why nothing is read of a tensor.

    Args:
        refs: every tensor of the module, by name.
        used: names of those that the trace reads.
    """
    found: dict[TensorRef, str] = {}
    twins = {_identity(refs[name]): name for name in sorted(used, reverse=True) if name in refs}
    for name, ref in refs.items():
        if name in used:
            continue
        twin = None if _identity(ref) is None else twins.get(_identity(ref))
        if name.endswith("num_batches_tracked"):
            found[ref] = COUNTER
        elif twin is not None:
            found[ref] = f"the same tensor as {twin}"
        elif not ref.trainable:
            found[ref] = "is in the constants of the model that is written"
        else:
            found[ref] = "nothing that the network gives depends on it"
    return found


def silent(types: Mapping[str, str], busy: Collection[str], tensors: Collection[str]) -> dict[str, str]:
    """Modules that the trace never entered, the outermost alone, with their types.

    Args:
        types: of every module, by path.
        busy: paths of those that were entered.
        tensors: names of the module's tensors; modules that hold some are accounted for by these.
    """
    found: dict[str, str] = {}
    holding = {path for name in tensors for path in _around(name)}
    for path, type_name in types.items():
        short = type_name.rpartition(".")[2]
        around = not found.keys().isdisjoint(_around(path))
        if path and path not in busy and short not in CONTAINERS and not around and path not in holding:
            found[path] = short
    return found


def _around(name: str) -> Iterator[str]:
    """The paths of the modules that a tensor or module stands in."""
    parts = name.split(".")
    return (".".join(parts[:count]) for count in range(1, len(parts)))


def _identity(tensor: TensorRef) -> object:
    """What two names of one tensor have in common; None for one that is nobody's, or has no numbers."""
    return None if tensor.storage is None or not tensor.size else (tensor.storage, tensor.shape)
