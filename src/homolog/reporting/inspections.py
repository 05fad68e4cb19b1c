"""The tables of an inspection: what it is, its layers, what they come to, its tensors."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from homolog.inspecting.inspection import Inspection, Port
from homolog.inspecting.summary import LayerRow, Summary
from homolog.inspecting.table import TensorRow, TensorTable
from homolog.inspecting.values import Figures
from homolog.inspecting.words import shape_text, size_text, visible
from homolog.reporting.blocks import BAD, DIM, NAME, WARN, count, indented, numbers, pairs, table, text


def head(result: Inspection) -> RenderableType:
    """Name, what it is, how large, and what goes in and out."""
    rows = [("what", text(result.what))]
    if result.size is not None:
        rows.append(("size", text(f"{result.size:,} bytes")))
    rows += [("input", _port(port)) for port in result.inputs]
    rows += [("output", _port(port)) for port in result.outputs if port.shape is not None]
    rows += [("also", text(extra)) for extra in result.extras]
    return Group(text(result.name, "bold"), indented(pairs(rows)))


def _port(port: Port) -> Text:
    shape = None if port.shape is None else shape_text(port.shape)
    return text("  ".join(part for part in (port.name, shape, port.dtype) if part))


def layers(summary: Summary) -> Table:
    """A row for each layer; columns of which all would be empty are left out."""
    shapes = any(row.outputs for row in summary.rows)
    buffers, tied = any(row.buffers for row in summary.rows), any(row.tied for row in summary.rows)
    made = table("layer", "type", *(["output"] if shapes else []))
    numbers(made, "parameters", *(["buffers"] if buffers else []), *(["tied"] if tied else []))
    for row in summary.rows:
        cells = [text(visible(row.name), NAME), text(row.type)]
        cells += [_outputs(row)] if shapes else []
        cells += [count(row.parameters)]
        cells += [count(row.buffers)] if buffers else []
        cells += [count(row.tied)] if tied else []
        made.add_row(*cells)
    return made


def _outputs(row: LayerRow) -> Text:
    return Text("\n".join(map(shape_text, row.outputs)))


def totals(summary: Summary) -> RenderableType:
    """What the layers come to."""
    frozen = summary.parameters - summary.trainable
    nbytes = ", ".join(f"{size_text(size)} of {dtype}" for dtype, size in summary.nbytes.items())
    rows = [
        ("parameters", f"{summary.parameters:,}" + (f", {frozen:,} of them frozen" if frozen else "")),
        ("buffers", f"{summary.buffers:,}"),
        ("weights", nbytes or "none"),
        ("kinds", ", ".join(f"{kind} {number:,}" for kind, number in summary.kinds.items())),
    ]
    rows += [("tied", f"{name} is {first}") for name, first in summary.tied.items()]
    for reason in dict.fromkeys(summary.ignored.values()):
        names = [name for name, why in summary.ignored.items() if why == reason]
        rows.append(("ignored", f"{', '.join(names)}: {reason}"))
    if len(summary.rows) != summary.total:
        rows.append(("shown", f"{len(summary.rows):,} of {summary.total:,} layers"))
    return indented(pairs((label, text(told)) for label, told in rows if told))


def tensors(result: TensorTable) -> Table:
    """A row for each tensor."""
    values, tied = any(row.figures for row in result.rows), any(row.tied for row in result.rows)
    several = any(row.times > 1 for row in result.rows)
    told = not values and any(row.trainable is not None for row in result.rows)
    made = table("tensor")
    for heading in ("shape", "type"):
        made.add_column(heading, no_wrap=True)
    numbers(made, *(("times",) if several else ()), *(_FIGURES if values else ("elements", "bytes")))
    for heading, shown in (("trained", told), ("first values", values), ("tied to", tied)):
        if shown:
            made.add_column(heading, overflow="fold")
    for row in result.rows:
        cells = [text(visible(row.name), NAME), Text(shape_text(row.shape)), text(row.dtype)]
        cells += [Text(f"{row.times:,}" if row.times > 1 else "")] if several else []
        cells += _figures(row.figures) if row.figures else [count(row.elements), count(row.nbytes)]
        cells += [_trained(row)] if told else []
        made.add_row(*cells, *([text(row.tied)] if tied else []))
    return made


_FIGURES = ("min", "max", "mean", "std", "NaN", "Inf")


def _figures(found: Figures) -> list[Text]:
    first = Text(" ".join(f"{value:.3g}" for value in found.first))
    if found.unread is not None:
        first = text(f"not readable: {found.unread}", WARN)
    known = (found.low, found.high, found.mean, found.std)
    return [
        *(Text("" if value is None else f"{value:.3g}") for value in known),
        *(Text(f"{number:,}" if number else "", BAD) for number in (found.nan, found.inf)),
        first,
    ]


def _trained(row: TensorRow) -> Text:
    return Text("" if row.trainable is None else "yes" if row.trainable else "no", DIM)


def nothing(what: str, word: str | None) -> Text:
    """That nothing matches a word."""
    return text(f"no {what}" + ("" if word is None else f" matches {word!r}"), DIM)
