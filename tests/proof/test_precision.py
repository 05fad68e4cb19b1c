"""float64 and float32 as parts of the proof, on functions in place of models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from homolog.graph import Framework, Graph, Node, Value
from homolog.live import Run
from homolog.plan import Plan
from homolog.proof.part import Part
from homolog.proof.precision import LUCK, MOST_APART, MOST_BESIDE, MOST_ROUNDING, check, falls_apart, is_rounded
from homolog.proof.subjects import Subjects
from homolog.proof.trial import JITTER, tried
from proof.nets import Function

Array = np.ndarray[Any, Any]
Maker = Callable[[Array], Sequence[Array]]
GRAPH = Graph("pytorch", {"in": Node("in", "input", shapes=((None, 4),))}, (Value("in"),))


def plus(error: float, dtype: str = "float32") -> Maker:
    """Ones in the one place, and the input's sign in the other: the largest number is 1, and so much off."""
    return lambda x: [(np.sign(x.astype(np.float64)) * (1 + error)).astype(dtype)]


def side(own: float, wide: float | None, framework: Framework = "pytorch", dtype: str = "float64") -> Function:
    """A network that is off by ``own`` as it is, and by ``wide`` in float64."""
    return Function(plus(own, dtype), None if wide is None else plus(wide, "float64"), framework)


def parts(one: Function, two: Function) -> dict[str, Part]:
    subjects = Subjects(one, two, GRAPH, GRAPH, Plan(()))  # type: ignore[arg-type]
    return {part.name: part for part in check(tried(subjects, seed=0, batch=1))}


def test_where_neither_runs_in_float64_there_are_no_parts() -> None:
    assert parts(side(0, None), side(0, None, "keras")) == {}


@pytest.mark.parametrize("first", [True, False])
def test_where_one_runs_in_float64_float32_is_compared_alone(first: bool) -> None:
    wide, other = side(1e-6, 0), side(-1e-6, None, "keras")

    found = parts(*((wide, other) if first else (other, wide)))

    assert list(found) == ["float32"]
    assert "of the PyTorch side" in found["float32"].figure


def test_both_parts_and_what_they_say() -> None:
    found = parts(side(1e-6, 0), side(3e-6, 1e-12, "keras"))

    assert list(found) == ["float64", "float32"]
    assert all(part.passed for part in found.values())
    assert found["float64"].figures["relative"] == pytest.approx(1e-12, rel=1e-3)
    assert found["float64"].threshold == "1e-08 of the largest output"
    assert found["float32"].figures["ratio"] == pytest.approx(3, rel=1e-3)
    assert found["float32"].figures["own"] == pytest.approx(1e-6, rel=1e-3)
    assert found["float32"].threshold.startswith("64 x")


@pytest.mark.parametrize(("share", "passed"), [(0.9, True), (1.1, False)])
def test_the_bound_of_float64(share: float, passed: bool) -> None:
    """Nothing is rounded in float32, so that nothing excuses it."""
    part = parts(side(0, 0), side(MOST_APART * share, MOST_APART * share, "keras"))["float64"]

    assert part.passed is passed
    assert part.figures["relative"] == pytest.approx(MOST_APART * share, rel=1e-3)
    assert part.details == ()


@pytest.mark.parametrize("scale", [1e-6, 1e6])
@pytest.mark.parametrize(("share", "passed"), [(0.9, True), (1.1, False)])
def test_it_is_of_the_largest_output(scale: float, share: float, passed: bool) -> None:
    def times(function: Maker) -> Maker:
        return lambda x: [array * scale for array in function(x)]

    one = Function(times(plus(0, "float64")), times(plus(0, "float64")))
    two = Function(times(plus(0, "float64")), times(plus(MOST_APART * share, "float64")), "keras")

    assert parts(one, two)["float64"].passed is passed


