"""What goes where: one row for each tensor of the target, and everything that is left over on either side.

A plan is TOML on disk, for people to review and edit; ``copy --plan`` runs it again.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from homolog.errors import Mismatch, Unreadable
from homolog.tensors import TensorRef, dtype_of
from homolog.transforms import Transform, chain_shapes, parse_transform

SCHEMA = 1
FOLDED = "a constant that the source computes when it runs"
"""Why a tensor of the target that comes of a translation has no source."""


@dataclass(frozen=True)
class Row:
    """One tensor of the target and where it comes from.

    Attributes:
        target: its name.
        sources: names of the source's tensors it is made of.
        transform: from the stored sources to the stored target.
        source_shape, target_shape: as stored.
        cast: element types, where the target's differs: ``float32 -> float16``.
        layer: names of the two layers, source and target.
        evidence: what says that the two belong together: ``graph``, ``order``, ``name``, ``plan``.
        note: what is worth knowing about the row, in words; empty for most.
    """

    target: str
    sources: tuple[str, ...]
    transform: tuple[Transform, ...]
    source_shape: tuple[int, ...]
    target_shape: tuple[int, ...]
    layer: tuple[str, str] = ("", "")
    evidence: str = "graph"
    cast: str = ""
    note: str = ""

    @property
    def lossless(self) -> bool:
        """Whether the target gives back every bit of its sources."""
        return all(transform.lossless for transform in self.transform) and not self.narrows

    @property
    def narrows(self) -> bool:
        """Whether the target's element type cannot hold every value of the source's."""
        import numpy as np

        if not self.cast:
            return False
        source, target = (dtype_of(name) for name in self.cast.split(" -> "))
        return not np.can_cast(source, target, "safe")

    def to_dict(self) -> dict[str, object]:
        """JSON and TOML."""
        return {
            "target": self.target,
            "sources": list(self.sources),
            "transform": [str(transform) for transform in self.transform],
            "source_shape": list(self.source_shape),
            "target_shape": list(self.target_shape),
            "layer": list(self.layer),
            "evidence": self.evidence,
            "cast": self.cast,
            "note": self.note,
        }


@dataclass(frozen=True)
class Ignored:
    """A tensor that no row touches, and why that is right."""

    side: str
    name: str
    reason: str


@dataclass(frozen=True)
class Difference:
    """A setting in which two corresponding layers differ, so that they are not the same function."""

    source: str
    target: str
    setting: str
    source_value: object
    target_value: object

    def __str__(self) -> str:
        return (
            f"{self.setting}: {_short(self.source_value)} in {self.source}, "
            f"{_short(self.target_value)} in {self.target}"
        )


@dataclass(frozen=True)
class Carried:
    """A plain setting of the target that takes the source's value.

    Attributes:
        source, target: names of the two nodes.
        layer: path of the layer in the target.
        setting: as the target's framework calls it.
        before, after: its value, as the target's framework writes it.
        older: names under which older files of the target may keep it; not part of the file.
    """

    source: str
    target: str
    layer: str
    setting: str
    before: object
    after: object
    older: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """Every name that the setting may have, the usual one first."""
        return (self.setting, *self.older)

    def __str__(self) -> str:
        return f"{self.setting} {_short(self.before)} → {_short(self.after)} in {self.target}"


@dataclass(frozen=True)
class Plan:
    """The whole correspondence of two networks.

    Attributes:
        rows: in the order of the target's tensors.
        pairs: names of corresponding nodes, layers and operations, in topological order.
        ignored: tensors of either side that hold nothing of the function.
        differences: settings in which corresponding layers differ.
        confidence: ``graph`` where both sides are wired, else what the rows rest on.
        source, target: what was matched, for people.
        carried: settings of the target that are set to the source's; ``differences`` are what remains.
        training: settings that matter in training alone and still differ, if they were compared; not part of the file.
        ties: layers of either side that the graphs do not tell apart, and what decided; not part of the file.
    """

    rows: tuple[Row, ...]
    pairs: tuple[tuple[str, str], ...] = ()
    ignored: tuple[Ignored, ...] = ()
    differences: tuple[Difference, ...] = ()
    confidence: str = "graph"
    source: str = ""
    target: str = ""
    carried: tuple[Carried, ...] = ()
    training: tuple[Difference, ...] = ()
    ties: tuple[tuple[tuple[str, ...], tuple[str, ...], str], ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What the rows have to say, once each."""
        return tuple(dict.fromkeys(f"{row.target}: {row.note}" for row in self.rows if row.note))

    def _repr_html_(self) -> str:
        from homolog.reporting.html import fragment

        return fragment(self)

    def to_dict(self) -> dict[str, object]:
        """JSON and TOML."""
        return {
            "schema_version": SCHEMA,
            "source": self.source,
            "target": self.target,
            "confidence": self.confidence,
            "rows": [row.to_dict() for row in self.rows],
            "pairs": [list(pair) for pair in self.pairs],
            "ignored": [{"side": item.side, "name": item.name, "reason": item.reason} for item in self.ignored],
            "differences": [
                {
                    "source": item.source,
                    "target": item.target,
                    "setting": item.setting,
                    "source_value": _plain(item.source_value),
                    "target_value": _plain(item.target_value),
                }
                for item in self.differences
            ],
            "carried": [
                {
                    "source": item.source,
                    "target": item.target,
                    "layer": item.layer,
                    "setting": item.setting,
                    "before": _plain(item.before),
                    "after": _plain(item.after),
                }
                for item in self.carried
            ],
        }

    def misfits(self, source: Mapping[str, TensorRef], target: Mapping[str, TensorRef]) -> list[str]:
        """Why the plan cannot be run for networks with these tensors; empty if it can. Reads no bytes."""
        given = Counter(row.target for row in self.rows)
        read = {name for row in self.rows for name in row.sources}
        ignored = {(item.side, item.name) for item in self.ignored}
        return [
            *(f"unknown source: {name}{_near(name, source)}" for name in sorted(read - source.keys())),
            *(f"unknown target: {name}{_near(name, target)}" for name in given if name not in target),
            *(f"target given twice: {name}" for name, times in given.items() if times > 1),
            *(f"target left out: {name}" for name in target if name not in given and ("target", name) not in ignored),
            *(f"source left out: {name}" for name in source if name not in read and ("source", name) not in ignored),
            *(
                line
                for row in self.rows
                if row.target in target and source.keys() >= set(row.sources)
                for line in _row_misfits(row, source, target[row.target])
            ),
        ]

    def to_toml(self) -> str:
        """The plan as people review and edit it."""
        import tomli_w

        return tomli_w.dumps(self.to_dict())

    @classmethod
    def from_toml(cls, path: Path) -> Plan:
        """Read a plan.

        Raises:
            Unreadable: the file is missing, no TOML, or no plan.
        """
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise Unreadable("cannot read the plan", where=str(path), found=str(error)) from error
        try:
            return _from_dict(data)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise Unreadable(
                "this TOML file is no plan of homolog",
                where=str(path),
                found=f"{type(error).__name__}: {error}",
                help="write one with: homolog match A B -o plan.toml",
            ) from error


