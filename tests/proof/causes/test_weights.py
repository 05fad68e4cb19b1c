"""Weights that differ: every way in which they are known to go wrong, done to small graphs made by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import permutations
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from homolog.graph import Graph, Node, Value, Weight
from homolog.plan import Plan, Row
from homolog.proof.cause import KINDS, Cause, Mend
from homolog.proof.causes.weights import MANY, MOST_LAYERS, WAYS, Wrong, causes
from homolog.tensors import array_ref
from homolog.transforms import Axes, Sum, Transform

Array = np.ndarray[Any, Any]
Arrays = dict[str, Array]

SHAPES: Mapping[str, dict[str, tuple[int, ...]]] = {
    "linear": {"weight": (6, 5), "bias": (6,)},
    "conv2d": {"weight": (6, 3, 4, 5), "bias": (6,)},
    "batch_norm": {"weight": (6,), "bias": (6,), "running_mean": (6,), "running_var": (6,)},
    "layer_norm": {"weight": (6,), "bias": (6,)},
    "lstm": {"weight_ih": (20, 3), "weight_hh": (20, 5), "bias": (20,)},
    "gru": {"weight_ih": (15, 4), "weight_hh": (15, 5), "bias_ih": (15,), "bias_hh": (15,)},
}


def arrays_of(kind: str, seed: int = 0, **shapes: tuple[int, ...]) -> Arrays:
    random = np.random.default_rng(seed)
    return {
        slot: random.standard_normal(shape).astype(np.float32) for slot, shape in {**SHAPES[kind], **shapes}.items()
    }


def layer(name: str, kind: str, arrays: Arrays, layouts: Mapping[str, tuple[Transform, ...]] | None = None) -> Node:
    weights = {
        slot: Weight((array_ref(f"{name}.{slot}", array),), (layouts or {}).get(slot, ()))
        for slot, array in arrays.items()
    }
    return Node(name, kind, weights=weights, inputs=(Value("in"),))


def found(*pairs: tuple[Node, Node], plan: tuple[Row, ...] = ()) -> list[Cause]:
    """The causes for layers that correspond two by two."""
    sides = [Graph("pytorch", {node.name: node for node in side}) for side in zip(*pairs, strict=True)]
    names = tuple((one.name, two.name) for one, two in pairs)
    return causes(*sides, Plan(plan, names), Mend("copy a b"))


def one_cause(kind: str, change: Callable[[Arrays], None], **shapes: tuple[int, ...]) -> Cause:
    """What is said of a layer whose weights were changed in this way."""
    right = {slot: array.copy() for slot, array in arrays_of(kind, **shapes).items()}
    change(right)
    (cause,) = found((layer("one", kind, arrays_of(kind, **shapes)), layer("two", kind, right)))
    assert (cause.source, cause.target) == ("one", "two")
    assert cause.kind in KINDS
    assert cause.help == "copy the weights anew: copy a b"
    assert bool(cause.tried) == (cause.kind != "other weights")
    return cause


def put(slot: str, function: Callable[[Array], Array]) -> Callable[[Arrays], None]:
    def change(arrays: Arrays) -> None:
        arrays[slot] = np.ascontiguousarray(function(arrays[slot])).astype(arrays[slot].dtype)

    return change


def swap(one: str, two: str) -> Callable[[Arrays], None]:
    def change(arrays: Arrays) -> None:
        arrays[one], arrays[two] = arrays[two], arrays[one]

    return change


def through(dtype: Any) -> Callable[[Array], Array]:
    return lambda array: array.astype(dtype)


def blocks(count: int, order: tuple[int, ...], axis: int = 0) -> Callable[[Array], Array]:
    return lambda array: np.concatenate([np.split(array, count, axis)[place] for place in order], axis)


def first_number(array: Array) -> Array:
    array[1, 2] += 1
    return array


@pytest.mark.parametrize(
    ("kind", "change", "named", "words"),
    [
        ("linear", put("weight", np.zeros_like), "missing weights", "weight of two is zero everywhere, as"),
        ("linear", put("bias", np.zeros_like), "missing weights", "bias of two is zero everywhere, as"),
        ("layer_norm", put("weight", np.ones_like), "missing weights", "weight of two is one everywhere"),
        ("batch_norm", put("running_mean", np.zeros_like), "statistics", "running_mean of two is zero everywhere"),
        ("batch_norm", put("running_var", np.ones_like), "statistics", "running_var of two is one everywhere"),
        ("layer_norm", swap("weight", "bias"), "swapped weights", "is the source's bias: the two are swapped"),
        ("batch_norm", swap("weight", "bias"), "swapped weights", "is the source's bias"),
        ("batch_norm", swap("running_mean", "running_var"), "statistics", "is the source's running_var"),
        ("batch_norm", swap("bias", "running_mean"), "statistics", "bias of two is the source's running_mean"),
        ("gru", swap("bias_ih", "bias_hh"), "swapped weights", "bias_ih of two is the source's bias_hh"),
        ("conv2d", put("weight", lambda w: w[:, ::-1]), "channel order", "input channels in reverse, as for BGR"),
        ("conv2d", put("weight", lambda w: w[::-1]), "channel order", "flipped along output channels"),
        ("conv2d", put("weight", lambda w: w[:, :, ::-1, ::-1]), "flipped kernel", "along height and width"),
        ("conv2d", put("weight", lambda w: w[..., ::-1]), "flipped kernel", "flipped along width"),
        ("lstm", put("weight_ih", blocks(4, (0, 2, 1, 3))), "gate order", "gates in the order 1 3 2 4"),
        (
            "gru",
            put("weight_hh", blocks(3, (1, 0, 2))),
            "gate order",
            "weight_hh of two has its gates in the order 2",
        ),
        ("linear", put("weight", blocks(3, (2, 0, 1))), "swapped weights", "packed parts in the order 3 1 2"),
        ("linear", put("weight", through(np.float16)), "rounded weights", "went through float16"),
        ("linear", put("weight", through(ml_dtypes.bfloat16)), "rounded weights", "went through bfloat16"),
        ("conv2d", put("bias", through(ml_dtypes.float8_e4m3fn)), "rounded weights", "went through float8_e4m3fn"),
        ("linear", put("weight", lambda w: np.nextafter(w, np.float32(9))), "rounded weights", "in its last places"),
        ("linear", put("weight", lambda w: w * np.float32(0.7)), "scale", "is 0.7 times the source's"),
        ("conv2d", put("bias", lambda b: b * np.float32(-255)), "scale", "is -255 times the source's"),
        ("linear", put("weight", lambda w: np.roll(w, 1, 0)), "other weights", "is shifted by 1 along axis 0"),
        ("linear", put("bias", lambda b: np.roll(b, -1)), "other weights", "is shifted by -1 along axis 0"),
        ("linear", put("weight", first_number), "other weights", "differs in 1 of 30 numbers, the first at (1, 2)"),
        ("linear", put("weight", lambda w: w + np.float32(0.5)), "other weights", "up to 5.0e-01 apart"),
    ],
)
def test_each_way_is_told(kind: str, change: Callable[[Arrays], None], named: str, words: str) -> None:
    cause = one_cause(kind, change)

    assert cause.kind == named
    assert words in cause.words


@pytest.mark.parametrize(
    ("shape", "order", "moved"),
    [
        ((5, 5), (1, 0), "output channels and input channels"),
        ((5, 5, 3, 4), (1, 0, 2, 3), "output channels and input channels"),
        ((5, 2, 3, 3), (0, 1, 3, 2), "height and width"),
        ((1, 1, 3, 3), (0, 1, 3, 2), "height and width"),
    ],
)
def test_square_axes_that_are_swapped(shape: tuple[int, ...], order: tuple[int, ...], moved: str) -> None:
    kind = "linear" if len(shape) == 2 else "conv2d"

    cause = one_cause(kind, put("weight", lambda w: w.transpose(order)), weight=shape, bias=shape[:1])

    assert (cause.kind, cause.words) == ("transposed kernel", f"weight of two is transposed: {moved} are swapped")


def test_a_kernel_that_was_reshaped_and_not_transposed() -> None:
    left = arrays_of("linear")
    right = {**left, "weight": left["weight"].reshape(5, 6)}
    turned = {"weight": (Axes("inp out -> out inp"),)}

    (cause,) = found((layer("one", "linear", left), layer("two", "linear", right, turned)))

    assert cause.kind == "transposed kernel"
    assert "reshaped, not transposed" in cause.words


FLAT = Axes("(h w c) out -> out (c h w)", (("c", 2), ("h", 3), ("w", 5)))


@pytest.mark.parametrize("how", ["stored", "transposed", "spatial", "backwards"])
def test_the_inputs_of_another_flatten(how: str) -> None:
    """The target's layout says that it flattens channels last, and its numbers are in another order."""
    left = arrays_of("linear", weight=(4, 30), bias=(4,))
    rows, shape = {
        "stored": ("out c h w -> (c h w) out", (4, 2, 3, 5)),
        "transposed": ("out c h w -> (w h c) out", (4, 2, 3, 5)),
        "spatial": ("out c h w -> (h c w) out", (4, 2, 3, 5)),
        "backwards": ("out h w c -> (c h w) out", (4, 3, 5, 2)),
    }[how]
    right = {**left, "weight": Axes(rows)([left["weight"].reshape(shape)])[0]}

    (cause,) = found((layer("one", "linear", left), layer("two", "linear", right, {"weight": (FLAT,)})))

    assert cause.kind == "flatten order"
    assert "in the order of another flatten" in cause.words