@pytest.mark.parametrize(
    ("own", "other", "wide", "passed"),
    [
        (1e-7, 2e-7, 5e-8, True),  # less than either strays in float32
        (1e-7, 2e-7, 2e-7, False),  # more than the one does
        (2e-7, 3e-8, 1e-7, False),  # more than the other does
    ],
)
def test_a_constant_that_is_rounded_to_float32_is_excused_and_said(
    own: float, other: float, wide: float, passed: bool
) -> None:
    part = parts(side(own, 0), side(other, wide, "keras"))["float64"]

    assert part.passed is passed
    assert bool(part.details) is passed
    assert not passed or "less than rounding to float32 makes" in part.details[0]
    assert is_rounded([part]) is passed


@pytest.mark.parametrize(
    ("wide", "constants", "rounded"), [(1e-10, True, True), (1e-10, False, False), (1e-13, True, False)]
)
def test_a_constant_of_which_outputs_show_little_is_known_to_be_rounded(
    wide: float, constants: bool, rounded: bool
) -> None:
    subjects = Subjects(side(1e-7, 0), side(2e-7, wide, "keras"), GRAPH, GRAPH, Plan(()))  # type: ignore[arg-type]
    found = list(check(tried(subjects, 0, 1), constants=constants))

    assert all(part.passed for part in found)
    assert is_rounded(found) is rounded


def test_what_agrees_or_is_magnified_is_not_rounded() -> None:
    agrees = check(tried(Subjects(side(1e-7, 0), side(2e-7, 1e-12, "keras"), GRAPH, GRAPH, Plan(())), 0, 1))  # type: ignore[arg-type]
    steep = check(tried(Subjects(Steep(0, 1e8), Steep(2e-8, 1e8, "keras"), GRAPH, GRAPH, Plan(())), 0, 1))  # type: ignore[arg-type]

    assert [is_rounded(agrees), is_rounded(steep), is_rounded([])] == [False, False, False]


class Steep(Function):
    """A network that magnifies what its weights are off by, so many times."""

    def __init__(self, wide: float, gain: float, framework: Framework = "pytorch") -> None:
        super().__init__(plus(0), plus(wide, "float64"), framework)
        self.gain = gain

    def exact(self, inputs: Any, layers: Any = (), instead: object = None, jitter: float = 0.0) -> Run | None:
        (array,) = inputs.values()
        return (
            Run(tuple(one * (1 + self.gain * jitter) for one in plus(0, "float64")(array)))
            if jitter
            else (super().exact(inputs))
        )


@pytest.mark.parametrize(
    ("gain", "wide", "passed", "words"),
    [
        (1e3, 2e-8, False, ""),  # calm, and different
        (1e8, 2e-8, True, "rounding is magnified in float64 too"),
        (1e8, 7.3 * 1e8 * JITTER, True, "rounding is magnified in float64 too"),
        (1e8, 8.3 * 1e8 * JITTER, False, "rounding is magnified in float64 too"),
        (1e14, 9e-4, True, "rounding is magnified in float64 too"),
        (1e14, 2e-3, False, "rounding is magnified in float64 too"),
    ],
)
def test_as_far_as_rounding_moves_a_network_in_float64_another_may_be(
    gain: float, wide: float, passed: bool, words: str
) -> None:
    one, two = Steep(0, gain), Steep(wide, gain, "keras")
    trial = tried(Subjects(one, two, GRAPH, GRAPH, Plan(())), seed=0, batch=1)  # type: ignore[arg-type]

    part = next(iter(check(trial)))

    assert (part.name, part.passed) == ("float64", passed)
    assert words in "".join(part.details)
    assert bool(falls_apart(trial)) is (wide == 2e-3)


class Drawing(Steep):
    """A network with dropout left on: every run gives something else."""

    def __init__(self) -> None:
        super().__init__(0, 0)
        self.random = np.random.default_rng(0)

    def exact(self, inputs: Any, layers: Any = (), instead: object = None, jitter: float = 0.0) -> Run | None:
        (one,) = plus(0.1 * self.random.random(), "float64")(*inputs.values())
        return Run((one,))


