"""What came of the comparison, as the page docs/peers.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median

from bench.peers.judge import BOUND, TOLERANCE, Row, Run

HEAD = (
    "network",
    "verdict",
    "homolog",
    "nobuco",
    "ratio",
    "bound",
    "nobuco-quick",
    "ratio",
    "homolog's model",
    "nobuco's model",
    "homolog's memory",
    "nobuco's memory",
    "homolog's processor",
    "nobuco's processor",
)
Versions = dict[str, dict[str, str]]
BUSY = 1.5
"""Seconds to those of the processor: more, and the machine had other work to do."""


def line(row: Row) -> str:
    """One network in one line, while it goes on."""
    found = ", ".join(f"{tool} {_seconds(run)} {_model(run)}" for tool, run in row.runs.items())
    return f"{row.verdict or 'run':<8}{row.network:<28}{_ratio(row, 'nobuco'):<8}{found}  {row.problem}".rstrip()


def page(rows: Sequence[Row], versions: Versions, limit_s: float) -> str:
    """The whole page: what was run, the table, and why a model is not right."""
    parts = [
        "# Beside nobuco",
        "torchvision's networks with random weights and statistics, translated from PyTorch to Keras by homolog and by "
        "nobuco in the same run, one after the other. Printed by `make peers`.",
        _summary(rows),
        _busy(rows),
        _markdown([_cells(row) for row in rows]),
        _listed("## What homolog is not", [f"{row.network}: {row.problem}" for row in rows if row.problem]),
        _listed("## Models that are not right", [text for row in rows for text in _notes(row)]),
        "Seconds are those of the one call: imports are done and the network is built before. Each call runs in a "
        f"process of its own with one thread, and is stopped after {limit_s:g} s. All are asked for a model that takes "
        "batches of any size. homolog's call proves the outputs of what it made; nobuco, at its defaults, compares "
        "the outputs of every module; nobuco-quick is nobuco with `full_validation=False`, which compares those of "
        "the network as a whole. The bound is on the first ratio.",
        f"A model is right where its outputs, channels last, differ by at most {TOLERANCE:g} of the largest of "
        "PyTorch's, both at the batch it was made with and at one of another size. It is wrong in silence where they "
        "differ by more and its tool neither raised an error nor said so; marked, where the tool printed or returned "
        "a doubt. Memory is the most that the process had held when the call came back, the network and both "
        "frameworks included. Processor is the time that the call cost it: other work on the machine adds to seconds, "
        "and hardly to that.",
        *(_versions(tool, found) for tool, found in versions.items()),
    ]
    return "\n\n".join(part for part in parts if part)


def _summary(rows: Sequence[Row]) -> str:
    verdicts = Counter(row.verdict for row in rows)
    fine, compared = verdicts["pass"], sum(row.verdict != "" for row in rows)
    text = f"{fine} of {compared} networks pass: homolog's model is right, in at most {BOUND:g} of nobuco's time."
    if not compared:
        text = "Nothing is compared."
    if verdicts["no peer"]:
        text += f" For {verdicts['no peer']} more it is right, and nobuco gave no model to compare the time with."
    for tool in ("nobuco", "nobuco-quick"):
        ratios = [row.ratios[tool] for row in rows if tool in row.ratios]
        if ratios:
            text += f" The median ratio to {tool} is {median(ratios):.2f}."
    for tool in ("homolog", "nobuco"):
        found = Counter(str(row.runs[tool].outcome) for row in rows if tool in row.runs)
        if found:
            text += (
                f" {tool}'s models: " + "; ".join(f"{count} {outcome}" for outcome, count in found.most_common()) + "."
            )
    return text


def _busy(rows: Sequence[Row]) -> str:
    """A word on times that are not to be trusted."""
    runs = [(row.network, run) for row in rows for run in row.runs.values()]
    waits = [(run.seconds / run.cpu_s, name) for name, run in runs if run.seconds and run.cpu_s]
    worst, name = max(waits, default=(0.0, ""))
    if worst <= BUSY:
        return ""
    return f"The machine was busy: {name} took {worst:.1f} times as long as it had the processor. Run it again."


def _cells(row: Row) -> list[str]:
    ours, theirs, quick = (row.runs.get(tool) for tool in ("homolog", "nobuco", "nobuco-quick"))
    return [
        row.network,
        row.verdict or "not compared",
        _seconds(ours),
        _seconds(theirs),
        _ratio(row, "nobuco"),
        f"{BOUND:g}",
        _seconds(quick),
        _ratio(row, "nobuco-quick"),
        _model(ours),
        _model(theirs),
        _memory(ours),
        _memory(theirs),
        _processor(ours),
        _processor(theirs),
    ]


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


def _model(run: Run | None) -> str:
    """``right, 1.2e-06``."""
    if run is None:
        return ""
    return f"{run.outcome}, {run.error:.1e}" if isinstance(run.error, float) else run.outcome


def _memory(run: Run | None) -> str:
    return "" if run is None or run.mib is None else f"{run.mib / 1024:.1f} GiB"


def _processor(run: Run | None) -> str:
    return "" if run is None or run.cpu_s is None else f"{run.cpu_s:.1f} s"


def _notes(row: Row) -> list[str]:
    return [f"{row.network}, {tool}: {run.outcome}: {run.note}" for tool, run in row.runs.items() if run.note]


def _versions(tool: str, found: dict[str, str]) -> str:
    return f"Versions beside {tool}: " + ", ".join(f"{name} {number}" for name, number in found.items()) + "."


def _listed(title: str, lines: Sequence[str]) -> str:
    return "\n".join([title, "", *(f"- {text}" for text in lines)]) if lines else ""


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    lines = [HEAD, ["---"] * len(HEAD), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |" for cells in lines)
