"""What the mutants came to, as the page docs/mutants.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bench.figure import Figure
from bench.mutants.judge import Record

HEAD = ("mutant", "defect", "in", "caught", "layer", "cause", "said")
SHOWN = 110
"""How much of a cause is shown."""


def line(record: Record) -> str:
    """One record in one line, while it goes on."""
    if "defect" not in record:
        name = f"{record['architecture']} {record['size']} {record['seed']} {record['direction']} {record['backend']}"
        word = "FAILED" if record["problem"] else "ok"
        return f"{word:<8}{name:<44}{record['seconds']:>6.1f} s  {_first(record['problem'])}"
    fine = record["caught"] and record["layer"] and record["cause"]
    word = "ok" if fine else "MISSED" if not record["caught"] else "caught"
    missing = [part for part in ("layer", "cause") if record["caught"] and not record[part]]
    wrong = f" (wrong {' and '.join(missing)})" if missing else ""
    return f"{word:<8}{record['name']:<28}{record['seconds']:>6.1f} s  {_cut(said(record))}{wrong}"


def said(record: Record) -> str:
    """The first cause, with its kind and layers; else the error, else what failed."""
    if record["causes"]:
        first = record["causes"][0]
        places = " / ".join(name for name in (first["source"], first["target"]) if name)
        return f"{first['kind']} [{places}]: {first['words']}"
    if record["error"]:
        return _first(record["error"])
    return "; ".join(record["failed"]) or "the same network"


def mutant_figures(records: Sequence[Record]) -> list[Figure]:
    """How many of the mutants are missed, as shares."""
    if not records:
        return []
    bounds = {"caught": 0.0, "layer": 0.05, "cause": 0.10}
    names = {
        "caught": "mutants that verify does not catch",
        "layer": "mutants without the right layer",
        "cause": "mutants without the right cause",
    }
    figures = []
    for key, bound in bounds.items():
        right = sum(record[key] for record in records)
        share = 1 - right / len(records)
        note = f"{key}: {right} of {len(records)}, {right / len(records):.1%}; at least {1 - bound:.0%} wanted"
        figures.append(Figure(names[key], share, bound, "of all", note))
    return figures


def correct_figures(records: Sequence[Record]) -> list[Figure]:
    """How many correct conversions are called wrong; a run of fewer than 200 is no figure."""
    if not records:
        return []
    wrong = sum(bool(record["problem"]) for record in records)
    by_backend = ", ".join(f"{n} under {name}" for name, n in Counter(r["backend"] for r in records).items())
    bound = 0 if len(records) >= 200 else None
    note = f"{wrong} of {len(records)} correct conversions ({by_backend}); none of at least 200 wanted"
    return [Figure("false alarms", wrong, bound, "conversions", note)]


LARGEST = (
    ("outputs", "of what is allowed"),
    ("perturbed statistics", "of what is allowed"),
    ("float64", "of the largest output"),
    ("float32", "×"),
)
"""Parts of the proof whose largest figure is shown."""


def page(
    mutants: Sequence[Record], correct: Sequence[Record], figures: Sequence[Figure], versions: dict[str, str]
) -> str:
    """The whole page."""
    parts = [
        "# Mutants",
        "Networks that are the same but for one thing. Every architecture is written once in PyTorch and once in "
        "Keras, `copy` proves that the two are the same, one defect is put into one of them, and `verify` is asked. "
        "Printed by `make mutants`.",
        "\n".join(f"- {figure.name}: {figure.note}" for figure in figures),
        "A mutant is **caught** if the proof fails or the networks are said not to correspond. The **layer** is right "
        "if the first cause names, on either side, the layer of the defect or, where the defect is an operation that "
        "has no layer of its own in one of the two, that operation or the layer directly in front of it or behind it; "
        "the **cause** is right if it is of the expected kind. Every second mutant is asked about the other way "
        "around.",
    ]
    for name in dict.fromkeys(record["architecture"] for record in mutants):
        parts += [f"## {name}", _table([record for record in mutants if record["architecture"] == name])]
    alarms = [record for record in correct if record["problem"]]
    if correct:
        parts += ["## Correct conversions", _correct(correct)]
    if alarms:
        parts += [
            "\n".join(f"- {record['task']} ({record['backend']}): {_first(record['problem'])}" for record in alarms)
        ]
    parts.append("Versions: " + ", ".join(f"{name} {number}" for name, number in versions.items()) + ".")
    return "\n\n".join(part for part in parts if part)


def _table(records: Sequence[Record]) -> str:
    rows = [
        (
            record["name"],
            record["defect"],
            "PyTorch" if record["side"] == "torch" else "Keras",
            *("yes" if record[key] else "**no**" for key in ("caught", "layer", "cause")),
            _cut(said(record)),
        )
        for record in records
    ]
    return _markdown(HEAD, rows)


def _correct(records: Sequence[Record]) -> str:
    counts: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        counts.setdefault((record["architecture"], record["backend"]), []).append(record)
    rows = [
        (name, backend, str(len(found)), str(sum(bool(record["problem"]) for record in found)), *_largest(found))
        for (name, backend), found in counts.items()
    ]
    head = ("architecture", "Keras on", "conversions", "false alarms", *(f"{name}: {what}" for name, what in LARGEST))
    return _markdown(head, rows)


def _largest(records: Sequence[Record]) -> list[str]:
    """The largest that was measured of each part of a proof; empty where the part was not run."""
    found = [[record["measured"][name] for record in records if name in record["measured"]] for name, _ in LARGEST]
    return [f"{max(figures):.2g}" if figures else "" for figures in found]


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |" for cells in lines)


def _first(text: str) -> str:
    """The first line of an error and what it lists first."""
    return _cut("; ".join(part.strip() for part in text.splitlines()[:4]))


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
