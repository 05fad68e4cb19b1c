"""The table of a comparison: a row for each tensor that is not the same, and how many are."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from homolog.comparing import DIFFERENT, SAME, Compared, Comparison
from homolog.inspecting.words import shape_text, visible
from homolog.reporting.blocks import BAD, GOOD, NAME, WARN, bullets, numbers, several, table, text


def comparison(result: Comparison) -> RenderableType:
    """What differs and what is missing; of what is the same, the number."""
    parts: list[RenderableType] = []
    apart = [row for row in result.rows if row.verdict != SAME]
    if apart:
        made = table("tensor", "", "shape", "type")
        numbers(made, "elements that differ", "largest", "relative")
        made.add_column("", overflow="fold")
        for row in apart:
            made.add_row(*_cells(row))
        parts += [made, Text()]
    counts = result.counts()
    shown = ", ".join(f"{number:,} {word}" for word, number in counts.items())
    parts.append(Text(f"{several(len(result.rows), 'tensor')}: {shown or 'none'}", GOOD if result.same else BAD))
    if result.ignored:
        reasons = dict.fromkeys(item.reason for item in result.ignored)
        lines = [f"{', '.join(item.name for item in result.ignored if item.reason == why)}: {why}" for why in reasons]
        parts.append(bullets("not compared", lines))
    if result.notes:
        parts.append(bullets("note", result.notes, WARN))
    return Group(*parts)


def _cells(row: Compared) -> list[Text]:
    return [
        text(visible(row.name), NAME),
        Text(row.verdict, BAD if row.verdict == DIFFERENT else WARN),
        text(_both(row.a_shape and shape_text(row.a_shape), row.b_shape and shape_text(row.b_shape))),
        text(_both(row.a_dtype, row.b_dtype)),
        Text("" if row.differing is None else f"{row.differing:,}"),
        *(Text("" if value is None else f"{value:.3g}") for value in (row.largest, row.relative)),
        text(row.note),
    ]


def _both(a: object, b: object) -> str:
    """One of the two where they are equal or one is missing, else ``a → b``."""
    found = [str(value) for value in dict.fromkeys((a, b)) if value]
    return " → ".join(found)
