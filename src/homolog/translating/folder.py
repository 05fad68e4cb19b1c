"""A translation → a folder that needs homolog no more."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from homolog.emitting.names import identifier
from homolog.errors import Mismatch
from homolog.files import open_checkpoint
from homolog.files.folder import atomic_folder
from homolog.passes.ways import laid
from homolog.proof import weights
from homolog.translating.parity import comparison

if TYPE_CHECKING:
    from homolog.translating.translation import Translation

MODEL, PLAN, STORED, TEST, PAGE = "model.py", "plan.toml", "parity.npz", "test_parity.py", "README.md"


def write(translation: Translation, out: Path, *, force: bool) -> Path:
    """Write everything beside its place, read the weights again, and move it there.

    Raises:
        Usage: the folder exists and ``force`` is not given.
        Mismatch: a file of weights does not hold what it should.
    """
    way, live = translation.way, translation.target.live
    with atomic_folder(out, force=force) as draft:
        (draft / MODEL).write_text(translation.source, encoding="utf-8")
        for name, form in way.files.items():
            live.save(draft / name, form)
        _check_written(draft, translation)
        (draft / PLAN).write_text(translation.plan.to_toml(), encoding="utf-8")
        found = comparison(translation)
        test = way.parity(translation.origin.name, found.atol, found.rtol, found.wide)
        (draft / TEST).write_text(test, encoding="utf-8")
        np.savez_compressed(draft / STORED, **found.arrays)
        (draft / PAGE).write_text(_page(translation), encoding="utf-8")
    return out


def _check_written(folder: Path, translation: Translation) -> None:
    """Read the files of weights again and compare them with what should be in them."""
    refs = translation.origin.tensors()
    for name in translation.way.files:
        held = translation.target.held_in(open_checkpoint(folder / name))
        part = weights.check(translation.plan, refs, held)
        if not part.passed:
            raise Mismatch(f"{name} does not hold what it should; nothing was written", details=part.details)


def _page(translation: Translation) -> str:
    from homolog.reporting.markdown import to_markdown
    from homolog.reporting.translations import readme

    made = translation.draft
    orders: Mapping[str, Any] = made.assembled.orders
    inputs = {
        identifier(step.name): (laid(step.shape, orders[step.name]), step.dtypes[0]) for step in made.trace.inputs
    }
    outputs = {name: laid(made.trace.shape(value), orders[name]) for name, value in made.trace.outputs.items()}
    proof = to_markdown(translation.proof, title="Proof", level=2)
    page = translation.way.page
    what = f"A {translation.way.title} model, translated from {translation.origin.name}. It needs {page.needs}, and"
    return readme(made.name, f"{what} nothing else.", page.files, inputs, outputs, translation.notes, proof)
