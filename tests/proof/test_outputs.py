"""The comparison of outputs, on small functions in place of models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from homolog.errors import Mismatch
from homolog.graph import Graph, Node, Value
from homolog.live import Run
from homolog.plan import Plan
from homolog.proof import Proof, outputs, perturbed
from homolog.proof.outputs import check
from homolog.proof.part import Part
from homolog.proof.subjects import Subjects, Tolerance, distance, limit, share

Array = np.ndarray[Any, Any]
GRAPH = Graph("pytorch", {"in": Node("in", "input", shapes=((None, 4),))}, (Value("in"),))


class Function:
    """A network that is a function of its one input."""

    framework = "pytorch"
    model = None

    def __init__(self, function: Callable[[Array], Sequence[Array]]) -> None:
        self.function = function

    def run(self, inputs: Mapping[str, Array], layers: Iterable[str] = (), instead: object = None) -> Run:
        (array,) = inputs.values()
        return Run(tuple(self.function(array)))

    def exact(
        self, inputs: Mapping[str, Array], layers: Iterable[str] = (), instead: object = None, jitter: float = 0.0
    ) -> Run | None:
        return None


def compared(one: Callable[[Array], Sequence[Array]], two: Callable[[Array], Sequence[Array]], **more: Any) -> Part:
    subjects = Subjects(Function(one), Function(two), GRAPH, GRAPH, Plan(()))  # type: ignore[arg-type]
    return check(subjects, more.get("tolerance", Tolerance()))


def plain(x: Array) -> list[Array]:
    return [x]


def test_equal_functions_pass() -> None:
    part = compared(plain, plain)

    assert part.passed
    assert part.figures == {"max_abs_error": 0.0, "share_of_tolerance": 0.0, "inputs": 3}


def test_a_small_difference_is_measured_and_a_larger_fails() -> None:
    near, far = (compared(plain, lambda x, e=e: [x * np.float32(1 + e)]) for e in (3e-6, 1e-4))

    assert near.passed
    assert 0.1 < near.figures["share_of_tolerance"] < 0.5  # type: ignore[operator]
    assert not far.passed
    assert "x what is allowed" in far.figure


@pytest.mark.parametrize(
    ("one", "two", "figure"),
    [
        (plain, lambda x: [x[:, :3]], "outputs of shapes (1, 4) and (1, 3)"),
        (plain, lambda x: [x * np.nan], "NaN"),
        (lambda x: [x * np.inf], lambda x: [x * np.inf], "NaN or infinite"),
        (lambda x: [], lambda x: [], "no outputs that could be compared"),
        (plain, lambda x: [], "no outputs that could be compared"),
        (lambda x: [x * 0], lambda x: [x * 0], "output 0 does not depend on the input"),
        (lambda x: [x, x[:, :1] * 0 + 3], lambda x: [x, x[:, :1] * 0 + 3], "output 1 does not depend"),
        (plain, lambda x: [x[:, :1], x[:, :2]], "outputs of shapes (1, 4) and (1, 1)"),
        (lambda x: [x * 1e-9 + 5], lambda x: [x * 0 + 5], "output 0 does not depend on the input"),
    ],
)
def test_what_proves_nothing_does_not_pass(one: Any, two: Any, figure: str) -> None:
    part = compared(one, two)

    assert not part.passed
    assert figure in part.figure


def test_no_tolerance_is_no_division_by_zero() -> None:
    assert compared(plain, plain, tolerance=Tolerance(0, 0)).passed
    assert share(0.0, 0.0) == 0
    assert share(1.0, 0.0) == np.inf
    assert distance(np.zeros((0, 3)), np.zeros((0, 3))) == 0
    assert limit(np.zeros((0,)), Tolerance(1, 2)) == 1


def test_no_statistics_no_perturbation() -> None:
    subjects = Subjects(Function(plain), Function(plain), GRAPH, GRAPH, Plan(()))  # type: ignore[arg-type]

    assert perturbed.check(subjects, Tolerance()) is None


@pytest.mark.parametrize(
    ("dtypes", "coarsest"),
    [
        ([], "float32"),
        (["float32", "int64"], "float32"),
        (["float64"], "float32"),
        (["float16", "float32"], "float16"),
        (["float16", "bfloat16", "bool"], "bfloat16"),
    ],
)
def test_the_tolerance_is_that_of_the_coarsest_type(dtypes: list[str], coarsest: str) -> None:
    tolerance = Tolerance.for_dtypes(dtypes)

    assert tolerance.resolution == coarsest
    assert tolerance.rtol == pytest.approx({"float32": 1e-5, "float16": 8 * 2**-10, "bfloat16": 8 * 2**-7}[coarsest])


def test_what_only_one_network_gives_is_said_and_the_rest_compared() -> None:
    part = compared(lambda x: [x, x[:, :1]], plain)

    assert part.passed
    assert part.details == ("not compared: output 1 (batch, 1), which only the first gives",)


@pytest.mark.parametrize(("two", "told"), [(np.squeeze, True), (lambda x: x[:, :3], False)])
def test_a_batch_of_one_that_is_squeezed_away_is_told_of(two: Callable[[Array], Array], told: bool) -> None:
    part = compared(lambda x: [x], lambda x: [two(x)])

    assert not part.passed
    assert any("squeeze()" in line for line in part.details) is told


class Rounding(Function):
    """The identity, off by a share of the value; some also run in float64, where it is the identity, or nearly."""

    def __init__(self, error: float, *, exact: bool, wide: float = 0.0) -> None:
        super().__init__(lambda x: [x * np.float32(1 + error)])
        self.has_exact, self.wide = exact, wide

    def exact(
        self, inputs: Mapping[str, Array], layers: Iterable[str] = (), instead: object = None, jitter: float = 0.0
    ) -> Run | None:
        (array,) = inputs.values()
        return Run((array.astype(np.float64) * (1 + self.wide),)) if self.has_exact else None


def judged(own: float, other: float, *, first: bool = True, exact: bool = True, tolerance: Tolerance) -> Part:
    """The side that has a float64 is off by ``own``, the other one by ``other``."""
    sides = [Rounding(own, exact=exact), Rounding(other, exact=False)]
    one, two = sides if first else sides[::-1]
    return check(Subjects(one, two, GRAPH, GRAPH, Plan(())), tolerance)  # type: ignore[arg-type]


@pytest.mark.parametrize("first", [True, False])
class TestRounding:
    """Outputs further apart than the tolerance pass only where float64 shows that the one rounds like the other."""

    strict = Tolerance()
    default = Tolerance.for_dtypes(["float32"])

    @pytest.mark.parametrize("other", [-1e-4, -7e-4, 0.0])
    def test_as_far_from_float64_as_the_side_that_has_it(self, first: bool, other: float) -> None:
        part = judged(1e-4, other, first=first, tolerance=self.default)
        assert part.passed
        assert any(line.startswith("by rounding") for line in part.details)

    def test_nine_times_as_far_is_another_function(self, first: bool) -> None:
        assert not judged(1e-5, -9e-5, first=first, tolerance=self.default).passed

    def test_both_so_far_that_float32_proves_nothing(self, first: bool) -> None:
        assert not judged(2e-3, -2e-3, first=first, tolerance=self.default).passed

    @pytest.mark.parametrize(("wide", "passed"), [(1e-10, True), (1e-7, False)])
    def test_so_far_that_float32_proves_nothing_and_both_in_float64(
        self, first: bool, wide: float, passed: bool
    ) -> None:
        sides = [Rounding(2e-3, exact=True), Rounding(-2e-3, exact=True, wide=wide)]
        subjects = Subjects(*(sides if first else sides[::-1]), GRAPH, GRAPH, Plan(()))  # type: ignore[arg-type]

        part = check(subjects, self.default)

        assert part.passed == passed
        assert not passed or any("in float64 both are 1.0e-10" in line for line in part.details)

    def test_an_exact_side_leaves_nothing_to_round(self, first: bool) -> None:
        assert not judged(0.0, 1e-4, first=first, tolerance=self.default).passed

    def test_no_float64_on_either_side(self, first: bool) -> None:
        assert not judged(1e-4, -1e-4, first=first, exact=False, tolerance=self.default).passed

    def test_a_tolerance_that_the_user_insists_on(self, first: bool) -> None:
        assert not judged(1e-4, -1e-4, first=first, tolerance=self.strict).passed


class Kept(Function):
    """Remembers what it was run on."""

    def __init__(self, function: Callable[[Array], Sequence[Array]]) -> None:
        super().__init__(function)
        self.inputs: list[Array] = []

    def run(self, inputs: Mapping[str, Array], layers: Iterable[str] = (), instead: object = None) -> Run:
        self.inputs += inputs.values()
        return super().run(inputs, layers, instead)


def steps(x: Array) -> list[Array]:
    """At one end or the other for all but small numbers."""
    return [np.clip(x * 20, -1, 1) if np.abs(x).max() < 0.4 else np.sign(x)]


class TestSaturated:
    """Outputs that are all at one end of their range prove nothing; random inputs are made smaller then."""

    def test_they_do_not_pass(self) -> None:
        part = compared(lambda x: [np.sign(x)], lambda x: [np.sign(x)])

        assert not part.passed
        assert part.figure.startswith("output 0 is saturated")
        assert "saturated" in str(part.figures["proves_nothing"])
        assert any(line.startswith("help: ") and "--load-inputs" in line for line in part.details)

    def test_smaller_inputs_are_tried_first(self) -> None:
        one, two = Kept(steps), Kept(steps)
        part = check(Subjects(one, two, GRAPH, GRAPH, Plan(())), Tolerance())  # type: ignore[arg-type]

        assert part.passed
        assert any("a deviation of 0.1" in line for line in part.details)
        assert [array.std() < 0.2 for array in two.inputs] == [False] * 3 + [True] * 3

    def test_a_difference_on_the_smaller_ones_counts(self) -> None:
        part = compared(steps, lambda x: [steps(x)[0] * (1 if np.abs(x).max() >= 0.4 else 1.01)])

        assert not part.passed
        assert "x what is allowed" in part.figure

    def test_a_difference_on_the_large_ones_is_no_saturation(self) -> None:
        part = compared(steps, lambda x: [steps(x)[0] * 1.01])

        assert not part.passed
        assert "proves_nothing" not in part.figures

    def test_one_of_several_outputs_is_enough(self) -> None:
        part = compared(lambda x: [x, np.sign(x)], lambda x: [x, np.sign(x)])

        assert not part.passed
        assert part.figure.startswith("output 1 is saturated")

    def test_outputs_that_stand_still_are_tried_on_larger_ones(self) -> None:
        def high(x: Array) -> list[Array]:
            return [np.maximum(np.abs(x) - 5, 0)]

        assert compared(high, high).passed
        assert not compared(high, lambda x: [high(x)[0] * 1.01]).passed

    def test_inputs_that_were_given_are_not_made_smaller(self) -> None:
        given = [np.array([[-1, 2, -3, 4], [1, -2, 3, -4]], np.float32)]
        one, two = Kept(steps), Kept(steps)
        part = check(Subjects(one, two, GRAPH, GRAPH, Plan(()), given=given), Tolerance())  # type: ignore[arg-type]

        assert not part.passed
        assert "saturated" in part.figure
        assert len(two.inputs) == 1

    @pytest.mark.parametrize("values", [[0, 1, 0], [True, False, True, False], [0, 1, 1, 0.5], [0, 1, 1, 1e-4]])
    def test_few_numbers_truths_and_what_lies_between_are_none(self, values: list[Any]) -> None:
        assert not outputs._is_saturated(np.array(values))
        assert outputs._is_saturated(np.array([0, 1, 1, 1e-7]))


def rows(count: int) -> list[Array]:
    return [np.random.default_rng(9).standard_normal((count, 4)).astype(np.float32)]


class TestGiven:
    def test_inputs_that_were_given_are_run_once(self) -> None:
        one, two = Kept(plain), Kept(plain)
        given = rows(5)
        part = check(Subjects(one, two, GRAPH, GRAPH, Plan(()), given=given), Tolerance())  # type: ignore[arg-type]

        assert part.passed
        assert part.figures["inputs"] == 1
        (array,) = two.inputs
        np.testing.assert_array_equal(array, given[0])

    def test_a_difference_is_said_to_be_on_them(self) -> None:
        one, two = Function(plain), Function(lambda x: [x * 2])
        part = check(Subjects(one, two, GRAPH, GRAPH, Plan(()), given=rows(3)), Tolerance())  # type: ignore[arg-type]

        assert "(the inputs given)" in part.figure

    @pytest.mark.parametrize(("function", "passed"), [(plain, True), (lambda x: [x * 0 + [1, 2, 3, 4]], False)])
    def test_one_sample_alone_is_held_against_others(self, function: Any, passed: bool) -> None:
        """By itself it does not tell whether the outputs depend on what goes in."""
        one, two = Kept(function), Kept(function)
        part = check(Subjects(one, two, GRAPH, GRAPH, Plan(()), given=rows(1)), Tolerance())  # type: ignore[arg-type]

        assert part.passed is passed
        assert passed or part.figure.startswith("output 0 does not depend on the input")
        assert [len(array) for array in one.inputs] == [1, 2]
        assert [len(array) for array in two.inputs] == [1]


class TestBatchElsewhere:
    """A state of layers x batch: how the outputs change from sample to sample is seen along the axis that changes."""

    def test_a_state_that_depends_on_the_input_passes(self) -> None:
        assert compared(lambda x: [np.stack([x, x * 2])], lambda x: [np.stack([x, x * 2])]).passed

    def test_one_that_differs_from_layer_to_layer_alone_does_not(self) -> None:
        def still(x: Array) -> list[Array]:
            return [np.stack([x * 0 + 1, x * 0 + 2, x * 0 + 3])]

        part = compared(still, still)

        assert not part.passed
        assert "does not depend on the input" in part.figure

    def test_a_single_number_for_the_batch(self) -> None:
        assert compared(lambda x: [x.mean()], lambda x: [x.mean()]).passed
        assert not compared(lambda x: [x.mean() * 0], lambda x: [x.mean() * 0]).passed


class TestNaN:
    @pytest.mark.parametrize("where", ["first", "second", "both"])
    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_one_such_number_is_enough(self, where: str, value: float) -> None:
        def broken(x: Array) -> list[Array]:
            found = x.copy()
            found[-1, -1] = value
            return [found]

        part = compared(plain if where == "second" else broken, plain if where == "first" else broken)

        assert not part.passed
        assert part.figure == "the outputs hold NaN or infinite values, which prove nothing"

    def test_only_in_a_later_input(self) -> None:
        def broken(x: Array) -> list[Array]:
            return [x * np.nan if len(x) == 3 else x]

        assert "NaN" in compared(plain, broken).figure


class TestVerdict:
    def test_a_proof_without_parts_proves_nothing(self) -> None:
        assert not Proof(()).passed
        with pytest.raises(Mismatch, match="nothing was compared"):
            Proof(()).raise_if_failed()

    def test_one_part_that_fails_is_enough(self) -> None:
        proof = Proof((Part("weights", True, "fine"), Part("outputs", False, "differ", ("first difference: x",))))

        with pytest.raises(Mismatch) as error:
            proof.raise_if_failed()
        assert error.value.found == "outputs: differ"
        assert error.value.details == ("first difference: x",)
        assert "NOT the same network" in str(proof)
        assert proof.to_dict()["passed"] is False

    def test_a_proof_that_passed_raises_nothing(self) -> None:
        Proof((Part("weights", True, "fine"),)).raise_if_failed()
