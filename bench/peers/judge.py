"""What became of a network under each tool, and whether homolog did as it should."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from bench.peers.contest import Contest

TOLERANCE = 1e-3
"""The largest relative error of outputs that are right."""

Record = dict[str, Any]
Outcome = Literal["right", "traced batch only", "wrong, and marked", "wrong in silence", "failed", "stopped"]
Verdict = Literal["pass", "FAIL", "no peer", ""]


@dataclass(frozen=True)
class Run:
    """One network by one tool, judged.

    Attributes:
        outcome: of it; "traced batch only" where the model is right, and other batches end in an error.
        seconds: of the call alone; None where it did not come back.
        unproven_s: of the call in front of its proof; None of a tool that has none.
        cpu_s: what it cost the processor, which other work on the machine does not add to as it does to seconds.
        stopped_s: the limit that it was stopped at, if it was.
        error: the largest relative error, at the batch that the outcome is about.
        bytes: the most memory that the call took above what the process held before it.
        whole_s: of the whole process.
        note: why it is not right; empty if it is.
    """

    outcome: Outcome
    seconds: float | None
    unproven_s: float | None
    cpu_s: float | None
    stopped_s: float | None
    error: float | str | None
    bytes: int | None
    whole_s: float
    note: str


@dataclass(frozen=True)
class Row:
    """One network by all.

    Attributes:
        network: the name of it.
        runs: what became of it, by the name of the tool.
        ratios: of homolog's seconds to a peer's, by the name of the peer; at most that much where the peer was
            stopped, and none where a call did not come back.
        memory: of homolog's memory to that of the peer that it is held to, where both are known.
        verdict: on the ratios to that peer; "no peer" where homolog is right and there is no such time.
        problem: why it is FAIL.
    """

    network: str
    runs: dict[str, Run]
    ratios: dict[str, float]
    memory: float | None
    verdict: Verdict
    problem: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def judged(record: Record) -> Run:
    """The record of a process, judged."""
    translated = "errors" in record
    outcome, error, note = _outcome(record)
    return Run(
        outcome,
        record["seconds"].get("translating") if translated else None,
        record.get("unproven_s"),
        record.get("cpu_s"),
        record["limit_s"] if record["stopped"] and not translated else None,
        error,
        record.get("taken"),
        record["wall_s"],
        note,
    )


def _outcome(record: Record) -> tuple[Outcome, float | str | None, str]:
    """The outcome, the error that shows it, and why it is not right."""
    ended = record["ended"]
    if "errors" not in record:
        return "stopped" if record["stopped"] else "failed", None, f"{record['stage']}: {ended}"
    errors, doubt = record["errors"], record["doubt"]
    for batch, error in errors.items():
        if isinstance(error, str) or error > TOLERANCE:
            shown = error if isinstance(error, str) else f"relative error {error:.2g}"
            note = f"{shown} at the {batch} batch" + (f"; {doubt}" if doubt else "")
            return "wrong, and marked" if doubt else "wrong in silence", error, note
    if "other" in errors:
        return "right", errors["other"], ""
    if "traced" in errors:
        return "traced batch only", errors["traced"], f"at another batch: {ended}"
    return "failed", None, f"{record['stage']}: {ended}"


def compared(contest: Contest, network: str, records: dict[str, Record]) -> Row:
    """The records of a network, by the name of the tool."""
    runs = {tool: judged(record) for tool, record in records.items()}
    ours, theirs = runs.get("homolog"), runs.get(contest.peer)
    if ours is None or theirs is None:
        return Row(network, runs, {}, None, "", "")
    ratios = {}
    for tool, run in runs.items():
        against = run.stopped_s if run.seconds is None else run.seconds
        if tool != "homolog" and ours.seconds is not None and against is not None:
            ratios[tool] = ours.seconds / against
    memory = ours.bytes / theirs.bytes if ours.bytes is not None and theirs.bytes else None
    problems = []
    if len({record["weights"] for record in records.values() if "weights" in record}) > 1:
        problems.append("the tools were given other weights")
    elif ours.outcome != "right":
        problems.append(f"homolog is not right: {ours.note}")
    else:
        problems += _over(ratios.get(contest.peer), contest.time, f"{contest.peer}'s time")
        problems += _over(memory, contest.memory, "its memory")
    verdict: Verdict = "FAIL" if problems else "pass" if contest.peer in ratios else "no peer"
    return Row(network, runs, ratios, memory, verdict, ", ".join(problems))


def _over(ratio: float | None, bound: float | None, what: str) -> list[str]:
    return [f"{ratio:.2f} of {what}, more than {bound:g}"] if None not in (ratio, bound) and ratio > bound else []
