"""Recurrent stacks while a program is exported: PyTorch would run them step by step to find out what shapes they give.

For a hundred steps that takes half a minute, and it fixes the number of steps. A stack takes any number, so the length
may stay open; it must not be that of the batch, along which rows are independent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from homolog.errors import Unsupported
from homolog.pytorch.entries import is_open, operator_of, place_of

if TYPE_CHECKING:
    import torch

RECURRENT = ("gru", "lstm", "rnn_relu", "rnn_tanh")
"""Operators that run a stack of layers over a sequence."""


@contextmanager
def quick_sequences() -> Iterator[None]:
    """While the body runs, no recurrent stack is run step by step to find out the shapes of what it gives."""
    import torch

    operators: list[Any] = [getattr(torch.ops.aten, kind).input for kind in RECURRENT]
    before = [dict(operator.py_kernels) for operator in operators]
    try:
        for operator, kernels in zip(operators, before, strict=True):
            _set_kernels(operator, dict.fromkeys(kernels, _shapes_of_sequence))
        yield
    finally:
        for operator, kernels in zip(operators, before, strict=True):
            _set_kernels(operator, kernels)


def _set_kernels(operator: Any, kernels: dict[Any, Any]) -> None:
    """What PyTorch calls where no number is computed."""
    operator.py_kernels.update(kernels)
    operator._dispatch_cache.clear()


def _shapes_of_sequence(
    sequence: torch.Tensor,
    first: torch.Tensor | Sequence[torch.Tensor],
    weights: Sequence[torch.Tensor],
    has_biases: bool,
    layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[torch.Tensor, ...]:
    """Outputs of the last layer for every step, and each state that it ends with."""
    import torch

    states = [first] if isinstance(first, torch.Tensor) else list(first)
    rows, steps = sequence.shape[:2] if batch_first else (sequence.shape[1], sequence.shape[0])
    found = sequence.new_empty((steps, rows, states[0].shape[-1] * (2 if bidirectional else 1)))
    return found.transpose(0, 1) if batch_first else found, *(state.new_empty(state.shape) for state in states)


def refuse_rows_as_steps(entry: Any, arguments: Mapping[str, Any], rows: Collection[str]) -> None:
    """Refuse a recurrent stack that runs along the batch: a row would depend on those in front of it.

    Args:
        entry: of the exported graph.
        arguments: of its operator, by name.
        rows: the symbols of the batch.
    """
    if operator_of(entry)[0] not in RECURRENT or "batch_first" not in arguments:
        return
    steps = arguments["input"].meta["val"].shape[1 if arguments["batch_first"] else 0]
    if is_open(steps) and not {str(symbol) for symbol in steps.node.expr.free_symbols}.isdisjoint(rows):
        raise Unsupported(
            "a recurrent layer runs along the batch",
            where=place_of(entry) or entry.name,
            expected="the batch along the first axis of every input, and steps along another",
            found=f"an open number of steps, batch_first={arguments['batch_first']}",
            help="make the layer with batch_first=True, or give it x.transpose(0, 1)",
        )