def test_the_flatten_of_the_source_counts_too() -> None:
    right = arrays_of("linear", weight=(4, 30), bias=(4,))
    left = {**right, "weight": Axes("out c h w -> (c h w) out")([right["weight"].reshape(4, 2, 3, 5)])[0]}

    (cause,) = found((layer("one", "linear", left, {"weight": (FLAT,)}), layer("two", "linear", right)))

    assert cause.kind == "flatten order"


def test_a_flatten_that_is_right_is_no_cause() -> None:
    left = arrays_of("linear", weight=(4, 30), bias=(4,))
    right = {**left, "weight": FLAT.inverse([left["weight"]])[0]}

    assert not found((layer("one", "linear", left), layer("two", "linear", right, {"weight": (FLAT,)})))


@pytest.mark.parametrize("order", [order for order in permutations(range(4)) if order != (0, 1, 2, 3)])
def test_every_order_of_four_gates(order: tuple[int, ...]) -> None:
    change = blocks(4, order)

    cause = one_cause("lstm", lambda arrays: arrays.update({slot: change(w) for slot, w in arrays.items()}))

    assert cause.kind == "gate order"


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("source", [True, False])
def test_one_of_two_biases_alone(place: int, source: bool) -> None:
    arrays = arrays_of("lstm")
    parts = [arrays_of("lstm", seed=seed)["bias"] for seed in (1, 2)]
    refs = tuple(array_ref(f"two_biases.{name}", part) for name, part in zip(("b_ih", "b_hh"), parts, strict=True))
    double = layer("whole", "lstm", arrays)
    double = Node("whole", "lstm", weights={**double.weights, "bias": Weight(refs, (Sum(),))})
    single = layer("half", "lstm", {**arrays, "bias": parts[place]})

    (cause,) = found((double, single) if source else (single, double))

    have, lack = ("b_ih", "b_hh") if place == 0 else ("b_hh", "b_ih")
    assert cause.kind == "missing weights"
    assert f"'s two_biases.{have} alone, without two_biases.{lack}" in cause.words
    assert ("source's" if source else "target's") in cause.words


