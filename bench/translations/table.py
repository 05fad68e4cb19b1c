"""What the translations of one direction came to, as a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.translations.judge import FAIL, PASS, REFUSED, gradients, memory, rejected, takes_too_much
from bench.translations.words import Words

Record = dict[str, Any]
HEAD = (
    *("model", "input", "verdict", "float32", "float64", "gradients", "transposes", "seconds", "memory", "lines"),
    "accepted",
)


def line(record: Record) -> str:
    """One run in one line, while it goes on."""
    times = record.get("seconds", {})
    seconds = f"{times['translating']:.0f} s" if "translating" in times else ""
    cells = _figures(record)
    figures = f"{cells['float32']:>6} {cells['float64']:>8} {cells['transposes']:>9} {seconds:>6} {cells['memory']:>15}"
    return f"{record['verdict']:<8}{record['model']:<32}{figures}  {record['reason']}"


def page(records: Sequence[Record], versions: dict[str, str], words: Words) -> str:
    """The whole page: a table for each group, what is not translated, and how the figures came about."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(record["group"], []).append(record)
    parts = [
        words.title,
        words.what,
        "\n".join(f"- {name}: {_tally(rows)}" for name, rows in groups.items()),
        words.summary(records),
        *(f"## {name[:1].upper()}{name[1:]}\n\n{_table(rows, words)}" for name, rows in groups.items()),
        _listed("## What is not translated", [_told(record) for record in records if record["verdict"] != PASS]),
        _listed("## What is not accepted", [text for record in records for text in _rejections(record)]),
        "## How it is measured",
        *words.how,
        "Versions: " + ", ".join(f"{name} {number}" for name, number in versions.items()) + ".",
    ]
    return "\n\n".join(part for part in parts if part)


def _tally(records: Sequence[Record]) -> str:
    """``8 of 12 translated and proven, 3 refused, 1 failed``."""
    count = {word: sum(record["verdict"] == word for record in records) for word in (PASS, REFUSED, FAIL)}
    rest = [f"{count[word]} {told}" for word, told in ((REFUSED, "refused"), (FAIL, "failed")) if count[word]]
    return ", ".join([f"{count[PASS]} of {len(records)} translated and proven", *rest])


def _table(records: Sequence[Record], words: Words) -> str:
    head = [name for name in HEAD if name != "accepted" or words.asks]
    rows = [head, ["---"] * len(head), *([_row(record)[name] for name in head] for record in records)]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "/") for cell in cells) + " |" for cells in rows)


def _row(record: Record) -> dict[str, str]:
    seconds = record.get("seconds", {}).get("translating")
    return {
        "model": f"{record['model']} ({record['reduced']})" if record["reduced"] else record["model"],
        "input": record["takes"],
        "verdict": record["verdict"],
        "seconds": "" if seconds is None else f"{seconds:.1f}",
        "lines": str(record.get("lines", "")),
        **_figures(record),
    }


def _figures(record: Record) -> dict[str, str]:
    parts = {part["name"]: part["figures"] for part in record.get("parts") or []}
    narrow, wide = parts.get("float32", {}).get("ratio"), parts.get("float64", {}).get("relative")
    part, taken = gradients(record), memory(record)
    return {
        "memory": ("" if taken is None else " / ".join(f"{number:.1f} ×" for number in taken if number is not None))
        + (" (over)" if takes_too_much(record) else ""),
        "float32": "" if narrow is None else f"{narrow:.2f} ×",
        "float64": "" if wide is None else f"{wide:.0e}",
        "gradients": "" if part is None or part["passed"] is None else "agree" if part["passed"] else "differ",
        "transposes": _transposes(record),
        "accepted": " ".join(way for way, reason in rejected(record).items() if not reason),
    }


def _transposes(record: Record) -> str:
    """The counts that the direction has, in one order."""
    exported = record.get("accepts", {}).get("export", {}).get("transposes")
    counts = exported or (record.get("fresh") or {}).get("transposes") or {}
    numbers = [counts[name] for name in ("model", "graph", "layout", "copies") if name in counts]
    return " / ".join(map(str, [*numbers, record["turns"]] if exported else numbers))


def _rejections(record: Record) -> list[str]:
    return [f"{record['model']}, {way}: {reason}" for way, reason in rejected(record).items() if reason]


def _told(record: Record) -> str:
    return f"{record['model']}, {record['verdict']}: {record['reason']}"


def _listed(title: str, lines: Sequence[str]) -> str:
    return "\n".join([title, "", *(f"- {text}" for text in lines)]) if lines else ""
