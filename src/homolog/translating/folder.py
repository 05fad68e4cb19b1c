"""A translation → a folder that needs homolog no more."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from homolog.emitting.graphs import graphs
from homolog.emitting.names import identifier
from homolog.errors import Mismatch
from homolog.files import open_checkpoint
from homolog.files.folder import atomic_folder
from homolog.passes.ways import laid
from homolog.proof import weights
from homolog.proof.samples import samples
from homolog.proof.subjects import Tolerance

if TYPE_CHECKING:
    from homolog.translating.translation import Translation

PARITY_ROWS = 2
MODEL, PLAN, STORED, TEST, PAGE = "model.py", "plan.toml", "parity.npz", "test_parity.py", "README.md"
ROUNDING = 8
"""How many times the tolerance of outputs the written test allows: it runs on whatever machine, with other kernels."""


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
        tolerance = Tolerance.for_dtypes(ref.dtype for ref in translation.origin.tensors().values())
        test = way.parity(translation.origin.name, ROUNDING * tolerance.atol, ROUNDING * tolerance.rtol)
        (draft / TEST).write_text(test, encoding="utf-8")
        np.savez_compressed(draft / STORED, **_parity_arrays(translation))
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


def _parity_arrays(translation: Translation) -> dict[str, Any]:
    """Inputs in the written model's order of axes, and what the source gives for them in the same."""
    made = translation.draft
    drawn = samples(*graphs(made.trace, made.assembled), batch=PARITY_ROWS, seed=0)
    run = translation.origin.live.run(drawn.first)
    found: dict[str, Any] = {f"input_{place:02}": array for place, array in enumerate(drawn.second.values())}
    for place, (name, array) in enumerate(zip(made.trace.outputs, run.outputs, strict=True)):
        order = cast(tuple[int, ...], made.assembled.orders[name])
        found[f"output_{place:02}"] = np.transpose(array, order)
    return found


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
