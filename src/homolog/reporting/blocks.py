"""The building blocks of results as text: lines, pairs and tables that hold characters, never markup."""

from __future__ import annotations

from collections.abc import Iterable

from rich.box import Box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from homolog.inspecting.words import visible

DIM, NAME, GOOD, BAD, WARN = "dim", "cyan", "green", "bold red", "yellow"

_RULE = Box("    \n    \n ── \n    \n    \n    \n    \n    \n")  # one line, under the headings


def text(content: str | None, style: str = "") -> Text:
    """Characters that no terminal obeys, in one line or several; words too long for a line are folded."""
    return Text("\n".join(map(visible, (content or "").expandtabs().split("\n"))), style, overflow="fold")


def count(number: int) -> Text:
    """A number with separators; nothing for none, which keeps a column calm."""
    return Text(f"{number:,}" if number else "")


def several(number: int, what: str) -> str:
    """``10 tensors``, ``1 tensor``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def indented(inner: RenderableType, by: int = 2) -> Padding:
    """What stands below something else."""
    return Padding(inner, (0, 0, 0, by), expand=False)


def bullets(title: str, lines: Iterable[str], style: str = DIM) -> RenderableType:
    """A title and lines below it, as many as there are."""
    return Group(Text(f"{title}:", style), *(indented(text(line)) for line in lines))


def grid(columns: int = 2) -> Table:
    """Columns without a head, of which the last one folds."""
    made = Table.grid(padding=(0, 2), pad_edge=False)
    for _ in range(columns - 1):
        made.add_column(no_wrap=True)
    made.add_column(overflow="fold")
    return made


def pairs(rows: Iterable[tuple[str, Text]]) -> Table:
    """Labels, and what they are of."""
    made = grid()
    for label, value in rows:
        made.add_row(text(label, DIM), value)
    return made


def table(*headings: str) -> Table:
    """A table without a frame. Names are folded rather than cut."""
    made = Table(
        box=_RULE, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold", border_style=DIM
    )
    for heading in headings:
        made.add_column(text(heading), overflow="fold")
    return made


def numbers(made: Table, *headings: str) -> None:
    """Adds columns of numbers, which stand to the right and are never folded."""
    for heading in headings:
        made.add_column(text(heading), justify="right", no_wrap=True)
