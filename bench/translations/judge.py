"""Whether a model of the zoo is translated and proven."""

from __future__ import annotations

from typing import Any

Record = dict[str, Any]
PASS, FAIL, REFUSED = "pass", "FAIL", "refused"
MOST_MEMORY, SMALL = 4.0, 50e6
"""How many times its weights a translation may take in memory, of models with more bytes of weights than that."""


def judged(record: Record) -> tuple[str, str]:
    """The verdict, and the reason for any but a pass."""
    error = record.get("error")
    if error is not None:
        where = f" ({error['where']})" if error["where"] else ""
        reason = f"{error['what']}{where}"
        return (REFUSED, reason) if error["refused"] else (FAIL, f"{error['error']}: {reason}")
    for problem in (_ended, _proof, _counts, _files, _gradients, _memory):
        reason = problem(record)
        if reason:
            return FAIL, reason
    return PASS, ""


def is_fine(verdict: str, refused: bool) -> bool:
    """Whether a verdict is as it should be: a pass, or a refusal where one is expected."""
    return verdict == PASS or (verdict == REFUSED and refused)


def memory(record: Record) -> float | None:
    """The memory that the translation took, as a multiple of the weights."""
    return record["taken"] / record["weights"] if "taken" in record and record["weights"] else None


def gradients(record: Record) -> Record | None:
    """The part on gradients: of the proof, or of a verification beside it."""
    parts: list[Record] = record.get("parts") or []
    return next((part for part in parts if part["name"] == "gradients"), record.get("gradients"))


def _ended(record: Record) -> str:
    return f"{record['stage']}: {record['ended']}" if record["ended"] else ""


def _proof(record: Record) -> str:
    failed = [part for part in record["parts"] if not part["passed"]]
    if failed:
        return f"proof, {failed[0]['name']}: {failed[0]['figure']}"
    return "" if record["passed"] else "the proof does not pass"


def _counts(record: Record) -> str:
    """As many numbers are trained in the translation as in the module, or in what of it a call uses."""
    counts = record["parameters"]
    if counts["translation"] in (counts["module"], counts["used"]):
        return ""
    used = f" ({counts['used']:,} of them used)" if counts["used"] != counts["module"] else ""
    return f"{counts['translation']:,} trainable parameters for {counts['module']:,}{used}"


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


def _memory(record: Record) -> str:
    multiple = memory(record)
    if multiple is None or record["weights"] <= SMALL or multiple <= MOST_MEMORY:
        return ""
    return f"{multiple:.1f} x its weights in memory, {MOST_MEMORY:g} allowed"