def test_zeros_of_the_source_are_said_to_be_the_source_s() -> None:
    left, right = arrays_of("linear"), arrays_of("linear")
    left["bias"] = np.zeros_like(left["bias"])

    (cause,) = found((layer("one", "linear", left), layer("two", "linear", right)))

    assert cause.words == "bias of two is zero everywhere in the source, as it is before it is filled"


@pytest.mark.parametrize("count", [2, 3])
def test_layers_that_hold_each_other_s_weights(count: int) -> None:
    kinds = [arrays_of("linear", seed=seed) for seed in range(count)]
    pairs = [
        (layer(f"a{place}", "linear", own), layer(f"b{place}", "linear", kinds[(place + 1) % count]))
        for place, own in enumerate(kinds)
    ]

    named = found(*pairs)

    assert [cause.kind for cause in named] == ["swapped weights"] * count
    assert [cause.words for cause in named] == [
        f"b{place} holds the weights of a{(place + 1) % count}" for place in range(count)
    ]


def test_layers_that_swapped_one_slot_alone_are_no_swapped_layers() -> None:
    one, two = arrays_of("linear"), arrays_of("linear", seed=1)
    mixed = {"weight": two["weight"], "bias": one["bias"] * 3}
    pairs = ((layer("a", "linear", one), layer("b", "linear", mixed)), (layer("c", "linear", two),) * 2)

    (cause,) = found(*pairs)

    assert (cause.kind, cause.target) == ("scale", "b")


def test_what_is_certain_of_one_slot_goes_before_what_is_not_of_another() -> None:
    def change(arrays: Arrays) -> None:
        arrays["weight"] = arrays["weight"] + 1
        arrays["bias"] = arrays["bias"].astype(np.float16).astype(np.float32)

    cause = one_cause("linear", change)

    assert (cause.kind, cause.words) == ("rounded weights", "bias of two went through float16")


