"""What a translation into one framework needs of that framework's wing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from homolog.emitting.assembled import Assembled
from homolog.errors import Usage
from homolog.inputs import Inputs
from homolog.live import Run
from homolog.network import Network
from homolog.plan import Plan
from homolog.rules.training import Compiled
from homolog.signature import Free, Given
from homolog.tensors import Array, TensorRef
from homolog.trace import Trace


@dataclass(frozen=True)
class Direction:
    """The way into one framework.

    Attributes:
        framework: it leads to.
        to: the same, as users say it.
        title: the same, for people.
        written: operators that are written.
        inputs: shapes for a source that says them itself; raises where it does not.
        read: source, inputs, open axes, and whether each step is to say its line of the source → trace.
        assemble: trace and whether the layout is kept → statements.
        source: statements, names and training setup → text of ``model.py``.
        setup: training setup of the source, as it is given or as the source holds it, as the body of a function.
        build: text → live model.
        plan: trace, statements, the live model's variables and both names → what goes where.
        constants: what the model's constants are filled with.
        in_float64: text, live model and inputs → what the written test computes in float64; None where it cannot.
        parity: name of the source, both bounds and whether it is in float64 → text of ``test_parity.py``.
        files: names of the files that hold weights, with their formats.
        page: rows for the table of files in the folder's page, and how the model is loaded.
    """

    framework: Literal["pytorch", "keras"]
    to: str
    title: str
    written: Collection[str]
    inputs: Callable[[Network], Inputs]
    read: Callable[[Network, Given, Free, bool], Trace]
    assemble: Callable[[Trace, bool], Assembled]
    source: Callable[[Assembled, str, str, Compiled | None], str]
    setup: Callable[[Any, Network, Trace, Assembled], Compiled | None]
    build: Callable[[str], Any]
    plan: Callable[[Trace, Assembled, Mapping[str, TensorRef], str, str], Plan]
    constants: Callable[[Assembled], Mapping[str, Array]]
    in_float64: Callable[[str, Any, Given], Run | None]
    parity: Callable[[str, float, float, bool], str]
    files: Mapping[str, str]
    page: Page


@dataclass(frozen=True)
class Page:
    """What the folder's page says of a framework.

    Attributes:
        needs: what the model needs to run.
        files: what each file is.
    """

    needs: str
    files: Mapping[str, str]


def direction(to: str) -> Direction:
    """The way into a framework.

    Raises:
        Usage: there is none of that name.
    """
    if to == "keras":
        from homolog.translating.to_keras import TO_KERAS

        return TO_KERAS
    if to in ("torch", "pytorch"):
        from homolog.translating.to_torch import TO_TORCH

        return TO_TORCH
    raise Usage(
        "homolog translates into two frameworks",
        expected="keras or torch",
        found=to,
        help="homolog translate --to torch",
    )
