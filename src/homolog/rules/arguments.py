"""What a rule says of writing a class of its kind anew, beyond what its fields and slots say by themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from homolog.graph import Node


class Unwritten(ValueError):
    """A setting that a class cannot be given; ``writing`` adds which kind and framework it is about."""

    def __init__(self, setting: str, why: str) -> None:
        super().__init__(why)
        self.setting = setting


@dataclass(frozen=True)
class Size:
    """A length that the weights tell.

    Attributes:
        slot, axis: of the rule's own layout.
        times: name of a field that the length is divided by in the weight.
        output: axis of the output (channels first) that is as long, where there may be no such weight.
    """

    slot: str
    axis: int
    times: str = ""
    output: int | None = None


def _as_they_are(node: Node) -> dict[str, object]:
    return dict(node.fields)


@dataclass(frozen=True)
class Arguments:
    """How a framework's class is made anew.

    Attributes:
        name: of the class, or what gives it for a node; the first of the rule's, if left out.
        sizes: arguments that the weights tell.
        constants: arguments that always have this value.
        flags: arguments that say whether a slot exists, true by default; each needs those before it. Keras's are
            in ``Slot.when`` already.
        defaults: by field and in the rule's words, what the class does unless told otherwise, where that is not the
            field's ``otherwise`` or ``absent``.
        lacks: fields that other ways of writing the kind have (an operator, a configuration), and the class has not.
        restore: the way back from the one form that fields are brought to when they are read.
        fits: whether a node is written so, where the kind has a rule of its own.
    """

    name: str | Callable[[Node], str] = ""
    sizes: Mapping[str, Size] = field(default_factory=dict)
    constants: Mapping[str, object] = field(default_factory=dict)
    flags: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, object] = field(default_factory=dict)
    lacks: tuple[str, ...] = ()
    restore: Callable[[Node], dict[str, object]] = _as_they_are
    fits: Callable[[Node], bool] | None = None


def spatial_rank(node: Node) -> int:
    """How many axes a node's output has behind batch and channels.

    Raises:
        Unwritten: its shape is not known.
    """
    if not node.shapes or not node.shapes[0]:
        raise Unwritten("shape", "the class depends on how many axes the value has, which is not known")
    return len(node.shapes[0]) - 2


def by_rank(name: str) -> Callable[[Node], str]:
    """The class of that name for the node's number of spatial axes, which takes the place of the ``#``."""
    return lambda node: name.replace("#", str(spatial_rank(node)))


def last_as_minus_one(name: str) -> Callable[[Node], dict[str, object]]:
    """Restores an axis (or tuple of one) that is the last to -1, which holds for any rank and is Keras's default."""

    def restore(node: Node) -> dict[str, object]:
        last = len(node.shapes[0]) - 1 if node.shapes else None
        axis = node.fields[name]
        if last is not None and axis in (last, (last,)):
            return {**node.fields, name: -1 if axis == last else (-1,)}
        return dict(node.fields)

    return restore
