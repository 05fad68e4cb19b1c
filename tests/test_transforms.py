"""Changes of layout, written with names of axes."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homolog.errors import Mismatch
from homolog.tensors import same_bits
from homolog.transforms import Axes, apply, chain_shapes, groups, inverse, joined, parse_transform

CONV = Axes("out inp h w -> h w inp out")
ROWS = Axes("out (c h w) -> (h w c) out", (("c", 2), ("h", 3), ("w", 5)))


def counted(*shape: int) -> np.ndarray:
    return np.arange(prod(shape), dtype=np.float32).reshape(shape)


def test_a_kernel_goes_to_keras_and_back() -> None:
    kernel = counted(2, 3, 4, 5)
    (moved,) = CONV([kernel])
    assert np.array_equal(moved, kernel.transpose(2, 3, 1, 0))
    assert CONV.inverse == Axes("h w inp out -> out inp h w")
    (back,) = CONV.inverse([moved])
    assert same_bits(back, kernel)
    assert CONV.lossless


def test_merged_axes_are_reordered() -> None:
    rows = counted(7, 30)
    (moved,) = ROWS([rows])
    assert np.array_equal(moved, rows.reshape(7, 2, 3, 5).transpose(2, 3, 1, 0).reshape(30, 7))
    assert same_bits(ROWS.inverse([moved])[0], rows)


def test_shapes_are_known_without_a_byte() -> None:
    assert CONV.shapes([(2, 3, 4, 5)]) == ((4, 5, 3, 2),)
    assert ROWS.shapes([(7, 30)]) == ((30, 7),)
    assert Axes("c -> 1 1 c").shapes([(3,)]) == ((1, 1, 3),)
    assert Axes("1 1 c -> c").shapes([(1, 1, 3)]) == ((3,),)


def test_lengths_are_bound_from_both_shapes() -> None:
    depthwise = Axes("(inp mult) 1 h w -> h w inp mult")
    bound = depthwise.bind((6, 1, 5, 4), (5, 4, 2, 3))
    assert bound.sizes == (("inp", 2), ("mult", 3))
    assert bound.inverse.bind((5, 4, 2, 3)).sizes == bound.sizes
    assert bound.shapes([(6, 1, 5, 4)]) == ((5, 4, 2, 3),)
    assert CONV.bind((2, 3, 4, 5)).sizes == ()


def test_an_axis_is_written_as_several() -> None:
    renamed = Axes("out inp -> inp out").rename("inp", "(c h)", "(h c)", {"h": 3, "c": 2})
    assert renamed == Axes("out (c h) -> (h c) out", (("c", 2), ("h", 3)))
    assert Axes("input inp -> inp input").rename("inp", "a", "b", {}) == Axes("input a -> b input")


def test_groups() -> None:
    assert groups("out (c h w) 1 x") == (("out",), ("c", "h", "w"), (), ("x",))
    assert CONV.sides == ((("out",), ("inp",), ("h",), ("w",)), (("h",), ("w",), ("inp",), ("out",)))
    assert Axes("a b -> a b").is_identity
    assert not CONV.is_identity


@pytest.mark.parametrize(
    ("axes", "shape", "said"),
    [
        (CONV, (2, 3), "a shape does not fit its layout\n  where: out inp h w -> h w inp out\n  found: shape (2, 3)"),
        (
            ROWS,
            (7, 31),
            "a shape does not fit its layout\n"
            "  where: out (c h w) -> (h w c) out, c=2, h=3, w=5\n"
            "  found: shape (7, 31)",
        ),
        (
            Axes("(a b) -> b a", (("a", 2),)),
            (7,),
            "a shape does not fit its layout\n  where: (a b) -> b a, a=2\n  found: shape (7,)",
        ),
        (
            Axes("(a b) -> b a"),
            (6,),
            "a layout leaves lengths open\n  where: (a b) -> b a\n  found: shape (6,), ['b', 'a'] unknown",
        ),
        (
            Axes("1 a -> a"),
            (2, 3),
            "a shape does not fit its layout\n  where: 1 a -> a\n  found: shape (2, 3)",
        ),
    ],
)
def test_a_shape_that_does_not_fit_is_an_error(axes: Axes, shape: tuple[int, ...], said: str) -> None:
    with pytest.raises(Mismatch) as caught:
        axes.shapes([shape])
    assert str(caught.value) == said
    with pytest.raises(Mismatch):
        axes([np.zeros(shape)])


def test_chains_and_their_inverses() -> None:
    chain = (CONV, Axes("h w inp out -> (h w) inp out", (("h", 4), ("w", 5))))
    kernel = counted(2, 3, 4, 5)
    assert chain_shapes(chain, [kernel.shape]) == ((20, 3, 2),)
    (there,) = apply(chain, [kernel])
    (back,) = apply(inverse(chain), [there])
    assert same_bits(back, kernel)


@pytest.mark.parametrize(
    ("first", "second", "whole"),
    [
        ((CONV,), (CONV.inverse,), ()),
        ((CONV,), (), (CONV,)),
        ((Axes("a -> a"),), (CONV,), (CONV,)),
        ((ROWS,), (ROWS.inverse,), ()),
        ((Axes("a b -> b a"),), (Axes("b a -> b a 1"),), (Axes("a b -> b a 1"),)),
        ((Axes("a b -> b a"),), (Axes("x y -> y x"),), (Axes("a b -> b a"), Axes("x y -> y x"))),
        (
            (Axes("out (h w c) -> out (c h w)", ROWS.sizes),),
            (ROWS,),
            (Axes("out (h w c) -> (h w c) out", ROWS.sizes),),
        ),
    ],
)
def test_joined_chains_take_as_few_steps_as_they_can(
    first: tuple[Axes, ...], second: tuple[Axes, ...], whole: tuple[Axes, ...]
) -> None:
    assert joined(first, second) == whole


NAMES = ["a", "b", "c", "d", "e"]


@st.composite
def layouts(draw: st.DrawFn) -> tuple[Axes, tuple[int, ...]]:
    """A layout of up to five axes, merged in places, and a shape that fits its left side."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5, unique=True))
    sizes = {name: draw(st.integers(1, 4)) for name in names}

    def side() -> list[list[str]]:
        order = draw(st.permutations(names))
        cuts = [draw(st.booleans()) for _ in order[1:]]
        found = [[order[0]]]
        for name, apart in zip(order[1:], cuts, strict=True):
            if apart:
                found.append([name])
            else:
                found[-1].append(name)
        return found

    def text(groups: list[list[str]]) -> str:
        return " ".join(group[0] if len(group) == 1 else f"({' '.join(group)})" for group in groups)

    left, right = side(), side()
    shape = tuple(prod(sizes[name] for name in group) for group in left)
    return Axes(f"{text(left)} -> {text(right)}", tuple(sorted(sizes.items()))), shape


@given(layouts())
def test_every_layout_is_undone_by_its_inverse(drawn: tuple[Axes, tuple[int, ...]]) -> None:
    axes, shape = drawn
    array = counted(*shape)
    (moved,) = axes([array])
    assert axes.shapes([shape]) == (moved.shape,)
    (back,) = axes.inverse([moved])
    assert same_bits(back, array)
    assert axes.inverse.inverse == axes
    assert joined((axes,), (axes.inverse,)) == ()
    assert parse_transform(str(axes)) == axes
    bound = axes.bind(shape, moved.shape)
    assert same_bits(bound([array])[0], moved)


@pytest.mark.parametrize("order", ["0 0 1", "1 2", "0 2"])
def test_blocks_that_are_not_each_there_once_are_refused_when_they_are_read(order: str) -> None:
    with pytest.raises(ValueError, match=f"each block once: {order}"):
        parse_transform(f"blocks {order} of axis 0")
