"""Gradients of one loss, tensor by tensor, over the twins and over defects that outputs alone do not show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from homolog import api
from homolog.live import Gradients
from homolog.proof import gradients
from homolog.proof.part import Part
from homolog.proof.pullback import pulled
from homolog.proof.samples import inputs_for
from homolog.proof.subjects import Subjects
from homolog.proving import for_live
from homolog.reading import read_both
from homolog.transforms import Axes, Blocks, Concat, Each, Fill, Less, Sum, Times
from homolog.transforms import Part as Slice
from twins import PAIRS


def subjects_of(one: Any, two: Any, **how: Any) -> Subjects:
    """The first copied into the second."""
    made = api.copy(one, two, **how)
    graphs = read_both(made.source, made.target, None)
    plan = for_live(made.plan, made.source, made.target)
    return Subjects(made.source.live, made.target.live, *graphs, plan, made.source.live_names())


def slopes(subjects: Subjects) -> tuple[Gradients, Gradients]:
    """The gradients of both, of one sum of their outputs."""
    inputs = inputs_for(subjects, batch=3, seed=0)
    random = np.random.default_rng(1)
    cotangents = [random.standard_normal(output.shape) for output in subjects.a.run(inputs.first).outputs]
    return subjects.a.gradients(inputs.first, cotangents), subjects.b.gradients(inputs.second, cotangents)


@pytest.mark.parametrize("name", ["digits", "shared", "nested", "norms", "text", "decoder"])
@pytest.mark.parametrize("back", [False, True])
def test_gradients_of_a_copy_agree_to_the_last_places_of_float64(name: str, back: bool) -> None:
    one, two = PAIRS[name].torch(), PAIRS[name].keras()

    part = gradients.check(subjects_of(*((two, one) if back else (one, two))))

    assert part.passed, str(part)
    assert part.figures["precision"] == "float64"
    assert part.figures["share_of_threshold"] < 1e-5  # type: ignore[operator]
    assert "1e-08" in part.threshold


UNITS, HALF = gradients.JITTER, gradients.HALF_A_UNIT


@pytest.mark.parametrize(
    ("apart", "moved", "rounded", "passed"),
    [
        (1e-6, {UNITS: 0.0}, False, False),
        (1e-6, {UNITS: 2e-7}, False, True),
        (1e-6, {UNITS: 1e-7}, False, False),
        (2e-2, {UNITS: 1e-2}, False, False),
        (1e-5, {UNITS: 0.0, HALF: 0.0}, True, False),
        (1e-5, {UNITS: 0.0, HALF: 2e-6}, True, True),
        (1e-5, {UNITS: 0.0, HALF: 1e-6}, True, False),
        (5e-5, {UNITS: 0.0, HALF: 1e-5}, True, False),  # more than the most that a rounded weight is taken to move
        (5e-5, {UNITS: 1e-5}, True, True),  # float64's own rounding may move it further
        (5e-5, {UNITS: 1e-5, HALF: 1e-5}, True, True),
    ],
)
def test_as_far_as_rounding_moves_a_gradient_another_may_be(
    apart: float, moved: dict[float, float], rounded: bool, passed: bool
) -> None:
    subjects = replace(subjects_of(PAIRS["digits"].torch(), PAIRS["digits"].keras()), rounded=rounded)
    ours, theirs = slopes(subjects)

    def off(found: Gradients, share: float) -> Gradients:
        return Gradients({name: array * (1 + share) for name, array in found.arrays.items()}, found.precision)

    again = {jitter: off(ours, share) for jitter, share in moved.items()}
    part = gradients.compared(subjects, ours, off(theirs, apart), again=again)

    assert part.passed is passed
    assert ("rounding is magnified" in "".join(part.details)) is any(moved.values())


@pytest.mark.parametrize(("rounded", "tried"), [(False, [UNITS]), (True, [UNITS, HALF])])
def test_what_rounding_moves_is_seen_where_gradients_differ(
    rounded: bool, tried: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = PAIRS["digits"].torch(), PAIRS["digits"].keras()
    subjects = replace(subjects_of(*pair), rounded=rounded)
    asked, plain = [], subjects.a.gradients

    def gradients_of(*given: Any, jitter: float = 0.0) -> Gradients:
        asked.append(jitter)
        return plain(*given, jitter=jitter)

    monkeypatch.setattr(subjects.a, "gradients", gradients_of)
    assert gradients.check(subjects).passed and asked == [0.0]

    with torch.no_grad():
        next(pair[0].parameters()).mul_(1.01)  # another network than the one that the plan was made for
    assert not gradients.check(subjects).passed and asked == [0.0, 0.0, *tried]


def test_a_layer_without_float64_is_compared_in_float32() -> None:
    part = gradients.check(subjects_of(PAIRS["volume"].torch(), PAIRS["volume"].keras()))

    assert part.passed
    assert part.figures["precision"] == "float32"
    assert "float32" in part.threshold


@pytest.mark.parametrize(("off", "rounded", "passed"), [(3e-7, False, False), (3e-7, True, True), (3e-6, True, False)])
def test_where_float64_itself_is_rounded_gradients_may_differ_by_that(off: float, rounded: bool, passed: bool) -> None:
    subjects = replace(subjects_of(PAIRS["digits"].torch(), PAIRS["digits"].keras()), rounded=rounded)
    ours, theirs = slopes(subjects)
    moved = {name: array * (1 + off) for name, array in theirs.arrays.items()}

    part = gradients.compared(subjects, ours, Gradients(moved, theirs.precision))

    assert part.passed is passed
    assert part.figures["precision"] == (gradients.ROUNDED if rounded else "float64")


def test_a_frozen_parameter_is_named() -> None:
    module = PAIRS["shared"].torch()
    subjects = subjects_of(module, PAIRS["shared"].keras())
    module.step.bias.requires_grad_(False)

    part = gradients.check(subjects)

    assert not part.passed
    assert any("step.bias: trained in the second, frozen in the first" in line for line in part.details)
    assert not module.step.bias.requires_grad


def test_frozen_in_both_is_said_and_passes() -> None:
    module, model = PAIRS["shared"].torch(), PAIRS["shared"].keras()
    subjects = subjects_of(module, model)
    for tensor in module.step.parameters():
        tensor.requires_grad_(False)
    model.get_layer(next(row.layer[1] for row in subjects.plan.rows if row.layer[0] == "step")).trainable = False

    part = gradients.check(subjects)

    assert part.passed, str(part)
    assert any("trained in neither: 2 tensors" in line for line in part.details)


def detached_torch() -> Any:
    import torch
    from torch import nn

    class Detached(nn.Module):
        def __init__(self, cut: bool) -> None:
            super().__init__()
            self.first, self.second, self.cut = nn.Linear(4, 6), nn.Linear(6, 3), cut

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            inner = torch.tanh(self.first(x))
            return self.second(inner.detach() if self.cut else inner)

    torch.manual_seed(0)
    return Detached


def test_a_gradient_that_is_cut_fails_though_the_outputs_agree() -> None:
    make = detached_torch()
    one, two = make(False), make(True)
    proof = api.copy(one, two, inputs=[(1, 4)]).proof
    assert proof.passed

    part = gradients.check(_of_both(one, two))

    assert not part.passed
    assert {line.partition(" from ")[0] for line in part.details if " apart" in line} == {"first.weight", "first.bias"}


def _of_both(one: Any, two: Any) -> Subjects:
    made = api.copy(one, two, inputs=[(1, 4)])
    graphs = read_both(made.source, made.target, [np.zeros((1, 4), np.float32)])
    return Subjects(made.source.live, made.target.live, *graphs, made.plan)


def test_networks_that_nothing_trains_prove_nothing() -> None:
    module, model = PAIRS["shared"].torch(), PAIRS["shared"].keras()
    subjects = subjects_of(module, model)
    module.requires_grad_(False)
    model.trainable = False

    part = gradients.check(subjects)

    assert not part.passed
    assert "proves nothing" in part.figure


def test_both_networks_are_left_as_they_were() -> None:
    module, model = PAIRS["resnet"].torch(), PAIRS["resnet"].keras()
    subjects = subjects_of(module, model)
    module.train()
    before = [{name: ref.read().copy() for name, ref in live.tensors().items()} for live in (subjects.a, subjects.b)]

    gradients.check(subjects)

    assert all(child.training for child in module.modules())
    assert all(tensor.grad is None for tensor in module.parameters())
    for live, values in zip((subjects.a, subjects.b), before, strict=True):
        assert all(np.array_equal(ref.read(), values[name]) for name, ref in live.tensors().items())


def test_verify_has_the_part_when_asked() -> None:
    one, two = PAIRS["lenet"].torch(), PAIRS["lenet"].keras()
    api.copy(one, two)

    parts: dict[str, Part] = {part.name: part for part in api.verify(one, two, gradients=True, steps=2).parts}

    assert parts["gradients"].passed
    assert parts["training"].passed
    assert not {"gradients", "training"} & {part.name for part in api.verify(one, two).parts}


@pytest.mark.parametrize(
    ("chain", "shapes"),
    [
        ((Axes("a b -> b a"),), [(3, 4)]),
        ((Blocks(0, (1, 0, 2)),), [(6, 2)]),
        ((Concat(0, (2, 3)),), [(2, 4), (3, 4)]),
        ((Slice(1, 1, 3),), [(2, 5)]),
        ((Sum(),), [(4,), (4,)]),
        ((Less(),), [(4,), (4,)]),
        ((Each(((), (Axes("c -> c 1"),))), Times(), Axes("o i -> i o")), [(3, 2), (3,)]),
        ((Each(((Axes("a b -> b a"),), ())), Concat(0, (2, 2))), [(3, 2), (2, 3)]),
    ],
)
def test_pulled_back_is_the_chain_rule(chain: Any, shapes: Any) -> None:
    """Against differences: how the inner product with the gradient changes with each number that goes in."""
    from homolog.transforms import apply

    random = np.random.default_rng(0)
    arrays = [random.standard_normal(shape) for shape in shapes]
    (out,) = apply(chain, arrays)
    gradient = random.standard_normal(out.shape)

    found = pulled(chain, arrays, [gradient])

    for place, array in enumerate(arrays):
        for index in np.ndindex(array.shape):
            moved = [entry.copy() for entry in arrays]
            moved[place][index] += 1e-6
            slope = ((apply(chain, moved)[0] - out) * gradient).sum() / 1e-6
            assert found[place][index] == pytest.approx(slope, abs=1e-7)


def test_what_is_made_of_nothing_has_no_gradient_to_give() -> None:
    assert pulled((Fill(0.0, (3,), "float32"),), [], [np.ones(3)]) == ()


@pytest.mark.parametrize(("kind", "setting", "value"), [("LayerNorm", "eps", 1e-5), ("GELU", "approximate", "tanh")])
def test_another_function_shows_by_orders_of_magnitude(kind: str, setting: str, value: object) -> None:
    module = PAIRS["mixer"].torch()
    subjects = subjects_of(module, PAIRS["mixer"].keras())
    for child in module.modules():
        if type(child).__name__ == kind:
            setattr(child, setting, value)

    part = gradients.check(subjects)

    assert not part.passed
    assert part.figures["share_of_threshold"] > 1e3  # type: ignore[operator]
