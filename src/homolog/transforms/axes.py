"""One array's axes, renamed, reordered, merged and split: the layouts of kernels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import einops

from homolog.errors import Mismatch
from homolog.tensors import Array, Shape
from homolog.transforms.transform import Transform

Group = tuple[str, ...]


@dataclass(frozen=True)
class Axes(Transform):
    """One array's axes, renamed, reordered, merged and split, in the notation of einops.

    ``Axes("out inp h w -> h w inp out")`` takes a PyTorch kernel to Keras. Brackets merge, so
    ``Axes("out (c h w) -> (h w c) out", (("c", 16), ("h", 5), ("w", 5)))`` also reorders the rows of a dense
    kernel that follows a flatten. ``1`` is an axis of length one.

    Attributes:
        pattern: left side ``->`` right side.
        sizes: lengths that a shape alone does not tell, by axis name.
    """

    pattern: str
    sizes: tuple[tuple[str, int], ...] = ()

    @property
    def inverse(self) -> Axes:
        left, right = self.pattern.split(" -> ")
        return Axes(f"{right} -> {left}", self.sizes)

    @property
    def sides(self) -> tuple[tuple[Group, ...], tuple[Group, ...]]:
        """The two sides as tuples of groups of axis names; a lone ``1`` is the empty group."""
        left, right = self.pattern.split(" -> ")
        return groups(left), groups(right)

    @property
    def is_identity(self) -> bool:
        left, right = self.sides
        return left == right

    def rename(self, axis: str, left: str, right: str, sizes: dict[str, int]) -> Axes:
        """The same transform with one axis written as something else on each side, e.g. ``inp`` as ``(c h w)`` on
        the left and ``(h w c)`` on the right."""
        word = re.compile(rf"(?<![\w]){re.escape(axis)}(?![\w])")
        before, after = self.pattern.split(" -> ")
        merged = {**dict(self.sizes), **sizes}
        return Axes(f"{word.sub(left, before)} -> {word.sub(right, after)}", tuple(sorted(merged.items())))

    def bind(self, source: Shape, target: Shape | None = None) -> Axes:
        """The transform with every length that the two shapes settle and the pattern needs written into it.

        Raises:
            Mismatch: the shapes do not fit the pattern, or leave a length open.
        """
        left, right = self.sides
        sizes = dict(self.sizes)
        self._solve(left, source, sizes)
        if target is not None:
            self._solve(right, target, sizes)
            self._solve(left, source, sizes)
        merged = {name for side in (left, right) for group in side if len(group) > 1 for name in group}
        bound = Axes(self.pattern, tuple(sorted((name, size) for name, size in sizes.items() if name in merged)))
        bound.shapes([source])
        return bound

    def shapes(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        (source,) = shapes
        left, right = self.sides
        sizes = dict(self.sizes)
        self._solve(left, source, sizes)
        open_axes = [name for group in right for name in group if name not in sizes]
        if open_axes:
            raise Mismatch(
                "a layout leaves lengths open", where=self.pattern, found=f"shape {source}, {open_axes} unknown"
            )
        return (tuple(prod(sizes[name] for name in group) for group in right),)

    def __call__(self, arrays: Sequence[Array]) -> tuple[Array, ...]:
        (array,) = arrays
        self.shapes([array.shape])  # einops' own errors name neither our axes nor the tensor
        _, merged = self.sides
        if all(len(group) < 2 for group in merged):
            return (einops.rearrange(array, self.pattern, **dict(self.sizes)),)
        # what is merged has to be copied, which numpy does number by number
        from homolog.contiguity import contiguous  # numpy, which looking into a file needs none of

        left, right = self.pattern.split(" -> ")
        apart = " ".join(name for group in merged for name in group)
        moved = contiguous(einops.rearrange(array, f"{left} -> {apart}", **dict(self.sizes)))
        return (einops.rearrange(moved, f"{apart} -> {right}", **dict(self.sizes)),)  # merged, nothing moves

    def __str__(self) -> str:
        sizes = "".join(f", {name}={size}" for name, size in self.sizes)
        return f"{self.pattern}{sizes}"

    def _solve(self, side: tuple[Group, ...], shape: Shape, sizes: dict[str, int]) -> None:
        """Fill in the lengths that this side's shape settles."""
        problem = Mismatch("a shape does not fit its layout", where=str(self), found=f"shape {shape}")
        if len(side) != len(shape):
            raise problem
        for group, length in zip(side, shape, strict=True):
            unknown = [name for name in group if name not in sizes]
            known = prod(sizes[name] for name in group if name in sizes)
            if not unknown and known != length:
                raise problem
            if len(unknown) == 1:
                if known == 0 or length % known:
                    raise problem
                sizes[unknown[0]] = length // known


def groups(side: str) -> tuple[Group, ...]:
    """``"out (c h w) 1"`` → ``(("out",), ("c", "h", "w"), ())``."""
    tokens = re.findall(r"\([^)]*\)|\S+", side)
    return tuple(tuple(name for name in token.strip("()").split() if name != "1") for token in tokens)
