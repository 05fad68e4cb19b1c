"""Proofs as Markdown, for the pages of a CI and for pull requests.

Names come from files that nobody vouches for, so whatever Markdown would obey is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from homolog.inspecting.words import visible
from homolog.proof import Part, Proof
from homolog.reporting.versions import versions

_SPECIAL = re.compile(r"[\\`*<>\[\]|~#&]|(?<![^\W_])_|_(?![^\W_])")  # an underscore inside a word is none
_AT_THE_START = re.compile(r"^(\d+(?=[.)](?:\s|$))|(?=[-+=]))")  # would begin a list or a heading


def to_markdown(proof: Proof, *, title: str = "", level: int = 1) -> str:
    """A proof as a piece of Markdown: verdict, parts, causes, differences, details, the command that repeats it.

    Args:
        proof: passed or not.
        title: stands in the heading, before the verdict.
        level: of the heading.
    """
    blocks = [
        "#" * level + " " + escaped(f"{title}: {verdict(proof)}" if title else verdict(proof)),
        *_compared(proof),
        _table(("part", "verdict", "figure", "threshold"), map(_row, proof.parts)),
        *_causes(proof),
        *_bullets("Differs in", map(str, proof.differences)),
        *_details(proof.parts),
        *_repeat(proof.command),
        escaped(", ".join(f"{name} {version}" for name, version in versions().items())),
    ]
    return "\n\n".join(filter(None, blocks)) + "\n"


@dataclass(frozen=True)
class Section:
    """One proof of several, rendered where it was made, for the versions are known there.

    Attributes:
        title: what it is of, such as the name of a test.
        accepted: whether whoever asked for it was content.
        verdict: in words.
        text: its Markdown, with a heading of level 2.
    """

    title: str
    accepted: bool
    verdict: str
    text: str


def section(proof: Proof, title: str, *, accepted: bool) -> Section:
    """A proof as one of several."""
    return Section(title, accepted, verdict(proof), to_markdown(proof, title=title, level=2))


def document(sections: Sequence[Section], heading: str) -> str:
    """Several proofs as one page, with a table of them in front."""
    rows = ((one.title, _word(one.accepted), one.verdict) for one in sections)
    blocks = [f"# {escaped(heading)}", _table(("", "", "proof"), rows), *(one.text.rstrip() for one in sections)]
    return "\n\n".join(filter(None, blocks)) + "\n"


def verdict(proof: Proof) -> str:
    """The verdict in words."""
    if not proof.parts:
        return "nothing was compared"
    return "the same network" if proof.passed else "NOT the same network"


def escaped(text: str) -> str:
    """Characters that Markdown shows as they are, in one line."""
    return _AT_THE_START.sub(r"\1\\", _SPECIAL.sub(r"\\\g<0>", visible(text)))


def _compared(proof: Proof) -> Iterator[str]:
    if proof.source and proof.target:
        yield f"{escaped(proof.source)} and {escaped(proof.target)}"


def _row(part: Part) -> tuple[str, ...]:
    return part.name, _word(part.passed), part.figure, part.threshold


def _word(passed: bool) -> str:
    return "pass" if passed else "FAIL"


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(map(escaped, row)) + " |" for row in rows]
    return "\n".join(["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings), *lines]) if lines else ""


def _causes(proof: Proof) -> Iterator[str]:
    if proof.causes:
        yield "**Why**"
        lines = []
        for cause in proof.causes:
            lines.append(f"- {escaped(str(cause))}")
            if cause.help:
                lines.append(f"  - help: {escaped(cause.help)}")
        yield "\n".join(lines)


def _bullets(title: str, lines: Iterable[str]) -> Iterator[str]:
    found = [f"- {escaped(line)}" for line in lines]
    if found:
        yield from (f"**{title}**", "\n".join(found))


def _details(parts: Iterable[Part]) -> Iterator[str]:
    for part in parts:
        if part.details:
            yield f"**{escaped(part.name)}**"
            yield _fence(part.details)


def _repeat(command: str) -> Iterator[str]:
    if command:
        yield from ("**Repeat**", _fence([command], "sh"))


def _fence(lines: Sequence[str], language: str = "text") -> str:
    """Lines as they are; the fence is longer than any run of backticks in them."""
    shown = [visible(line) for line in lines]
    longest = max((len(run) for line in shown for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([fence + language, *shown, fence])
