"""Results as small HTML tables for notebooks.

Everything is escaped, because names come from files that nobody vouches for, and nothing is loaded from elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import singledispatch
from html import escape

from homolog.inspecting.inspection import Inspection
from homolog.inspecting.members import Members
from homolog.inspecting.summary import Summary
from homolog.inspecting.table import TensorTable
from homolog.inspecting.words import shape_text, size_text
from homolog.plan import Plan
from homolog.proof import Proof

_TABLE = "border-collapse:collapse;margin:.5em 0"
_CELL = "padding:.1em .8em .1em 0;text-align:left;vertical-align:top"
_NUMBER = "padding:.1em .8em .1em 0;text-align:right;vertical-align:top;font-variant-numeric:tabular-nums"


@singledispatch
def fragment(result: object) -> str:
    """A piece of HTML for a result; what has no table of its own is shown as its ``str``."""
    return f"<pre>{escape(str(result))}</pre>"


@fragment.register
def _inspection(result: Inspection) -> str:
    facts = [("what", result.what), *([] if result.size is None else [("size", f"{result.size:,} bytes")])]
    for label, ports in (("input", result.inputs), ("output", result.outputs)):
        for port in ports:
            shape = "" if port.shape is None else shape_text(port.shape)
            facts.append((label, " ".join(part for part in (port.name, shape, port.dtype) if part)))
    facts += [("also", extra) for extra in result.extras]
    facts += [("asks for code", name) for name in result.unsafe]
    parts = [f"<b>{escape(result.name)}</b>", _facts(facts)]
    if result.summary is not None and result.summary.types:
        parts.append(fragment(result.summary))
    elif result.tensors is not None:
        parts.append(fragment(result.tensors))
    if result.members is not None:
        parts.append(fragment(result.members))
    return _division([*parts, _notes(result.notes)])


@fragment.register
def _summary(result: Summary) -> str:
    rows = [
        [row.name, row.type, ", ".join(map(shape_text, row.outputs)), row.parameters, row.buffers, row.tied]
        for row in result.rows
    ]
    nbytes = ", ".join(f"{size_text(size)} of {dtype}" for dtype, size in result.nbytes.items())
    totals = [("parameters", f"{result.parameters:,}"), ("buffers", f"{result.buffers:,}"), ("weights", nbytes)]
    totals += [("tied", f"{name} is {first}") for name, first in result.tied.items()]
    totals += [("ignored", f"{name}: {reason}") for name, reason in result.ignored.items()]
    return _table(("layer", "type", "output", "parameters", "buffers", "tied"), rows) + _facts(totals)


@fragment.register
def _tensor_table(result: TensorTable) -> str:
    values = any(row.figures for row in result.rows)
    rows = [
        [row.name, shape_text(row.shape), row.dtype, row.elements, row.nbytes, row.tied or ""]
        + ([str(row.figures)] if values else [])
        for row in result.rows
    ]
    headings = ("tensor", "shape", "type", "elements", "bytes", "tied to", *(("values",) if values else ()))
    return _division([_table(headings, rows), _line(f"{len(result):,} of {result.total:,} tensors")])


@fragment.register
def _members(result: Members) -> str:
    rows = [
        [row.name + (row.signature or ""), row.kind, row.value if row.value is not None else row.doc or ""]
        for row in result.rows
    ]
    head = f"{result.of}: {len(result)} of {result.total} members"
    return _division([_line(head), _table(("member", "kind", "what"), rows)])


@fragment.register
def _plan(result: Plan) -> str:
    rows = [
        [
            ", ".join(row.sources),
            shape_text(row.source_shape),
            "; ".join(map(str, row.transform)) or "as it is",
            row.target,
            shape_text(row.target_shape),
            row.evidence,
        ]
        for row in result.rows
    ]
    source, target = result.source or "source", result.target or "target"
    notes = [
        *result.notes,
        *(f"{row.target}: cast {row.cast}" for row in result.rows if row.cast),
        *(f"left out of the {item.side}: {item.name}: {item.reason}" for item in result.ignored),
        *(f"carried: {item}" for item in result.carried),
        *(f"differs in training in {difference}" for difference in result.training),
        *(f"differs in {difference}" for difference in result.differences),
        f"confidence: {result.confidence}",
    ]
    return _division([_table((source, "shape", "transform", target, "shape", "evidence"), rows), _notes(notes)])


@fragment.register
def _proof(result: Proof) -> str:
    rows = [
        ["pass" if part.passed else "FAIL", part.name, "\n".join([part.figure, *part.details])] for part in result.parts
    ]
    verdict = "the same network" if result.passed else "NOT the same network"
    between = f": {result.source} and {result.target}" if result.source and result.target else ""
    differences = [f"differs in {difference}" for difference in result.differences]
    return _division(
        [_table(("", "part", "figure"), rows), _notes(differences), f"<b>{verdict}</b>{escape(between)}"],
    )


def _table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Numbers are set to the right with separators, everything else as text."""
    head = "".join(f'<th style="{_CELL}">{escape(heading)}</th>' for heading in headings)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f'<table style="{_TABLE}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _cell(value: object) -> str:
    if isinstance(value, int):
        return f'<td style="{_NUMBER}">{f"{value:,}" if value else ""}</td>'
    return f'<td style="{_CELL}">{_escaped(str(value))}</td>'


def _facts(pairs: Iterable[tuple[str, str]]) -> str:
    rows = "".join(
        f'<tr><td style="{_CELL}">{escape(label)}</td><td style="{_CELL}">{_escaped(text)}</td></tr>'
        for label, text in pairs
    )
    return f'<table style="{_TABLE}">{rows}</table>'


def _notes(lines: Iterable[str]) -> str:
    return "".join(map(_line, lines))


def _line(text: str) -> str:
    return f"<div>{_escaped(text)}</div>"


def _division(parts: Iterable[str]) -> str:
    return f'<div style="overflow-x:auto">{"".join(parts)}</div>'


def _escaped(text: str) -> str:
    return escape(text).replace("\n", "<br>")
