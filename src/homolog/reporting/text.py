"""Results as text for terminals and pipes: tables that are good at 80 columns as well as wide, and calm.

Names come from files that nobody vouches for, so every cell is a ``Text`` of escaped characters, never markup.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import singledispatch
from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.text import Text

from homolog.errors import HomologError
from homolog.inspecting.inspection import Inspection
from homolog.inspecting.summary import Summary
from homolog.inspecting.table import TensorTable
from homolog.inspecting.words import size_text, visible
from homolog.reporting.blocks import BAD, DIM, GOOD, NAME, WARN, bullets, grid, indented, pairs, several, table, text
from homolog.reporting.inspections import head, layers, nothing, tensors, totals

if TYPE_CHECKING:
    from homolog.comparing import Comparison
    from homolog.copying import Copy
    from homolog.demo.steps import Step
    from homolog.doctor import Report
    from homolog.inspecting.members import Description, Member, Members
    from homolog.plan import Plan, Row
    from homolog.proof import Cause, Part, Proof
    from homolog.translating import Translation

_GIB = 1 << 30
_PIPE = 10_000  # columns: no table is as wide


def console(*, stderr: bool = False) -> Console:
    """The console that results are printed on.

    Errors go to stderr whole, one line each however narrow the terminal is: a command in them stays one that can be
    copied. What goes into a pipe or a file is not folded either, so that a row is a line to search for.
    """
    made = Console(stderr=stderr, soft_wrap=stderr, highlight=False, markup=False, emoji=False)
    if not made.is_terminal and "COLUMNS" not in os.environ:
        made.width = _PIPE
    return made


def to_text(result: object, width: int = 100) -> str:
    """A result as plain text of at most this width, for ``str``."""
    paper = Console(file=StringIO(), width=width, color_system=None, highlight=False, markup=False, emoji=False)
    with paper.capture() as captured:
        paper.print(render(result))
    return "\n".join(line.rstrip() for line in captured.get().rstrip().splitlines())


@singledispatch
def render(result: object) -> RenderableType:
    """What rich prints for a result; anything it has no picture of is shown as its ``str``."""
    late: dict[str, Callable[..., RenderableType]] = {  # by name, as few commands import their modules
        "homolog.copying.Copy": _copy,
        "homolog.comparing.Comparison": _comparison,
        "homolog.doctor.Report": _report,
        "homolog.inspecting.members.Description": _description,
        "homolog.inspecting.members.Members": _members,
        "homolog.plan.Plan": _plan,
        "homolog.proof.Proof": _proof,
        "homolog.demo.steps.Step": _step,
        "homolog.translating.translation.Translation": _translation,
    }
    kind = type(result)
    found = late.get(f"{kind.__module__}.{kind.__qualname__}")
    return text(str(result)) if found is None else found(result)


@render.register
def _inspection(result: Inspection) -> RenderableType:
    parts: list[RenderableType] = [head(result)]
    summary, stored = result.summary, result.tensors
    bare = summary is not None and not summary.types  # of layers nothing is known but their tensors
    if summary is not None and not bare:
        parts += [Text(), layers(summary) if summary.rows else nothing("layer", result.word)]
    if stored is not None and (bare or result.word is not None):
        parts += [Text(), tensors(stored) if stored.rows else nothing("tensor", result.word)]
    if summary is not None:
        parts += [Text(), totals(summary)]
    if result.members is not None:
        parts += [Text(), render(result.members)]
    if result.unsafe:
        parts += [Text(), bullets("asks for code, none of which was run", result.unsafe, BAD)]
    if result.notes:
        parts += [Text(), bullets("note", result.notes, WARN)]
    return Group(*parts)


@render.register
def _summary(result: Summary) -> RenderableType:
    return Group(layers(result), Text(), totals(result))


@render.register
def _tensor_table(result: TensorTable) -> RenderableType:
    if not result.rows:
        return nothing("tensor", result.word)
    elements = sum(row.elements for row in result.rows if row.tied is None)
    nbytes = sum(row.nbytes for row in result.rows if row.tied is None)
    shown = several(result.total, "tensor")
    if len(result) != result.total:
        shown = f"{len(result):,} of {shown}"
    return Group(tensors(result), Text(), Text(f"{shown}, {elements:,} elements, {size_text(nbytes)}"))


def _members(result: Members) -> RenderableType:
    matching = f" matching {result.word!r}" if result.word is not None else ""
    private = f", and {result.hidden} private" if result.hidden else ""
    title = Text.assemble(
        (visible(result.of), "bold"), visible(f": {len(result)} of {result.total} members{matching}{private}")
    )
    if not result.rows:
        return title
    listed = grid()
    for row in result.rows:
        listed.add_row(text(row.kind, DIM), _member(row))
    return Group(title, Text(), listed)


def _description(result: Description) -> RenderableType:
    place = result.sourceless if result.file is None else f"{result.file}:{result.line}"
    rows = {
        "path": result.path,
        "name": result.name,
        "type": result.type,
        "inherits": " > ".join(result.hierarchy),
        "signature": result.signature,
        "value": result.value if result.figures is None else str(result.figures),
        "length": None if result.length is None else f"{result.length:,}",
        "source": place,
    }
    parts: list[RenderableType] = [pairs((label, text(told)) for label, told in rows.items() if told)]
    if result.items:
        parts.append(indented(Group(*map(text, result.items))))
    # A source that begins with the documentation need not be preceded by it.
    inside = result.doc and result.source and result.doc.splitlines()[0] in result.source
    if result.doc and not inside:
        parts += [Text(), text(result.doc.rstrip())]
    if result.source:
        parts += [Text(), text(result.source.rstrip())]
    return Group(*parts)


def _comparison(result: Comparison) -> RenderableType:
    from homolog.reporting.comparisons import comparison

    return comparison(result)


def _plan(result: Plan) -> RenderableType:
    evidence = dict.fromkeys(row.evidence for row in result.rows)
    mixed = len(evidence) > 1
    made = table("source", "shape", "transform", "target", "shape", *(["evidence"] if mixed else []))
    for row in result.rows:
        made.add_row(*_plan_cells(row), *([text(row.evidence, DIM)] if mixed else []))
    parts: list[RenderableType] = [made, Text()]
    if result.source and result.target:
        parts = [text(f"{result.source} → {result.target}", "bold"), Text(), *parts]
    notes = [*result.notes, *(f"{row.target}: cast {row.cast}" for row in result.rows if row.cast)]
    if notes:
        parts += [bullets("note", notes, WARN), Text()]
    for side in dict.fromkeys(item.side for item in result.ignored):
        found = [f"{item.name}: {item.reason}" for item in result.ignored if item.side == side]
        parts += [bullets(f"left out of the {side}", found), Text()]
    if result.carried:
        parts += [bullets("carried", map(str, result.carried), WARN), Text()]
    if result.training:
        parts += [bullets("differs in training in", map(str, result.training)), Text()]
    if result.differences:
        parts += [bullets("differs in", map(str, result.differences), BAD), Text()]
    told = "" if mixed or result.confidence in evidence else f"; evidence: {', '.join(evidence)}"
    parts.append(text(f"{several(len(result.rows), 'tensor')}{told}; confidence: {result.confidence}"))
    return Group(*parts)


def _proof(result: Proof) -> RenderableType:
    listed = grid(3)
    for part in result.parts:
        listed.add_row(_verdict(part.passed), text(part.name), _part(part))
    parts: list[RenderableType] = [listed] if result.parts else []
    if result.differences:
        parts.append(indented(bullets("differs in", map(str, result.differences), BAD), 6))
    parts += [_cause(cause) for cause in result.causes]
    if result.passed:
        verdict = Text("the same network", "bold green")
    else:
        verdict = Text("NOT the same network" if result.parts else "nothing was compared", BAD)
    if result.source and result.target:
        verdict.append(visible(f": {result.source} and {result.target}"), "not bold default")
    return Group(*parts, verdict)


def _copy(result: Copy) -> RenderableType:
    parts: list[RenderableType] = [
        text(f"{several(len(result.plan.rows), 'tensor')} from {result.source.name} to {result.target.name}"),
        *(text(note, DIM) for note in result.notes),
        Text(),
        render(result.proof),
    ]
    if result.written is not None:
        parts.append(Text.assemble("wrote ", (visible(str(result.written)), NAME)))
    return Group(*parts)


def _translation(result: Translation) -> RenderableType:
    lines, tensors_moved = len(result.source.splitlines()), several(len(result.plan.rows), "tensor")
    parts: list[RenderableType] = [
        text(f"{result.origin.name} as {result.way.title} source: {lines} lines, {tensors_moved}"),
        *(text(note, DIM) for note in result.notes),
        Text(),
        render(result.proof),
    ]
    if result.written is not None:
        parts.append(Text.assemble("wrote ", (visible(str(result.written)), NAME)))
    return Group(*parts)


@render.register
def _error(result: HomologError) -> RenderableType:
    lines = Text.assemble(("error: ", BAD), visible(result.what))
    for label, found in (("where", result.where), ("expected", result.expected), ("found", result.found)):
        if found is not None:
            lines.append(f"\n  {label}: ", DIM).append(visible(found))
    for line in result.details:
        lines.append(f"\n  {visible(line)}")
    if result.help is not None:
        lines.append("\nhelp: ", "bold").append(visible(result.help))
    return lines


def _report(result: Report) -> RenderableType:
    made = table("package", "installed", "needed", "")
    for package in result.packages:
        state = Text("fits", GOOD) if package.fits else Text("does not fit", BAD)
        if package.installed is None:
            state = Text("missing", BAD) if package.without is None else Text("not installed", DIM)
        made.add_row(text(package.name), text(package.installed or "-"), text(package.required, DIM), state)
    memory = "unknown" if result.memory_free is None else f"{result.memory_free / _GIB:.1f} GiB free"
    facts = {
        "Keras backend": f"{result.backend.name} ({result.backend.source})",
        "memory": memory,
        "disk": f"{result.disk_free / _GIB:.1f} GiB free in {result.folder}",
    }
    title = f"homolog {result.homolog or '(not installed)'}, Python {result.python}, {result.platform}"
    parts: list[RenderableType] = [text(title, "bold"), Text(), made, Text()]
    parts += [pairs((label, text(fact)) for label, fact in facts.items()), Text()]
    for problem in result.problems:
        label, style = ("problem: ", BAD) if problem.severe else ("note: ", WARN)
        parts += [Text.assemble((label, style), visible(problem.what)), text(f"  help: {problem.help}", DIM)]
    parts.append(Text("all is well", "bold green") if result.ok else Text("something is wrong: see above", BAD))
    return Group(*parts)


def _step(result: Step) -> RenderableType:
    parts = [Text(), Text(visible(result.title), "bold"), Text(), render(result.result)]
    return Group(*parts) if result.passed else Group(*parts, Text("FAIL", BAD))


def _member(row: Member) -> Text:
    shown = Text.assemble((visible(row.name), NAME), visible(row.signature or ""))
    if row.value is not None:
        return shown.append(visible(f" = {row.value}"))
    return shown.append(f"\n{visible(row.doc)}", DIM) if row.doc else shown


def _plan_cells(row: Row) -> list[Text]:
    transform = "; ".join(map(str, row.transform)).replace("->", "→") or "as it is"
    return [
        text("\n".join(row.sources), NAME),
        _by(row.source_shape),
        text(transform, DIM if not row.transform else ""),
        text(row.target, NAME),
        _by(row.target_shape),
    ]


def _by(shape: Iterable[int]) -> Text:
    """``5×5×1×6``: shorter than a tuple, for the widest of the tables."""
    return Text("×".join(map(str, shape)) or "()")


def _part(part: Part) -> Text:
    figure = text(part.figure)
    if part.threshold:
        figure.append(visible(f" (threshold: {part.threshold})"), DIM)
    return Text("\n").join([figure, *(text(f"  {line}") for line in part.details)])


def _cause(cause: Cause) -> Text:
    lines = Text.assemble(("cause: ", BAD), visible(cause.words), overflow="fold")
    if cause.tried:
        lines.append(visible(f" ({cause.tried})"), DIM)
    return lines.append("\nhelp: ", "bold").append(visible(cause.help)) if cause.help else lines


def _verdict(passed: bool) -> Text:
    return Text("pass", GOOD) if passed else Text("FAIL", BAD)
