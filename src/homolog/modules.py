"""A tree of PyTorch modules as data: what a live ``nn.Module`` and a pickled one have in common.

A pickled module is never instantiated in order to look at it, so its readers hand over this tree instead; a live
module is turned into the same tree. Whoever reads trees reads both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from homolog.tensors import TensorRef


@dataclass(frozen=True)
class Stub:
    """An object of a pickle that is data here and was never made: the name of its class or function, and what it
    was given.

    Attributes:
        type: dotted name, e.g. ``torch.device`` or ``mypackage.models.Net``.
        arguments: what the constructor or function would have been called with.
        state: what the object would have been given as its state.
    """

    type: str
    arguments: tuple[object, ...] = ()
    state: object = None


@dataclass(frozen=True)
class Module:
    """One module of the tree.

    Attributes:
        path: dotted path from the root, the root itself being ``""``.
        type: dotted name of the class, e.g. ``torch.nn.modules.conv.Conv2d``.
        attributes: its other attributes, underscored ones left out: numbers, strings, tuples, ``Stub``s.
        parameters: own parameters by name, None where registered as None; names as in the state_dict, so the
            path is part of ``TensorRef.name`` but not of the key.
        buffers: own persistent buffers, likewise.
        children: own submodules by name, in order of registration.
    """

    path: str
    type: str
    attributes: Mapping[str, object] = field(default_factory=dict)
    parameters: Mapping[str, TensorRef | None] = field(default_factory=dict)
    buffers: Mapping[str, TensorRef | None] = field(default_factory=dict)
    children: Mapping[str, Module] = field(default_factory=dict)

    def walk(self) -> Iterator[Module]:
        """This module and all below it, parents first, in order of registration."""
        yield self
        for child in self.children.values():
            yield from child.walk()

    def tensors(self) -> dict[str, TensorRef]:
        """What its state_dict holds, in the state_dict's order."""
        found: dict[str, TensorRef] = {}
        for module in self.walk():
            for table in (module.parameters, module.buffers):
                found.update({ref.name: ref for ref in table.values() if ref is not None})
        return found
