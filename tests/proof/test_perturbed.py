"""The outputs once more with other batch statistics: what trivial ones hide shows; the networks stay as they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest

from homolog.keras.framework import require
from homolog.proof import outputs, perturbed
from homolog.proof.localise import first_difference
from homolog.proof.part import Part
from homolog.proof.precision import MOST_APART, Apart
from homolog.proof.subjects import Subjects, Tolerance
from proof.nets import keras_chain, state, subjects_of, torch_chain

TOLERANCE = Tolerance(rounding=True)


def pair(back: bool, *, eps: float = 1e-3) -> tuple[Any, Any]:
    """Freshly made: means of zero, variances of one, which the smaller eps hardly changes."""
    from torch import nn

    layers = require().layers
    one = torch_chain(nn.Linear(4, 6), nn.BatchNorm1d(6, eps=eps), nn.ReLU(), nn.Linear(6, 3))
    one[1].reset_running_stats()
    two = keras_chain((4,), layers.Dense(6), layers.BatchNormalization(name="bn"), layers.ReLU(), layers.Dense(3))
    return (two, one) if back else (one, two)


@pytest.mark.parametrize("back", [False, True])
def test_copies_agree_and_are_left_as_they_were(back: bool) -> None:
    one, two = pair(back)
    subjects = subjects_of(one, two)
    before = state(one), state(two)

    part = perturbed.check(subjects, TOLERANCE)

    assert part is not None
    assert (part.name, part.passed) == ("perturbed statistics", True)
    assert (state(one), state(two)) == before


@pytest.mark.parametrize("back", [False, True])
def test_statistics_that_are_used_in_each_other_s_place_show(back: bool) -> None:
    """The mean where the shift belongs: with both zero nothing shows until they are moved."""
    one, two = pair(back)
    subjects = subjects_of(one, two)
    for network in (one, two):
        live = subjects.a if network is one else subjects.b
        live.fill(
            (name, ref.read() * 0) for name, ref in live.tensors().items() if name.endswith(("bn/beta", "1.bias"))
        )
    rows = {row.target: row for row in subjects.plan.rows}
    mean = next(row for name, row in rows.items() if name.endswith(("moving_mean", "running_mean")))
    shift = next(row for name, row in rows.items() if name.endswith(("bn/beta", "1.bias")))
    swapped = {mean.target: shift.sources, shift.target: mean.sources}
    crossed_rows = (replace(row, sources=swapped.get(row.target, row.sources)) for row in rows.values())
    crossed = replace(subjects, plan=replace(subjects.plan, rows=tuple(crossed_rows)))
    before = state(one), state(two)

    assert outputs.check(crossed, TOLERANCE).passed
    part = perturbed.check(crossed, TOLERANCE)

    assert part is not None
    assert not part.passed
    assert (state(one), state(two)) == before


def test_everything_of_the_norm_is_moved_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = pair(back=False)
    subjects = subjects_of(one, two)
    before = state(one), state(two)
    seen: list[tuple[dict[str, bytes], dict[str, bytes]]] = []
    own = outputs.check

    def check(*args: Any, **how: Any) -> Any:
        seen.append((state(one), state(two)))
        return own(*args, **how)

    monkeypatch.setattr(outputs, "check", check)
    perturbed.check(subjects, TOLERANCE)

    moved = [
        {name.rpartition("/")[2] for name in side if side[name] != kept[name]}
        for side, kept in zip(seen[0], before, strict=True)
    ]
    assert moved == [
        {"1.weight", "1.bias", "1.running_mean", "1.running_var"},
        {"gamma", "beta", "moving_mean", "moving_variance"},
    ]
    assert (np.frombuffer(seen[0][0]["1.running_var"], np.float32) > 0).all()


def test_both_are_put_back_when_a_run_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = pair(back=False)
    subjects = subjects_of(one, two)
    before = state(one), state(two)

    def broken(*_: object, **how: object) -> Any:
        raise RuntimeError("broken")

    monkeypatch.setattr(outputs, "check", broken)
    with pytest.raises(RuntimeError, match="broken"):
        perturbed.check(subjects, TOLERANCE)

    assert (state(one), state(two)) == before


def test_networks_without_statistics_have_no_such_part() -> None:
    from torch import nn

    layers = require().layers
    one = torch_chain(nn.Linear(4, 6), nn.LayerNorm(6, eps=1e-3), nn.Linear(6, 3))
    two = keras_chain((4,), layers.Dense(6), layers.LayerNormalization(epsilon=1e-3), layers.Dense(3))

    assert perturbed.check(subjects_of(one, two), TOLERANCE) is None


@pytest.mark.parametrize(
    ("apart", "own", "passed", "fallen"),
    [(1e-10, 0.02, True, False), (1e-10, 1e-6, False, False), (1e-4, 0.02, False, True)],
    ids=["float32 fell apart", "float32 is fine, so they differ", "float64 falls apart too"],
)
def test_where_float32_falls_apart_float64_decides(
    apart: float, own: float, passed: bool, fallen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(perturbed.precision, "apart", lambda trial: Apart(apart, MOST_APART, "", own, False))
    batches: list[int] = []
    monkeypatch.setattr(perturbed, "tried", lambda subjects, seed, batch: batches.append(batch))
    failed = Part(perturbed.NAME, False, "outputs differ")
    part, told = perturbed._in_float64(cast(Subjects, None), failed, 3)
    assert batches == [3]  # the one on which float32 was compared: another would not show what depends on its size
    assert (part.passed, told) == (passed, fallen)
    assert part is failed or "float32 itself falls apart" in part.details[0]


# -- how strongly -----------------------------------------------------------------------------------------------------


def tried(monkeypatch: pytest.MonkeyPatch, found: dict[float, tuple[Part | None, bool]]) -> list[float]:
    """The strengths that are tried, where each comes to what is said of it."""
    strengths: list[float] = []

    def one(
        subjects: object, tolerance: object, batch: int, nodes: object, strength: float
    ) -> tuple[Part | None, bool]:
        strengths.append(strength)
        return found[strength]

    monkeypatch.setattr(perturbed, "_tried", one)
    return strengths


def checked() -> Part | None:
    return perturbed.check(subjects_of(*pair(back=False)), TOLERANCE)


def part_of(passed: bool) -> Part:
    return Part(perturbed.NAME, passed, "a figure", ("a detail",))


STRONG, GENTLE = perturbed.STRENGTHS


@pytest.mark.parametrize("passed", [True, False])
def test_where_float32_holds_one_try_decides(passed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    strengths = tried(monkeypatch, {STRONG: (part_of(passed), False)})
    assert checked() == part_of(passed)
    assert strengths == [STRONG]


@pytest.mark.parametrize("passed", [True, False])
def test_where_it_falls_apart_a_gentle_try_decides_and_says_so(passed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    strengths = tried(monkeypatch, {STRONG: (part_of(False), True), GENTLE: (part_of(passed), False)})
    found = checked()
    assert strengths == [STRONG, GENTLE]
    assert found is not None
    assert found.passed is passed
    assert (perturbed.GENTLY in found.details) is passed


def test_where_it_falls_apart_gently_too_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    strengths = tried(monkeypatch, dict.fromkeys(perturbed.STRENGTHS, (part_of(False), True)))
    found = checked()
    assert strengths == [STRONG, GENTLE]
    assert found is not None
    assert not found.passed


def test_statistics_that_cannot_be_set_are_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    strengths = tried(monkeypatch, {STRONG: (None, False)})
    assert checked() is None
    assert strengths == [STRONG]


@pytest.mark.parametrize("fallen", [perturbed.FALLEN, 0.0], ids=["float32 holds", "float32 is said to fall apart"])
def test_a_wrong_network_fails_all_the_same(fallen: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """An eps that fresh statistics hide: it is found however little float32 is trusted."""
    from torch import nn

    own = perturbed._tried
    strengths: list[float] = []

    def counted(*args: Any) -> Any:
        strengths.append(args[-1])
        return own(*args)

    found: list[str] = []

    def first(*args: Any) -> str:
        found.append(first_difference(*args))
        return found[-1]

    monkeypatch.setattr(perturbed, "_tried", counted)
    monkeypatch.setattr(perturbed, "first_difference", first)
    monkeypatch.setattr(perturbed, "FALLEN", fallen)
    layers = require().layers
    one = torch_chain(nn.Linear(4, 6), nn.BatchNorm1d(6, eps=1e-3), nn.ReLU(), nn.Linear(6, 3))
    two = keras_chain((4,), layers.Dense(6), layers.BatchNormalization(epsilon=2e-3), layers.ReLU(), layers.Dense(3))
    part = perturbed.check(subjects_of(one, two), TOLERANCE)
    assert part is not None
    assert not part.passed
    assert strengths == ([STRONG, GENTLE] if fallen == 0 else [STRONG])
    assert part.details[:1] == tuple(found)  # looked for once, when it is not tried again


def test_strength_is_how_far_statistics_are_moved() -> None:
    arrays = {
        "weight": np.array([2.0, -3.0], np.float32),
        "bias": np.array([0.5, 0.0], np.float32),
        "running_mean": np.array([1.0, -1.0], np.float32),
        "running_var": np.array([4.0, 0.25], np.float32),
    }
    strong, gentle = (
        perturbed._perturbed(arrays, np.random.default_rng(7), strength) for strength in perturbed.STRENGTHS
    )
    for slot, array in arrays.items():
        ours, theirs = (np.abs(found[slot] - array) for found in (strong, gentle))
        np.testing.assert_allclose(theirs, GENTLE * ours, rtol=1e-4)
        assert (ours > 0).all()
        assert strong[slot].dtype == np.float32
