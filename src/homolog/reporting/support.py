"""The table of what homolog knows, for the documentation: made from the rules, so that it cannot say anything else.

``python -m homolog.reporting.support`` writes it to ``docs/support.md``.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from homolog.keras.emitting.operators import WRITERS
from homolog.keras.emitting.refused import REFUSED
from homolog.rules import TABLE, Rule, Slot
from homolog.transforms import Axes

HEAD = """\
# What homolog knows

Made from the table of rules by `make support`; do not edit. One row for each kind. A class or operator that is named
here is read, matched and copied in either direction; where a cell is empty the framework has no such thing under a
name of its own. Settings in *italics* change the function: two corresponding layers that differ in one are named before
anything is copied. A weight's layout is given from PyTorch to Keras, and used in both directions.

"""


def support() -> str:
    """The page."""
    weighted = [rule for rule in TABLE if rule.slots]
    others = [rule for rule in TABLE if not rule.slots]
    return (
        f"{HEAD}## Layers with weights ({len(weighted)})\n\n"
        + _table(("kind", "PyTorch", "Keras", "settings", "weights"), map(_weighted, weighted))
        + f"\n## Everything else ({len(others)})\n\n"
        + _table(("kind", "PyTorch", "Keras", "settings"), map(_plain, others))
        + _operators()
    )


def _operators() -> str:
    """What a translation to Keras writes, and what it refuses, by PyTorch's names."""
    plain = sorted(name for name in WRITERS if not name.startswith("_"))
    refused: dict[str, list[str]] = {}
    for name, why in REFUSED.items():
        refused.setdefault(why, []).append(f"`{name}`")
    return (
        f"\n## Operators that a translation writes for Keras ({len(WRITERS)})\n\n"
        + " ".join(f"`{name}`" for name in plain)
        + f", and {len(WRITERS) - len(plain)} whose names begin with an underscore.\n\n"
        + f"## Operators that a translation refuses ({len(REFUSED)})\n\n"
        + _table(("operators", "why"), ((" ".join(names), why) for why, names in refused.items()))
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _plain(rule: Rule) -> tuple[str, ...]:
    torch = [*(f"`nn.{name}`" for name in rule.torch.classes), *(f"`aten.{name}`" for name in rule.torch.aten)]
    keras = [*(f"`layers.{name}`" for name in rule.keras.classes), *(f"`ops.{name}`" for name in rule.keras.ops)]
    keras += [f'`"{name}"`' for name in rule.keras.activations]
    effects = [(setting.name, setting.effect) for setting in rule.fields]
    settings = [f"*{name}*" if effect in ("function", "axis") else name for name, effect in effects]
    return (rule.name, " ".join(torch), " ".join(keras), ", ".join(settings))


def _weighted(rule: Rule) -> tuple[str, ...]:
    return (*_plain(rule), "<br>".join(map(_slot, rule.slots)))


def _slot(slot: Slot) -> str:
    layout = ""
    if isinstance(slot.axes, Axes):
        layout = f": {str(slot.axes).replace('->', '→')}"
    elif slot.axes is not None:
        layout = ": by its shape"
    gates = f", gates {' '.join(map(str, slot.gates))}" if slot.gates else ""
    return f"`{' + '.join(slot.torch)}` ↔ `{slot.keras}`{layout}{gates}"


if __name__ == "__main__":
    Path("docs/support.md").write_text(support(), encoding="utf-8")
