"""What an expression of a script is, as far as that is known without running it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import libcst as cst

from homolog.errors import HomologError

FRAMEWORKS = ("keras", "tf")
LIVE = ("keras", "torch", "tensorflow")
"""Packages of what is alive while a script is read: Keras's own objects, and tensors of whatever backend it is on."""

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
Scope = dict[str, Any]


class NotStatic(HomologError):
    """Something in a script has a value that only running it would tell, or is not known here.

    Args:
        what: why, in words that stand behind ``not translated:``, in a comment of one line.
    """

    def __init__(self, what: str) -> None:
        super().__init__(" ".join(_COLOURS.sub("", what).split()))


@dataclass(frozen=True)
class Name:
    """A dotted name from an import, in one spelling: ``keras.layers.Dense``, ``numpy.expand_dims``."""

    dotted: str

    @property
    def framework(self) -> bool:
        """Whether it belongs to Keras or TensorFlow."""
        return self.dotted.partition(".")[0] in FRAMEWORKS


@dataclass(frozen=True)
class Unknown:
    """A value that running the script would tell."""


@dataclass(frozen=True)
class Array:
    """An array of NumPy, of which the values are not known.

    Attributes:
        shape: None for lengths that are not known; None altogether if the number of axes is not.
        kind: ``float`` or ``int``, None if that is not known.
    """

    shape: tuple[int | None, ...] | None = None
    kind: str | None = None

    @property
    def rank(self) -> int | None:
        """How many axes it has."""
        return None if self.shape is None else len(self.shape)


@dataclass(frozen=True)
class Made:
    """An object of Keras that is not made here, only what it would be made with: a callback, a metric.

    Attributes:
        name: as in ``Name.dotted``.
        arguments: by the names of its parameters; those left out are not there.
        nodes: the expressions of the same.
    """

    name: str
    arguments: Mapping[str, Any]
    nodes: Mapping[str, cst.BaseExpression]

    @property
    def kind(self) -> str:
        """The last part of its name."""
        return self.name.rpartition(".")[2]


@dataclass(eq=False)
class Function:
    """A function or lambda of the script.

    Attributes:
        node: its syntax.
        scope: the names around it.
        free: whether nothing of Keras is mentioned in it, so that it stays as it is.
        translated: whether it was written anew.
        uses: how often it was read in order to know what it gives.
        written: its source in the words of PyTorch, where it was needed.
        left: its source as a comment, where something that needs it was not translated.
    """

    node: cst.FunctionDef | cst.Lambda
    scope: Scope
    free: bool
    translated: bool = False
    uses: int = 0
    written: str = ""
    left: str = ""


@dataclass(frozen=True)
class Fitted:
    """What ``fit`` returns; its ``history`` is what the written loop returns."""


@dataclass(frozen=True)
class Untranslated:
    """What a statement gives that was not translated.

    Attributes:
        what: for people.
    """

    what: str


@dataclass(eq=False)
class Pipeline:
    """A ``tf.data.Dataset``, as what is done to its arrays.

    Attributes:
        parts: expressions of the arrays that its elements are slices of, and what is known of each.
        structure: ``one`` array, a ``tuple`` of them (inputs, targets).
        before: expressions of functions that elements go through, in front of the batches.
        behind: those that batches go through.
        batch: expression of the batch's size; None before there is one.
        shuffle: whether it is shuffled for each epoch.
        drop_last: whether a last batch that is not full is left out.
        taken, skipped: expressions of how many elements are taken or skipped, in that order of precedence.
        element: what is known of an element's parts, the functions counted in.
    """

    parts: tuple[tuple[str, Any], ...]
    before: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    batch: str | None = None
    shuffle: bool = False
    drop_last: bool = False
    ranges: tuple[tuple[str, str], ...] = ()
    element: tuple[Any, ...] = ()
    models: list[Any] = field(default_factory=list)


def is_live(value: object) -> bool:
    """Whether a value is an object of Keras itself, made here, or a tensor that a model is called on."""
    if isinstance(value, type):
        return False
    return any(kind.__module__.partition(".")[0] in LIVE for kind in type(value).__mro__)


def is_model(value: object) -> bool:
    """Whether a value is a live model."""
    return is_live(value) and any(base.__name__ == "Model" for base in type(value).__mro__)


def is_framework(value: object) -> bool:
    """Whether something of Keras or TensorFlow is in a value, so that it cannot stay in the script as it is."""
    if isinstance(value, Name):
        return value.framework
    if isinstance(value, Function):
        return not (value.free or value.translated)
    if isinstance(value, Made | Fitted | Untranslated | Pipeline):
        return True
    if isinstance(value, list | tuple | set):
        return any(map(is_framework, value))
    if isinstance(value, dict):
        return any(map(is_framework, value.values()))
    if isinstance(getattr(value, "made", None), type):
        return True  # a class of the script's
    return is_live(value) or (callable(value) and getattr(value, "__module__", "").split(".")[0] == "keras")


def refuse_untranslated(values: Sequence[Any]) -> None:
    """Raises for what an earlier statement would have given that was not translated.

    Raises:
        NotStatic: there is such a value.
    """
    for value in values:
        if isinstance(value, list | tuple):
            refuse_untranslated(value)
        if isinstance(value, Untranslated):
            raise NotStatic(f"it needs {value.what}, which was not translated")


def is_plain(value: Any) -> bool:
    """Whether it is a value of Python's own that is known."""
    return not isinstance(value, Unknown | Array | Name | Untranslated | Made | Pipeline) and not is_live(value)


def holds_unknown(value: Any) -> bool:
    """Whether something of it is not known."""
    if isinstance(value, list | tuple):
        return any(map(holds_unknown, value))
    if isinstance(value, slice):
        return any(map(holds_unknown, (value.start, value.stop, value.step)))
    return isinstance(value, Unknown | Array | Untranslated)