@pytest.mark.parametrize("kind", list(SHAPES))
def test_equal_weights_have_no_cause(kind: str) -> None:
    arrays = arrays_of(kind)
    next(iter(arrays.values())).flat[0] = np.nan

    assert not found((layer("one", kind, arrays), layer("two", kind, {k: v.copy() for k, v in arrays.items()})))


def test_one_layer_of_three_is_named_and_no_other() -> None:
    arrays = [arrays_of("linear", seed=seed) for seed in range(3)]
    wrong = {**arrays[1], "weight": arrays[1]["weight"] * 2}
    pairs = [
        (layer(f"a{place}", "linear", own), layer(f"b{place}", "linear", wrong if place == 1 else own))
        for place, own in enumerate(arrays)
    ]

    assert [(cause.source, cause.target) for cause in found(*pairs)] == [("a1", "b1")]


def several(count: int, other: Callable[[int], Arrays]) -> list[tuple[Node, Node]]:
    """Layers of which the second of each two holds other numbers."""
    return [
        (layer(f"a{seed}", "linear", arrays_of("linear", seed)), layer(f"b{seed}", "linear", other(seed)))
        for seed in range(count)
    ]


def doubled(seed: int) -> Arrays:
    return {slot: array * 2 for slot, array in arrays_of("linear", seed).items()}


def unrelated(seed: int) -> Arrays:
    return arrays_of("linear", seed + 50)


def test_no_more_layers_than_anyone_wants_to_read() -> None:
    named = found(*several(MOST_LAYERS + 3, doubled))

    assert [cause.target for cause in named] == [f"b{place}" for place in range(MOST_LAYERS)]


@pytest.mark.parametrize(
    ("count", "more"),
    [(MANY + 1, f"so do {MANY} other layers"), (MOST_LAYERS + 3, f"so do {MOST_LAYERS - 1} or more other layers")],
)
def test_many_layers_with_unrelated_numbers_are_one_cause(count: int, more: str) -> None:
    (cause,) = found(*several(count, unrelated))

    assert (cause.kind, cause.target) == ("other weights", "b0")
    assert more in cause.words


def test_a_few_are_named_one_by_one_and_what_is_certain_always() -> None:
    assert [cause.target for cause in found(*several(MANY, unrelated))] == ["b0", "b1", "b2"]

    mixed = several(MANY + 3, lambda seed: doubled(seed) if seed in (0, 3) else unrelated(seed))

    assert [(cause.kind, cause.target) for cause in found(*mixed)] == [
        ("scale", "b0"),
        ("other weights", "b1"),
        ("scale", "b3"),
    ]


def test_a_weight_that_must_be_narrowed_is_no_cause_and_one_that_need_not_is() -> None:
    left = arrays_of("linear")
    right = {slot: array.astype(np.float16) for slot, array in left.items()}
    row = Row("two.weight", ("one.weight",), (), (6, 5), (6, 5), cast="float32 -> float16")

    (cause,) = found((layer("one", "linear", left), layer("two", "linear", right)), plan=(row,))

    assert cause.words.startswith("bias of two")


def test_numbers_beyond_the_range_of_narrow_types() -> None:
    """Casting them there and back is no warning, and no cause of its own."""
    cause = one_cause("linear", put("weight", lambda w: w * np.float32(1e20) + 3))
    small = one_cause("linear", lambda arrays: arrays.update(weight=arrays["weight"] * np.float32(1e30) + 1))

    assert cause.kind == small.kind == "scale"
    left = {**arrays_of("linear"), "weight": np.full((6, 5), 1e30, np.float32)}
    left["weight"][0, 0] = -np.inf
    right = {**left, "weight": left["weight"].copy()}
    right["weight"][2, 2] = 5
    (cause,) = found((layer("one", "linear", left), layer("two", "linear", right)))
    assert "differs in 1 of 30 numbers, the first at (2, 2)" in cause.words


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("shape", [(7,), (6, 6), (6, 5), (6, 3, 3, 3), (12, 1, 1, 1), ()])
def test_no_way_leads_to_unrelated_numbers(way: Any, shape: tuple[int, ...]) -> None:
    for kind, slot in (("linear", "weight"), ("lstm", "weight_ih"), ("batch_norm", "running_var"), ("keras:Own", "x")):
        left, right = (np.random.default_rng(seed).standard_normal(shape).astype(np.float32) for seed in (3, 4))
        nodes = [layer(name, kind, {slot: array}) for name, array in (("one", left), ("two", right))]
        item = Wrong(nodes[0], nodes[1], slot, np.asarray(left), np.asarray(right))

        assert way(item, [item]) is None
