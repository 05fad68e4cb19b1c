"""For test suites: two implementations of a network are kept together by asserting that they are the same.

Imports no framework, and no pytest. With pytest, ``assert_same_network`` is a fixture as well, and
``--homolog-report FILE`` writes what was proven.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from homolog.inputs import Inputs
    from homolog.proof import Proof
    from homolog.proof.subjects import Tolerance

__all__ = ["assert_same_network", "listening"]

Listener = Callable[["Proof", bool], None]
"""Is told a proof, and whether the assertion held."""

_listeners: list[Listener] = []


def assert_same_network(
    a: object,
    b: object,
    *,
    inputs: Inputs | None = None,
    gradients: bool = False,
    steps: int = 0,
    tolerance: Tolerance | None = None,
    layers: bool = False,
    seeds: Sequence[int] | None = None,
    run: bool = True,
    allow: Collection[str] = (),
) -> Proof:
    """Assert that two networks are the same, and give the proof.

    Args:
        a, b: live models of either framework, or sources: files, ``package.module:factory``.
        inputs: of ``a``: arrays, or shapes with the batch in front.
        gradients: compare the gradients of one loss too.
        steps: train both for so many steps of plain SGD too; they are left as they were.
        tolerance: for the outputs, in place of what the element types allow.
        layers: compare every pair of corresponding layers too.
        seeds: of the random inputs.
        run: False compares the weights alone.
        allow: names of parts of the proof that may fail, such as ``"weights"`` for the same function of other
            weights. At least one part that is not among them must pass.

    Raises:
        AssertionError: they differ, or do not correspond; the message is the proof, with the first layer that
            differs, the cause, and what would mend it.
        HomologError: a source cannot be read, or a framework is missing.
    """
    __tracebackhide__ = True  # pytest shows the line of the test, not these
    from homolog import api
    from homolog.errors import Mismatch
    from homolog.proof.outputs import SEEDS
    from homolog.proof.unmatched import unmatched
    from homolog.reporting.text import to_text

    first, second = api.load(a), api.load(b)
    try:
        proof = api.verify(
            first,
            second,
            inputs,
            run=run,
            tolerance=tolerance,
            seeds=SEEDS if seeds is None else seeds,
            layers=layers,
            gradients=gradients,
            steps=steps,
        )
    except Mismatch as error:
        proof = unmatched(error, first.name, second.name)
    asked = [part for part in proof.parts if part.name not in allow]
    holds = bool(asked) and all(part.passed for part in asked)
    for listener in _listeners:
        listener(proof, holds)
    if not holds:
        raise AssertionError(to_text(proof))
    return proof


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Tell a listener every proof that ``assert_same_network`` makes while the body runs."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
