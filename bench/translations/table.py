"""What the translations came to, as the page docs/zoo.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.translations.judge import FAIL, MOST_MEMORY, PASS, REFUSED, gradients, memory, takes_too_much
from bench.translations.model import CHEAP_BYTES, CHEAP_S, OTHER, TRACED

Record = dict[str, Any]
HEAD = ("model", "input", "verdict", "float32", "float64", "gradients", "transposes", "seconds", "memory", "lines")


def line(record: Record) -> str:
    """One run in one line, while it goes on."""
    times = record.get("seconds", {})
    seconds = f"{times['translating']:.0f} s" if "translating" in times else ""
    cells = _figures(record)
    figures = f"{cells['float32']:>6} {cells['float64']:>8} {cells['transposes']:>9} {seconds:>6} {cells['memory']:>15}"
    return f"{record['verdict']:<8}{record['model']:<32}{figures}  {record['reason']}"


def page(records: Sequence[Record], versions: dict[str, str]) -> str:
    """The whole page: a table for each group, what is not translated, and how the figures came about."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(record["group"], []).append(record)
    parts = [
        "# The zoo",
        "PyTorch models with random weights, statistics, scales and shifts, written as Keras code by "
        "`homolog translate`. Printed by `make zoo`.",
        "\n".join(f"- {name}: {_tally(rows)}" for name, rows in groups.items()),
        _alone(records),
        *(f"## {name[:1].upper()}{name[1:]}\n\n{_table(rows)}" for name, rows in groups.items()),
        _listed("## What is not translated", [_told(record) for record in records if record["verdict"] != PASS]),
        "## How it is measured",
        f"Each model is built, translated (traced at batch {TRACED}), and saved in a process of its own. Another "
        "process, in which neither homolog nor PyTorch can be imported, loads `model.keras` and calls `load_model()` "
        f"of `model.py`, and runs both at batch {OTHER}; a row passes where the proof does, both files agree with "
        "PyTorch as closely as the proof asks for, and as many numbers are trained in Keras as a call of the module "
        "uses. Images are shown as PyTorch has them, without the batch.",
        "float32 is how many times as far from PyTorch's float64 the translation is as PyTorch's own float32; float64 "
        "how far both are apart there, as a share of the largest output. Gradients are compared "
        f"where there are at most {CHEAP_BYTES / 1e6:g} MB of weights and a translation takes at most "
        f"{CHEAP_S} s.",
        "Transposes are a / b / c: those in the functional model; those in its compiled TensorFlow graph that move an "
        "axis; and of these, the ones that turn channels last into channels first or back. Those of attention's heads "
        "belong to b, and to c where the keys are turned in one step. Seconds are those of the call of `translate`, "
        "tracing and proof included, on a machine that translates two models at a time.",
        "Memory is the peak during that call above what the process held before (both frameworks and the module), as "
        "a multiple of the bytes of the weights, and behind the stroke the same without what Keras took in the other "
        "process to load `model.keras` and run it once, weights included: TensorFlow keeps several times as much as "
        f"the weights when it first runs a model. The latter may be at most {MOST_MEMORY:g} for models with more than "
        "50 MB of weights; where it is more, the row says over. Each is the difference of VmHWM, reset beforehand, and "
        "VmRSS. Lines are those of `model.py`.",
        "Versions: " + ", ".join(f"{name} {number}" for name, number in versions.items()) + ".",
    ]
    return "\n\n".join(part for part in parts if part)


def _tally(records: Sequence[Record]) -> str:
    """``8 of 12 translated and proven, 3 refused, 1 failed``."""
    count = {word: sum(record["verdict"] == word for record in records) for word in (PASS, REFUSED, FAIL)}
    rest = [f"{count[word]} {told}" for word, told in ((REFUSED, "refused"), (FAIL, "failed")) if count[word]]
    return ", ".join([f"{count[PASS]} of {len(records)} translated and proven", *rest])


def _alone(records: Sequence[Record]) -> str:
    """How many of the files that hold the whole model need no code."""
    loaded = [record["fresh"]["alone"] for record in records if "alone" in (record.get("fresh") or {})]
    return (
        f"Of {len(loaded)} files `model.keras`, {sum(loaded)} load without `model.py`, the others once it is imported."
    )


def _table(records: Sequence[Record]) -> str:
    rows = [HEAD, ["---"] * len(HEAD), *map(_row, records)]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "/") for cell in cells) + " |" for cells in rows)


def _row(record: Record) -> list[str]:
    seconds = record.get("seconds", {}).get("translating")
    figures = _figures(record)
    return [
        f"{record['model']} ({record['reduced']})" if record["reduced"] else record["model"],
        record["takes"],
        record["verdict"],
        *(figures[name] for name in ("float32", "float64", "gradients", "transposes")),
        "" if seconds is None else f"{seconds:.1f}",
        figures["memory"],
        str(record.get("lines", "")),
    ]


def _figures(record: Record) -> dict[str, str]:
    parts = {part["name"]: part["figures"] for part in record.get("parts") or []}
    narrow, wide = parts.get("float32", {}).get("ratio"), parts.get("float64", {}).get("relative")
    part, taken = gradients(record), memory(record)
    counts = (record.get("fresh") or {}).get("transposes")
    return {
        "memory": ("" if taken is None else " / ".join(f"{number:.1f} ×" for number in taken if number is not None))
        + (" (over)" if takes_too_much(record) else ""),
        "float32": "" if narrow is None else f"{narrow:.2f} ×",
        "float64": "" if wide is None else f"{wide:.0e}",
        "gradients": "" if part is None or part["passed"] is None else "agree" if part["passed"] else "differ",
        "transposes": f"{counts['model']} / {counts['graph']} / {counts['layout']}" if counts else "",
    }


def _told(record: Record) -> str:
    return f"{record['model']}, {record['verdict']}: {record['reason']}"


def _listed(title: str, lines: Sequence[str]) -> str:
    return "\n".join([title, "", *(f"- {text}" for text in lines)]) if lines else ""