def test_what_a_network_draws_is_no_rounding_that_it_magnifies() -> None:
    trial = tried(Subjects(Drawing(), Steep(0, 0, "keras"), GRAPH, GRAPH, Plan(())), 0, 1)  # type: ignore[arg-type]

    part = next(iter(check(trial)))

    assert (part.passed, part.details) == (False, ())
    assert not falls_apart(trial)


@pytest.mark.parametrize(("share", "passed"), [(0.98, True), (1.02, False)])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize(
    ("wide", "most"),
    [(0, MOST_BESIDE), (0.9 * MOST_APART, MOST_BESIDE), (1.1 * MOST_APART, MOST_ROUNDING), (None, MOST_ROUNDING)],
    ids=["the same in float64", "within its bound", "apart", "of which one has none"],
)
def test_the_bound_of_float32(
    share: float, passed: bool, sign: int, back: bool, wide: float | None, most: float
) -> None:
    ratio = share * most
    torch, keras = side(1e-5, 0), side(sign * 1e-5 * ratio, wide, "keras")

    part = parts(*((keras, torch) if back else (torch, keras)))["float32"]

    assert part.passed is passed
    assert part.figures["ratio"] == pytest.approx(ratio, rel=1e-3)
    assert part.threshold.startswith(f"{most:.0f} x")
    assert ("in float64 they agree" in "".join(part.details)) is (passed and most > MOST_ROUNDING)


@pytest.mark.parametrize(("own", "wide", "passed"), [(2e-3, 0, True), (2e-3, 1e-6, False), (1e-4, 0, False)])
def test_where_float32_falls_apart_the_ratio_is_chance(own: float, wide: float, passed: bool) -> None:
    part = parts(side(own, 0), side(80 * own, wide, "keras"))["float32"]

    assert part.passed is passed
    assert ("float64 decides" in "".join(part.details)) is passed


def test_pytorch_is_the_measure_where_both_could_be() -> None:
    torch, keras = side(1e-5, 0), side(1e-6, 0, "keras")

    for pair in ((torch, keras), (keras, torch)):
        part = parts(*pair)["float32"]
        assert part.figures["own"] == pytest.approx(1e-5, rel=1e-3)
        assert part.figures["ratio"] == pytest.approx(0.1, rel=1e-2)


def test_keras_is_the_measure_where_only_keras_could_be() -> None:
    part = parts(side(3e-6, None), side(1e-6, 0, "keras"))["float32"]

    assert "of the Keras side" in part.figure
    assert part.figures["ratio"] == pytest.approx(3, rel=1e-3)


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("first", [False, True])
def test_half_precision_that_float64_does_not_show_is_seen_in_float32(first: bool, back: bool) -> None:
    """A value cast to bfloat16 in the middle of a network was measured at 10 times."""
    torch = Function(plus(1e-5), plus(0, "float64"), halved=first)
    keras = Function(plus(1e-4), plus(0, "float64"), "keras", halved=not first)

    part = parts(*((keras, torch) if back else (torch, keras)))["float32"]

    assert not part.passed
    assert part.threshold.startswith(f"{MOST_ROUNDING:.0f} x")


@pytest.mark.parametrize(("error", "passed"), [(0.98 * LUCK * MOST_BESIDE, True), (1.02 * LUCK * MOST_BESIDE, False)])
def test_a_side_that_is_exact_by_luck_is_taken_to_stray_a_little(error: float, passed: bool) -> None:
    part = parts(side(0, 0), side(error, 0, "keras"))["float32"]

    assert part.passed is passed


def test_nan_passes_neither() -> None:
    broken = Function(plus(0), lambda x: [x * np.nan], "keras")
    found = parts(side(1e-6, 0), broken)
    assert not found["float64"].passed

    found = parts(side(1e-6, 0), Function(lambda x: [x * np.nan], plus(0, "float64"), "keras"))
    assert not found["float32"].passed


def test_another_shape_in_float64_passes_neither() -> None:
    narrow = Function(lambda x: [np.sign(x)[:, :3]], lambda x: [np.sign(x)[:, :3]], "keras")

    assert not any(part.passed for part in parts(side(1e-6, 0), narrow).values())
