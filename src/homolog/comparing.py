"""Two sets of tensors beside each other: shared bit for bit, different and by how much, missing.

What is compared are values, not functions: ``verify`` proves that two networks are the same. Nothing is built or run.
Tensors of one name and shape are a pair. What is left is paired by names without the prefixes that wrappers add, and
where two networks share no names, as PyTorch and Keras do not, by the plan that ``copy`` would follow.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from homolog.errors import Mismatch, Unsupported
from homolog.inspecting.words import pattern
from homolog.matching import match
from homolog.network import Network
from homolog.opening import open_network
from homolog.plan import Ignored, Row
from homolog.reading import read_both
from homolog.tensors import Array, Shape, TensorRef, same_bits
from homolog.transfer import forward

_PREFIX = re.compile(r"(?:(?:module|_orig_mod|model|net)\.)+")
_PIECE = 1 << 20  # values that are compared at once

SAME, DIFFERENT, ONLY_A, ONLY_B = "same", "different", "only in A", "only in B"


@dataclass(frozen=True)
class Compared:
    """One tensor of either side, or a pair.

    Attributes:
        verdict: ``same`` bit for bit, ``different``, ``only in A`` or ``only in B``.
        a, b: its name on either side; where several tensors of A make one of B, all of them.
        a_shape, b_shape: as stored.
        a_dtype, b_dtype: as stored.
        differing: how many elements differ; None where the shapes do.
        largest: the greatest absolute difference of finite elements.
        relative: the same in parts of B's greatest finite value.
        note: what is worth knowing, such as that the pair was laid out alike first.
    """

    verdict: str
    a: tuple[str, ...] = ()
    b: str = ""
    a_shape: Shape | None = None
    b_shape: Shape | None = None
    a_dtype: str = ""
    b_dtype: str = ""
    differing: int | None = None
    largest: float | None = None
    relative: float | None = None
    note: str = ""

    @property
    def name(self) -> str:
        """B's name, or A's where B has none."""
        return self.b or ", ".join(self.a)

    def to_dict(self) -> dict[str, object]:
        """JSON."""
        return {
            "verdict": self.verdict,
            "a": list(self.a),
            "b": self.b or None,
            "a_shape": None if self.a_shape is None else list(self.a_shape),
            "b_shape": None if self.b_shape is None else list(self.b_shape),
            "a_dtype": self.a_dtype or None,
            "b_dtype": self.b_dtype or None,
            "differing": self.differing,
            "largest": self.largest,
            "relative": self.relative,
            "note": self.note or None,
        }


@dataclass(frozen=True)
class Comparison:
    """Two sets of tensors, compared.

    Attributes:
        rows: in B's order, then what A alone has.
        a, b: what was compared, for people.
        ignored: tensors that have no counterpart and need none, such as counters.
        notes: how the tensors were paired, and why some were not.
        word: what the rows were filtered by.
    """

    rows: tuple[Compared, ...]
    a: str = ""
    b: str = ""
    ignored: tuple[Ignored, ...] = ()
    notes: tuple[str, ...] = ()
    word: str | None = None

    @property
    def same(self) -> bool:
        """Whether every tensor of both sides is on the other, bit for bit."""
        return all(row.verdict == SAME for row in self.rows)

    def counts(self) -> dict[str, int]:
        """How many rows have which verdict, those with none left out."""
        verdicts = [row.verdict for row in self.rows]
        return {word: verdicts.count(word) for word in (SAME, DIFFERENT, ONLY_A, ONLY_B) if word in verdicts}

    def __str__(self) -> str:
        from homolog.reporting.text import to_text

        return to_text(self)

    def _repr_html_(self) -> str:
        from homolog.reporting.html import fragment

        return fragment(self)

    def to_dict(self) -> dict[str, object]:
        """JSON."""
        return {
            "a": self.a,
            "b": self.b,
            "same": self.same,
            "counts": self.counts(),
            "tensors": [row.to_dict() for row in self.rows],
            "ignored": [{"side": item.side, "name": item.name, "reason": item.reason} for item in self.ignored],
            "notes": list(self.notes),
            "word": self.word,
        }


@dataclass(frozen=True)
class _Pair:
    """What one tensor of B is compared with: tensors of A, laid out as a row of a plan says where there is one."""

    sources: tuple[str, ...]
    row: Row | None = None


def compare(a: object, b: object, word: str | None = None) -> Comparison:
    """Compare the tensors of two networks or files, value by value. Builds and runs nothing of a file.

    Args:
        a, b: sources, or live models, of any format and framework.
        word: a word or regular expression that names are filtered by.

    Raises:
        Usage: ``word`` is no valid regular expression.
        Unsafe: a file asks for code.
    """
    wanted = pattern(word)
    first, second = open_network(a), open_network(b)
    left, right = first.tensors(), second.tensors()
    pairs, ignored, notes = _paired(first, second, left, right)
    skipped = {item.name for item in ignored}
    used = {name for row in pairs.values() for name in row.sources}
    rows = [
        _compared(pairs.get(name), ref, left)
        for name, ref in right.items()
        if wanted.search(name) and (name in pairs or name not in skipped)
    ]
    rows += [
        Compared(ONLY_A, (name,), a_shape=ref.shape, a_dtype=ref.dtype)
        for name, ref in left.items()
        if wanted.search(name) and name not in used | skipped
    ]
    return Comparison(tuple(rows), first.name, second.name, ignored, notes, word)


def _paired(
    first: Network, second: Network, left: Mapping[str, TensorRef], right: Mapping[str, TensorRef]
) -> tuple[dict[str, _Pair], tuple[Ignored, ...], tuple[str, ...]]:
    """What each tensor of B is compared with, what is ignored, and how that was found."""
    named = {name: _Pair((other,)) for name, other in _by_name(left, right).items()}
    if len(named) >= min(len(left), len(right)):
        return named, (), ()
    # The layers tell more than what names are left: those of two frameworks have hardly any in common.
    try:
        plan = match(*read_both(first, second), first.name, second.name)
    except (Mismatch, Unsupported) as error:
        return named, (), (f"paired by name alone: {error.what}",)
    return {row.target: _Pair(row.sources, row) for row in plan.rows}, plan.ignored, (f"paired by {plan.confidence}",)


def _by_name(left: Mapping[str, TensorRef], right: Mapping[str, TensorRef]) -> dict[str, str]:
    """B's names with A's: the same, or the same but for the prefixes of wrappers."""
    found = {name: name for name in right if name in left}
    bare: dict[str, list[str]] = {}
    for name in left:
        if name not in found:
            bare.setdefault(_PREFIX.sub("", name, count=1), []).append(name)
    for name in right:
        near = bare.get(_PREFIX.sub("", name, count=1), [])
        if name not in found and len(near) == 1:
            found[name] = near[0]
    return found


def _compared(pair: _Pair | None, ref: TensorRef, left: Mapping[str, TensorRef]) -> Compared:
    """One tensor of B beside what it is compared with."""
    if pair is None:
        return Compared(ONLY_B, b=ref.name, b_shape=ref.shape, b_dtype=ref.dtype)
    row, sources = pair.row, [left[name] for name in pair.sources]
    shape = row.source_shape if row is not None else sources[0].shape
    dtype = sources[0].dtype if sources else ""
    made = Compared(DIFFERENT, pair.sources, ref.name, shape, ref.shape, dtype, ref.dtype)
    if row is None and shape != ref.shape:
        return replace(made, note="another shape")
    # A plan's values as they are, not cast, so that a rounded copy shows as one.
    one = sources[0].read() if row is None else forward(replace(row, cast=""), left)
    two = ref.read()
    notes = [] if row is None else [*map(str, row.transform), *([row.note] if row.note else [])]
    if same_bits(one, two):
        return replace(made, verdict=SAME, note="; ".join(notes))
    differing, largest, greatest = _apart(one, two)
    if one.dtype != two.dtype:
        notes.append("another element type" + (", the same values" if differing == 0 else ""))
    elif differing == 0:
        notes.append("the same values, other bits (NaN, or the sign of zero)")
    relative = largest / greatest if largest is not None and greatest else None
    return replace(made, differing=differing, largest=largest, relative=relative, note="; ".join(notes))


def _apart(one: Array, two: Array) -> tuple[int, float | None, float]:
    """How many elements differ, the greatest difference of finite ones, and B's greatest finite value."""
    differing, largest, greatest = 0, None, 0.0
    left, right = one.reshape(-1), two.reshape(-1)
    for start in range(0, left.size, _PIECE):
        a, b = _wide(left[start : start + _PIECE]), _wide(right[start : start + _PIECE])
        differing += int((~((a == b) | (np.isnan(a) & np.isnan(b)))).sum())
        finite = np.isfinite(a) & np.isfinite(b)
        if finite.any():
            largest = max(largest or 0.0, float(np.abs(a[finite] - b[finite]).max()))
        sound = np.abs(b[np.isfinite(b)])
        greatest = max(greatest, float(sound.max()) if sound.size else 0.0)
    return differing, largest, greatest


def _wide(values: Array) -> Any:
    return values.astype(np.complex128 if values.dtype.kind == "c" else np.float64)