def casting(source: str, target: str) -> str:
    """How a plan writes a change of element types; empty if there is none."""
    return "" if source == target else f"{source} -> {target}"


def _row_misfits(row: Row, source: Mapping[str, TensorRef], target: TensorRef) -> Iterator[str]:
    origins = [source[name] for name in row.sources]
    try:
        (shape,) = chain_shapes(row.transform, [ref.shape for ref in origins])
    except Mismatch as error:
        yield f"{row.target}: {error.what}: {error.where}, {error.found}"
        return
    except ValueError:  # not one array comes out, or another number goes in than the transform takes
        yield f"{row.target}: made of {len(origins)} tensors, which its transform does not make one"
        return
    made_of = ", ".join(f"{ref.name} {ref.shape}" for ref in origins)
    if shape != target.shape:
        yield f"{row.target}: shape {target.shape}, the plan gives {shape} from {made_of}"
    dtypes = {ref.dtype for ref in origins} or {target.dtype}
    casts = {casting(dtype, target.dtype) for dtype in dtypes}
    if casts != {row.cast}:
        needed = ", ".join(map(repr, sorted(casts)))
        yield f"{row.target}: cast {row.cast!r}, the tensors need {needed} from {made_of}"


def _near(name: str, known: Iterable[str]) -> str:
    found = get_close_matches(name, list(known), n=3)
    return f" (nearest: {', '.join(found)})" if found else ""


def _from_dict(data: Mapping[str, Any]) -> Plan:
    if data["schema_version"] != SCHEMA:
        raise ValueError(f"schema_version {data['schema_version']}, this homolog reads {SCHEMA}")
    _refuse_unknown(data, Plan(()).to_dict())
    for row in data["rows"]:
        _refuse_unknown(row, Row("", (), (), (), ()).to_dict())
    rows = tuple(
        Row(
            row["target"],
            tuple(row["sources"]),
            tuple(parse_transform(text) for text in row["transform"]),
            tuple(row["source_shape"]),
            tuple(row["target_shape"]),
            (row["layer"][0], row["layer"][1]),
            row["evidence"],
            row["cast"],
            row["note"],
        )
        for row in data["rows"]
    )
    return Plan(
        rows,
        tuple((a, b) for a, b in data["pairs"]),
        tuple(Ignored(item["side"], item["name"], item["reason"]) for item in data["ignored"]),
        tuple(Difference(**item) for item in data["differences"]),
        data["confidence"],
        data["source"],
        data["target"],
        tuple(Carried(**item) for item in data.get("carried", ())),
    )


def _refuse_unknown(found: Mapping[str, Any], known: Mapping[str, object]) -> None:
    strange = sorted(found.keys() - known.keys())
    if strange:
        raise ValueError(f"unknown: {', '.join(strange)}")


def _plain(value: object) -> object:
    """As JSON and TOML can hold it; TOML has no null."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, bool | int | float | str) else repr(value)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
