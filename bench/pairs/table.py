"""What the pairs came to, as the page docs/pairs.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Record = dict[str, Any]
STAGES = ("reading", "matching", "transfer", "copy and proof")
HEAD = (
    "pair",
    "direction",
    "verdict",
    "tensors",
    "evidence",
    "differences",
    "proof",
    "oracle",
    "reading",
    "matching",
    "transfer",
    "copy and proof",
    "memory",
    "weightbridge",
)


def line(record: Record) -> str:
    """One run in one line, while it goes on."""
    word = "ok" if record["ok"] else "FAILED"
    return f"{word:<8}{record['pair']:<22}{record['direction']:<10}{record['wall_s']:>6.0f} s  {record['problem']}"


def page(records: Sequence[Record], versions: dict[str, str]) -> str:
    """The whole page: what was run, the table, what failed, and the differences that were named."""
    fine = sum(record["ok"] for record in records)
    pairs = _by_pair(records)
    both = sum(all(record["ok"] for record in runs) for runs in pairs.values())
    theirs = sum(all(record.get("weightbridge", {}).get("all") for record in runs) for runs in pairs.values())
    parts = [
        "# Real pairs",
        "The same network as two projects wrote it, with random weights, statistics, scales, shifts and biases, copied "
        "both ways. Printed by `make pairs`.",
        f"{both} of {len(pairs)} pairs are as they should be ({fine} of {len(records)} copies): every tensor has its "
        "place, what makes the two different functions is named, and the proof says the same. weightbridge maps all "
        f"tensors of {theirs}.",
        _markdown([_row(record) for record in records]),
        _listed("## What is not", [f"{_title(r)}: {r['problem']}" for r in records if not r["ok"]]),
        _listed("## Differences, as they were named", [text for runs in pairs.values() for text in _named(runs[0])]),
        "Times are in seconds. Transfer is every weight read and laid out once; copy and proof is the whole of "
        "`homolog.copy`, which reads and matches again. Memory is the most that the process held, both networks and "
        "both frameworks included.",
        "Versions: " + ", ".join(f"{name} {number}" for name, number in versions.items()) + ".",
    ]
    return "\n\n".join(part for part in parts if part)


def _row(record: Record) -> list[str]:
    seconds = record["seconds"]
    return [
        record["pair"],
        "PyTorch → Keras" if record["direction"] == "to-keras" else "Keras → PyTorch",
        "ok" if record["ok"] else "FAILED",
        _tensors(record),
        ", ".join(f"{name} {count}" for name, count in record.get("evidence", {}).items()),
        _differences(record),
        _proof(record),
        record.get("oracle", ""),
        *(f"{seconds[stage]:.3g}" if stage in seconds else "" for stage in STAGES),
        f"{record['peak_mib'] / 1024:.1f} GiB" if "peak_mib" in record else "",
        _peer(record),
    ]


def _tensors(record: Record) -> str:
    """``32/32 → 32/32``: source and target, those with a place of all."""
    sides = record.get("tensors")
    return " → ".join(f"{matched}/{total}" for matched, total in sides.values()) if sides else ""


def _differences(record: Record) -> str:
    settings = record.get("settings") or {}
    return ", ".join(f"{count} {setting}" for setting, count in settings.items())


def _proof(record: Record) -> str:
    if "passed" not in record:
        return ""
    parts = [part for part in record["proof"] if part["name"] != "weights"] or record["proof"]
    shown = next((part for part in parts if not part["passed"]), parts[0])
    return f"{'passed' if record['passed'] else 'failed'}: {shown['figure']}"


def _peer(record: Record) -> str:
    found = record.get("weightbridge")
    if not found:
        return ""
    other = f", {found['other_values']} with other values" if found["other_values"] else ""
    return f"{'all' if found['all'] else 'no'}{other}, {found['seconds']:.1f} s"


def _named(record: Record) -> list[str]:
    """The first two differences in each setting of a pair; those of the way back are the same."""
    found: dict[str, list[str]] = {}
    for text in record.get("differences") or []:
        found.setdefault(text.partition(":")[0], []).append(text)
    lines = []
    for texts in found.values():
        rest = f" (and {len(texts) - 2} more)" if len(texts) > 2 else ""
        lines.append(f"{record['pair']}: {'; '.join(texts[:2])}{rest}")
    return lines


def _title(record: Record) -> str:
    return f"{record['pair']}, {record['direction'].replace('-', ' ')}"


def _by_pair(records: Sequence[Record]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(record["pair"], []).append(record)
    return found


def _listed(title: str, lines: Sequence[str]) -> str:
    return "\n".join([title, "", *(f"- {text}" for text in lines)]) if lines else ""


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    lines = [HEAD, ["---"] * len(HEAD), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |" for cells in lines)
