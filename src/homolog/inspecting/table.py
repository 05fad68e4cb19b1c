"""Every tensor of a network in one table, and on demand what its values are like. No array is ever dumped."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace

from homolog.inspecting.outline import View, look
from homolog.inspecting.summary import identity, stored
from homolog.inspecting.values import Figures, figures, together
from homolog.inspecting.words import pattern
from homolog.network import Network
from homolog.tensors import Shape, TensorRef


@dataclass(frozen=True)
class TensorRow:
    """One tensor.

    Attributes:
        name, shape, dtype: as stored.
        elements, nbytes: how many.
        trainable: False for buffers and what is frozen, None where nothing says.
        tied: name of an earlier tensor whose bytes these are.
        ignored: why it is no part of the function, if so.
        figures: of the values, if they were asked for.
        times: how many tensors alike the row stands for; elements and bytes are theirs together.
    """

    name: str
    shape: Shape
    dtype: str
    elements: int
    nbytes: int
    trainable: bool | None = None
    tied: str | None = None
    ignored: str | None = None
    figures: Figures | None = None
    times: int = 1

    def to_dict(self) -> dict[str, object]:
        """JSON."""
        return {
            "name": self.name,
            "shape": list(self.shape),
            "dtype": self.dtype,
            "elements": self.elements,
            "bytes": self.nbytes,
            "trainable": self.trainable,
            "tied": self.tied,
            "ignored": self.ignored,
            **({} if self.figures is None else {"values": self.figures.to_dict()}),
            **({} if self.times == 1 else {"times": self.times}),
        }


@dataclass(frozen=True)
class TensorTable:
    """The tensors that were asked for.

    Attributes:
        rows: in the source's order.
        total: how many there are in all.
        word: the word or regular expression they were searched for.
        source: what they are of, for people.
    """

    rows: tuple[TensorRow, ...]
    total: int
    word: str | None = None
    source: str = ""

    def __iter__(self) -> Iterator[TensorRow]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __str__(self) -> str:
        from homolog.reporting.text import to_text

        return to_text(self)

    def _repr_html_(self) -> str:
        from homolog.reporting.html import fragment

        return fragment(self)

    def to_dict(self) -> dict[str, object]:
        """JSON."""
        return {
            "source": self.source,
            "word": self.word,
            "total": self.total,
            "tensors": [row.to_dict() for row in self.rows],
        }


def tensor_table(network: Network, pattern: str | None = None, values: bool = False, fold: bool = False) -> TensorTable:
    """Every tensor of a network.

    Args:
        network: of any kind, unsafe files included.
        pattern: a word or regular expression to search the names for; upper and lower case are the same.
        values: whether to read each tensor, one at a time, for figures of its values.
        fold: whether tensors whose names differ in numbers alone, and that are alike, are one row.

    Raises:
        Usage: ``pattern`` is no valid regular expression.
    """
    view = look(network)
    table = table_of(view, pattern, network.name)
    rows = table.rows
    if values:
        rows = tuple(replace(row, figures=figures(view.tensors[row.name])) for row in rows)
    return replace(table, rows=folded(rows) if fold else rows)


def folded(rows: Sequence[TensorRow]) -> tuple[TensorRow, ...]:
    """``layers.0.weight``, ``layers.1.weight`` … as ``layers.#.weight``, where all that is told of them is the same."""
    alike: dict[Hashable, list[TensorRow]] = {}
    for row in rows:
        tied = None if row.tied is None else _unnumbered(row.tied)
        key = (_unnumbered(row.name), row.shape, row.dtype, row.trainable, tied, row.ignored)
        alike.setdefault(key, []).append(row)
    return tuple(_one(found) for found in alike.values())


def _one(rows: Sequence[TensorRow]) -> TensorRow:
    first = rows[0]
    if len(rows) == 1:
        return first
    told = [(row.figures, row.elements) for row in rows if row.figures is not None]
    return replace(
        first,
        name=_unnumbered(first.name),
        tied=None if first.tied is None else _unnumbered(first.tied),
        elements=sum(row.elements for row in rows),
        nbytes=sum(row.nbytes for row in rows),
        figures=together(told, first.shape) if told else None,
        times=len(rows),
    )


def _unnumbered(name: str) -> str:
    """A number counts where it is a part of the name, or ends one as in Keras's ``conv2d_3``."""
    return re.sub(r"(?<![^./_])\d+(?=[./]|$)", "#", name)


def table_of(view: View, word: str | None = None, source: str = "") -> TensorTable:
    """The tensors of a view."""
    wanted = pattern(word)
    nodes = view.graph.nodes.values()
    # A layer's tensors may be marked in the graph with more than their container says.
    learnt = {ref.name: _trainable(ref, buffer, node.known) for node in nodes for ref, buffer in stored(node)}
    ignored = {ref.name: reason for node in nodes for ref, reason in node.ignored.items()}
    first: dict[Hashable, str] = {}
    rows = []
    for name, ref in view.tensors.items():
        owner = first.setdefault(identity(ref), name)
        if wanted.search(name):
            trainable = False if name in ignored else learnt.get(name, ref.trainable)
            tied = None if owner == name else owner
            rows.append(TensorRow(name, ref.shape, ref.dtype, ref.size, ref.nbytes, trainable, tied, ignored.get(name)))
    return TensorTable(tuple(rows), len(view.tensors), word, source)


def _trainable(ref: TensorRef, buffer: bool, known: bool) -> bool | None:
    if buffer or ref.trainable is False:
        return False
    return True if known else ref.trainable
