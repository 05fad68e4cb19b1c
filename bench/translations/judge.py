"""Whether a model of the zoo is translated and proven."""

from __future__ import annotations

from typing import Any

Record = dict[str, Any]
PASS, FAIL, REFUSED = "pass", "FAIL", "refused"
LONGEST = 200
"""Characters of it, at most."""
MOST_MEMORY, SMALL = 4.0, 50e6
"""How many times its weights a translation may take in memory, of models with more bytes of weights than that."""


def judged(record: Record) -> tuple[str, str]:
    """The verdict, and the reason for any but a pass."""
    error = record.get("error")
    if error is not None:
        where = f" ({error['where']})" if error["where"] else ""
        found = f": {_first(error['found'])}" if error["found"] else ""
        reason = f"{error['what']}{where}{found}"
        return (REFUSED, reason) if error["refused"] else (FAIL, f"{error['error']}: {reason}")
    for problem in (_ended, _proof, _counts, _files, _gradients):
        reason = problem(record)
        if reason:
            return FAIL, reason
    return PASS, ""


def is_fine(verdict: str, refused: bool) -> bool:
    """Whether a verdict is as it should be: a pass, or a refusal where one is expected."""
    return verdict == PASS or (verdict == REFUSED and refused)


def memory(record: Record) -> tuple[float, float | None] | None:
    """The memory that the translation took, as multiples of the weights: all of it, and what was left of it without
    what its framework takes to load and run what was written, once and alone. None for what is not known."""
    if "taken" not in record or not record["weights"]:
        return None
    alone = (record.get("fresh") or {}).get("taken")
    return record["taken"] / record["weights"], None if alone is None else (record["taken"] - alone) / record["weights"]


def gradients(record: Record) -> Record | None:
    """The part on gradients: of the proof, or of that of a second translation."""
    parts: list[Record] = record.get("parts") or []
    return next((part for part in parts if part["name"] == "gradients"), record.get("gradients"))


def rejected(record: Record) -> dict[str, str]:
    """Why what was written is not taken, by who was asked to take it; empty for who takes it.

    A figure of its own, like memory: the network is the same whoever compiles it.
    """
    answers = record.get("accepts") or {}
    return {way: answer["ended"] or answer["problem"] for way, answer in answers.items()}


def _first(text: str) -> str:
    """The first sentence of what a framework said."""
    return text.strip().splitlines()[0].partition(". ")[0][:LONGEST]


def _ended(record: Record) -> str:
    return f"{record['stage']}: {record['ended']}" if record["ended"] else ""


def _proof(record: Record) -> str:
    failed = [part for part in record["parts"] if not part["passed"]]
    if failed:
        return f"proof, {failed[0]['name']}: {failed[0]['figure']}"
    return "" if record["passed"] else "the proof does not pass"


def _counts(record: Record) -> str:
    """As many numbers are trained in the translation as in the source, or in what of it a call uses."""
    counts = record["parameters"]
    if counts["translation"] in (counts["source"], counts["used"]):
        return ""
    used = f" ({counts['used']:,} of them used)" if counts["used"] != counts["source"] else ""
    return f"{counts['translation']:,} trainable parameters for {counts['source']:,}{used}"


def _files(record: Record) -> str:
    fresh = record.get("fresh") or {"ended": "was not run", "stage": "start", "files": {}}
    for file, found in fresh.get("files", {}).items():
        if found["problem"]:
            return f"{file} on its own: {found['problem']}"
    if fresh["ended"]:
        return f"{fresh['stage']} on its own: {fresh['ended']}"
    return f"{', '.join(fresh['loaded'])} was imported" if fresh["loaded"] else ""


def _gradients(record: Record) -> str:
    part = gradients(record)
    return f"gradients: {part['figure']}" if part is not None and part["passed"] is False else ""


def takes_too_much(record: Record) -> bool:
    """Whether it took more memory than it may: a figure of its own, which says nothing of the network."""
    taken = memory(record)
    above = None if taken is None else taken[1]
    return above is not None and record["weights"] > SMALL and above > MOST_MEMORY
