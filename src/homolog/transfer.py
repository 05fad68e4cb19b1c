"""Plan → stream of (name, array): the only place where values move."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from homolog.contiguity import contiguous
from homolog.errors import Mismatch
from homolog.plan import Plan, Row
from homolog.tensors import Array, TensorRef, dtype_of
from homolog.transforms import apply, inverse


def transfer(plan: Plan, source: Mapping[str, TensorRef]) -> Iterator[tuple[str, Array]]:
    """Read each row's sources, lay them out for the target, and hand them over one at a time.

    Args:
        plan: what goes where.
        source: the source's tensors by name.

    Yields:
        Name and values of each tensor of the target, C-contiguous, in the target's dtype.

    Raises:
        Mismatch: the plan names a tensor that the source lacks, or its shapes are not these.
    """
    for name, array in laid_out(plan, source):
        yield name, contiguous(array)


def laid_out(plan: Plan, source: Mapping[str, TensorRef]) -> Iterator[tuple[str, Array]]:
    """The same, not copied into C order but where axes are merged: for who copies them anyway."""
    for row in plan.rows:
        yield row.target, forward(row, source)


def forward(row: Row, source: Mapping[str, TensorRef]) -> Array:
    """The values of one row's target, in the target's layout and dtype."""
    (array,) = apply(row.transform, sources(row, source))
    if array.shape != row.target_shape:
        raise Mismatch(
            "the plan's transform does not give the target's shape",
            where=row.target,
            expected=str(row.target_shape),
            found=str(array.shape),
        )
    if row.cast:
        array = array.astype(dtype_of(row.cast.partition(" -> ")[2]))
    return array


def sources(row: Row, source: Mapping[str, TensorRef]) -> tuple[Array, ...]:
    """The values that one row's target is made of."""
    missing = [name for name in row.sources if name not in source]
    if missing:
        raise Mismatch(
            "the plan names tensors that the source does not have", where=row.target, found=", ".join(missing)
        )
    return tuple(source[name].read() for name in row.sources)


def backward(row: Row, array: Array) -> tuple[Array, ...]:
    """The source's values as the row's target holds them: the inverse of ``forward``."""
    if row.cast:
        array = array.astype(dtype_of(row.cast.partition(" -> ")[0]))
    return apply(inverse(row.transform), [array])
