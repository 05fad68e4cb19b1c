"""What came of a contest, as a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median

from bench.peers.contest import Contest
from bench.peers.judge import Row, Run
from bench.peers.words import Words

Versions = dict[str, dict[str, str]]
BUSY = 1.5
"""Seconds to those of the processor: more, and the machine had other work to do."""


def line(contest: Contest, row: Row) -> str:
    """One network in one line, while it goes on."""
    found = ", ".join(f"{tool} {_seconds(run)} {_model(run)}" for tool, run in row.runs.items())
    ratio = _ratio(row, contest.peer)
    return f"{row.verdict or 'run':<8}{row.network:<28}{ratio:<8}{found}  {row.problem}".rstrip()


def page(contest: Contest, words: Words, rows: Sequence[Row], versions: Versions, limit_s: float) -> str:
    """The whole page: what was run, the table, and why a model is not right."""
    parts = [
        words.title,
        words.what,
        _summary(contest, rows),
        _busy(rows),
        _markdown([_cells(contest, row) for row in rows]),
        _listed("## What homolog is not", [f"{row.network}: {row.problem}" for row in rows if row.problem]),
        _listed("## Models that are not right", [text for row in rows for text in _notes(row)]),
        f"Seconds are those of the one call: imports are done and the network is built before. Each call runs in a "
        f"process of its own with one thread, and is stopped after {limit_s:g} s. {words.calls}",
        words.right,
        f"Without its proof are the seconds of homolog's call until that begins, and what they are of {contest.peer}'s "
        "whole call: reading, writing, building and filling. The bound is on the whole call.",
        "Memory is the most that the call took above what the process held before it, with the network and the "
        "frameworks in it. Processor is the time that the call cost it: other work on the machine adds to seconds, and "
        "hardly to that.",
        *(_versions(tool, found) for tool, found in versions.items()),
    ]
    return "\n\n".join(part for part in parts if part)


def _summary(contest: Contest, rows: Sequence[Row]) -> str:
    verdicts = Counter(row.verdict for row in rows)
    fine, compared = verdicts["pass"], sum(row.verdict != "" for row in rows)
    if not compared:
        return "Nothing is compared."
    memory = "" if contest.memory is None else f" and {contest.memory:g} of its memory"
    text = (
        f"{fine} of {compared} networks pass: homolog's model is right, in at most {contest.time:g} of "
        f"{contest.peer}'s time{memory}."
    )
    if verdicts["no peer"]:
        text += (
            f" For {verdicts['no peer']} more it is right, and {contest.peer} gave no model to compare the time with."
        )
    for tool in contest.tools[1:]:
        ratios = [row.ratios[tool.name] for row in rows if tool.name in row.ratios]
        if ratios:
            text += f" The median ratio to {tool.name} is {median(ratios):.2f}."
    for tool in contest.tools[:2]:
        found = Counter(str(row.runs[tool.name].outcome) for row in rows if tool.name in row.runs)
        told = "; ".join(f"{count} {outcome}" for outcome, count in found.most_common())
        text += f" {tool.name}'s models: {told}." if found else ""
    return text


def _busy(rows: Sequence[Row]) -> str:
    """A word on times that are not to be trusted."""
    runs = [(row.network, run) for row in rows for run in row.runs.values()]
    waits = [(run.seconds / run.cpu_s, name) for name, run in runs if run.seconds and run.cpu_s]
    worst, name = max(waits, default=(0.0, ""))
    if worst <= BUSY:
        return ""
    return f"The machine was busy: {name} took {worst:.1f} times as long as it had the processor. Run it again."


def _cells(contest: Contest, row: Row) -> dict[str, str]:
    """By the head of the column."""
    names = [tool.name for tool in contest.tools]
    cells = {
        "network": row.network,
        "verdict": row.verdict or "not compared",
        "homolog": _seconds(row.runs.get(names[0])),
    }
    for peer in names[1:]:
        cells |= {peer: _seconds(row.runs.get(peer)), f"ratio to {peer}": _ratio(row, peer)}
        if peer == contest.peer:
            cells["bound"] = f"{contest.time:g}"
    both = {name: row.runs.get(name) for name in names[:2]}
    cells |= {f"{name}'s model": _model(run) for name, run in both.items()}
    cells |= {f"{name}'s memory": _memory(run) for name, run in both.items()}
    if contest.memory is not None:
        cells["ratio of memory"] = "" if row.memory is None else f"{row.memory:.2f}"
        cells["bound of memory"] = f"{contest.memory:g}"
    cells |= {f"{name}'s processor": _processor(run) for name, run in both.items()}
    return cells | {"without its proof": _unproven(row, names[0], contest.peer)}


def _seconds(run: Run | None) -> str:
    if run is None:
        return ""
    if run.stopped_s is not None:
        return f"> {run.stopped_s:g} s"
    return "" if run.seconds is None else f"{run.seconds:.1f} s"


def _ratio(row: Row, peer: str) -> str:
    """``0.31``, with a sign before it where the peer was stopped."""
    ratio = row.ratios.get(peer)
    if ratio is None:
        return ""
    return f"{'' if row.runs[peer].stopped_s is None else '< '}{ratio:.2f}"


def _unproven(row: Row, ours: str, peer: str) -> str:
    """``2.9 s, 0.33``: of homolog's call in front of its proof, and that beside the whole of the peer's."""
    run, theirs = row.runs.get(ours), row.runs.get(peer)
    if run is None or run.unproven_s is None:
        return ""
    told = f"{run.unproven_s:.1f} s"
    return told if theirs is None or not theirs.seconds else f"{told}, {run.unproven_s / theirs.seconds:.2f}"


def _model(run: Run | None) -> str:
    """``right, 1.2e-06``."""
    if run is None:
        return ""
    return f"{run.outcome}, {run.error:.1e}" if isinstance(run.error, float) else run.outcome


def _memory(run: Run | None) -> str:
    return "" if run is None or run.bytes is None else f"{run.bytes / 2**30:.2f} GiB"


def _processor(run: Run | None) -> str:
    return "" if run is None or run.cpu_s is None else f"{run.cpu_s:.1f} s"


def _notes(row: Row) -> list[str]:
    return [f"{row.network}, {tool}: {run.outcome}: {run.note}" for tool, run in row.runs.items() if run.note]


def _versions(tool: str, found: dict[str, str]) -> str:
    return f"Versions beside {tool}: " + ", ".join(f"{name} {number}" for name, number in found.items()) + "."


def _listed(title: str, lines: Sequence[str]) -> str:
    return "\n".join([title, "", *(f"- {text}" for text in lines)]) if lines else ""


def _markdown(rows: Sequence[dict[str, str]]) -> str:
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(list(row.values()) for row in rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |" for cells in lines)
