"""Which parts a proof has, and when its causes are looked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from homolog import api
from homolog.keras.framework import require
from homolog.matching import match
from homolog.proof import Cause, Part
from homolog.proof import causes as why
from homolog.proof.cause import KINDS, Mend
from homolog.proof.subjects import Tolerance
from homolog.proving import causes, for_live, run_parts
from homolog.reading import read_both
from proof.nets import keras_chain, torch_chain

GOOD, BAD = Part("weights", True, "fine"), Part("outputs", False, "differ")


def pair(*, momentum: float = 0.01, norm: bool = True) -> tuple[Any, Any]:
    from torch import nn

    layers = require().layers
    one = torch_chain(
        nn.Linear(4, 6), *([nn.BatchNorm1d(6, eps=1e-3, momentum=momentum)] if norm else []), nn.Linear(6, 3)
    )
    two = keras_chain(
        (4,),
        layers.Dense(6, name="wide"),
        *([layers.BatchNormalization(name="bn")] if norm else []),
        layers.Dense(3, name="narrow"),
    )
    api.copy(one, into=two, run=False)
    return one, two


def opened(one: Any, two: Any) -> tuple[Any, ...]:
    first, second = api.load(one), api.load(two)
    graphs = read_both(first, second)
    return first, second, graphs, match(*graphs, first.name, second.name)


def names(one: Any, two: Any, tolerance: Tolerance | None = None, **how: Any) -> list[str]:
    first, second, graphs, plan = opened(one, two)
    return [part.name for part in run_parts(first, second, *graphs, plan, tolerance, **how)]


def test_the_parts_that_are_always_there() -> None:
    assert names(*pair()) == ["outputs", "float64", "float32", "perturbed statistics"]
    assert names(*pair(norm=False)) == ["outputs", "float64", "float32"]


@pytest.mark.parametrize(
    ("norm", "sparing", "batches"),
    [(True, True, [1, 2, 3]), (True, False, [1, 2, 3]), (False, True, [1, 3]), (False, False, [1, 3])],
)
def test_a_sparing_proof_perturbs_the_second_batch_where_it_can(norm: bool, sparing: bool, batches: list[int]) -> None:
    one, two = pair(norm=norm)
    first, second, graphs, plan = opened(one, two)
    seen: list[int] = []

    def count(module: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        (value,) = (*args, *kwargs.values())
        if value.element_size() == 4:  # not in float64
            seen.append(len(value))

    one.register_forward_pre_hook(count, with_kwargs=True)
    parts = list(run_parts(first, second, *graphs, plan, None, (0, 1), sparing=sparing))

    assert all(part.passed for part in parts), parts
    assert sorted(seen) == batches


@pytest.mark.parametrize("norm", [True, False])
def test_a_sparing_proof_finds_what_is_wrong_for_more_than_one_row_alone(norm: bool) -> None:
    one, two = pair(norm=norm)
    first, second, graphs, plan = opened(one, two)
    one.register_forward_hook(lambda module, args, output: output + 0.5 * (len(output) > 1))

    parts = {part.name: part for part in run_parts(first, second, *graphs, plan, None, (0, 1), sparing=True)}

    assert not parts["outputs"].passed
    assert not norm or not parts["perturbed statistics"].passed


def test_a_sparing_proof_tells_of_outputs_that_depend_on_nothing() -> None:
    one, two = pair()
    one[-1].weight.data.zero_()
    api.copy(one, into=two, run=False)
    first, second, graphs, plan = opened(one, two)

    parts = {part.name: part for part in run_parts(first, second, *graphs, plan, None, (0, 1), sparing=True)}

    assert "does not depend on the input" in parts["outputs"].figure
    assert "does not depend on the input" in parts["perturbed statistics"].figure


def test_a_sparing_proof_tells_of_a_network_that_depends_on_its_input_with_other_statistics_alone() -> None:
    from torch import nn

    layers = require().layers
    one = torch_chain(nn.Linear(4, 6), nn.BatchNorm1d(6, eps=1e-3), nn.ReLU(), nn.Linear(6, 3))
    nn.init.constant_(one[1].weight, 1e-3)
    nn.init.constant_(one[1].bias, -0.15)  # nothing comes through the rectifier
    two = keras_chain((4,), layers.Dense(6), layers.BatchNormalization(), layers.ReLU(), layers.Dense(3))
    api.copy(one, into=two, run=False)
    first, second, graphs, plan = opened(one, two)

    parts = {part.name: part for part in run_parts(first, second, *graphs, plan, None, (0, 1), sparing=True)}

    assert parts["perturbed statistics"].passed
    assert "does not depend on the input" in parts["outputs"].figure


def test_the_parts_that_are_asked_for() -> None:
    more = {"layers": True, "gradients": True, "steps": 1, "other_sizes": True}

    assert names(*pair(norm=False), **more) == ["outputs", "float64", "float32", "layers", "gradients", "training"]


def test_a_tolerance_of_the_user_s_own_is_all_that_counts() -> None:
    assert names(*pair(norm=False), tolerance=Tolerance(1e-3, 1e-3)) == ["outputs"]


def test_no_precision_where_the_outputs_differ_already() -> None:
    one, two = pair(norm=False)
    two.get_layer("wide").bias.assign_add(np.ones(6, np.float32))

    assert names(one, two) == ["outputs"]


def test_weights_without_a_model_cannot_be_run(tmp_path: Path) -> None:
    import torch

    one, two = pair(norm=False)
    torch.save(one.state_dict(), tmp_path / "w.pt")
    first, second, graphs, plan = opened(tmp_path / "w.pt", two)

    (part,) = run_parts(first, second, *graphs, plan, None)

    assert (part.name, part.passed) == ("outputs", False)
    assert "w.pt holds weights and no model" in part.figure
    assert "--no-run" in part.details[0]


def test_a_proof_that_passed_has_no_causes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(why, "of_weights", None)
    first, second, graphs, plan = opened(*pair())

    assert causes(first, second, graphs, plan, [GOOD], run=True) == ()


def test_without_a_run_weights_alone_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = pair()
    two.get_layer("wide").bias.assign(np.zeros(6, np.float32))
    first, second, graphs, plan = opened(one, two)
    monkeypatch.setattr(why, "of_runs", None)

    (cause,) = causes(first, second, graphs, plan, [BAD], run=False)

    assert (cause.kind, cause.source, cause.target) == ("missing weights", "0", "wide")
    assert cause.help == f"copy the weights anew: {Mend().copy}"


def test_where_only_learning_differs_settings_of_training_are_the_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, graphs, plan = opened(*pair(momentum=0.1))
    monkeypatch.setattr(why, "of_runs", None)

    (cause,) = causes(first, second, graphs, plan, [GOOD, Part("training", False, "differ")], run=True)

    assert (cause.kind, cause.target) == ("momentum", "bn")


def test_weights_that_explain_it_are_enough() -> None:
    """No operation is looked for, though the outputs differ."""
    one, two = pair(norm=False)
    two.get_layer("wide").kernel.assign(np.asarray(two.get_layer("wide").kernel) * 2)

    (cause,) = api.verify(one, two).causes

    assert cause.kind == "scale"


def test_settings_and_weights_are_named_in_the_order_of_the_layers() -> None:
    from torch import nn

    layers = require().layers
    one = torch_chain(nn.Linear(4, 6), nn.LayerNorm(6, eps=1e-5), nn.Linear(6, 5), nn.Linear(5, 3))
    two = keras_chain(
        (4,), layers.Dense(6, name="a"), layers.LayerNormalization(name="n"), layers.Dense(5, name="b"), layers.Dense(3)
    )
    api.copy(one, into=two, run=False, allow_differences=True)
    for name in ("b", "a"):
        two.get_layer(name).bias.assign(np.zeros_like(two.get_layer(name).bias))

    found = api.verify(one, two).causes

    assert [cause.target for cause in found] == ["a", "n", "b"]


def test_what_is_at_no_layer_comes_first() -> None:
    _, _, graphs, _ = opened(*pair())
    found = [
        Cause("scale", "2", "narrow", "w"),
        Cause("wiring", "", "bn", "w"),
        Cause("softmax", "", "", "w"),
        Cause("eps", "0", "wide", "w"),
    ]

    assert [cause.kind for cause in why.in_order(found, *graphs)] == ["softmax", "eps", "wiring", "scale"]


def test_networks_that_a_command_line_can_name_are_mended_on_it(tmp_path: Path) -> None:
    import torch

    one, two = pair(norm=False)
    two.get_layer("wide").bias.assign(np.zeros(6, np.float32))
    torch.save(one, tmp_path / "a b.pt")
    two.save(tmp_path / "b.keras")

    (cause,) = api.verify(tmp_path / "a b.pt", tmp_path / "b.keras").causes

    assert cause.help == f"copy the weights anew: homolog copy '{tmp_path}/a b.pt' {tmp_path}/b.keras -o OUT"


def test_the_plan_takes_the_names_of_the_live_models(tmp_path: Path) -> None:
    import torch

    one, two = pair(norm=False)
    torch.save({f"model.{name}": tensor for name, tensor in one.state_dict().items()}, tmp_path / "w.pt")
    first, second, _, plan = opened(one, two)

    assert for_live(plan, first, second) is plan
    renamed = replace(plan, rows=tuple(replace(row, target=f"x/{row.target}") for row in plan.rows))
    assert {row.target for row in for_live(renamed, first, second).rows} == {f"x/{row.target}" for row in plan.rows}


@pytest.mark.parametrize("tried", ["", "tried: so it is"])
def test_a_cause_in_words_and_as_json(tried: str) -> None:
    cause = Cause("eps", "a", "b", "eps: 1 in a, 2 in b", tried, "set it")

    assert str(cause) == "cause: eps: 1 in a, 2 in b" + (" (tried: so it is)" if tried else "")
    assert cause.to_dict() == {
        "kind": "eps",
        "source": "a",
        "target": "b",
        "words": "eps: 1 in a, 2 in b",
        "tried": tried,
        "help": "set it",
    }
    assert len(set(KINDS)) == len(KINDS)


def test_causes_are_looked_for_on_the_inputs_that_were_given() -> None:
    """What shows on large numbers alone is seen in the layer where it is, not on random numbers of our own."""
    import torch
    from torch import nn

    class Capped(nn.Module):
        def __init__(self, most: float) -> None:
            super().__init__()
            self.most = most
            self.first, self.second = nn.Linear(4, 6), nn.Linear(6, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.second(torch.minimum(self.first(x), torch.full((1,), self.most)))

    one, two = Capped(1e9), Capped(1e3)
    two.load_state_dict(one.state_dict())
    large = np.full((2, 4), 1e5, np.float32) * np.array([[1, -1, 1, -1], [-1, 1, -1, 1]], np.float32)

    assert api.verify(one, two, inputs=[(2, 4)]).passed
    proof = api.verify(one, two, inputs=[large])

    assert not proof.passed
    (cause,) = proof.causes
    assert "second" in (cause.source, cause.target) or "first" in (cause.source, cause.target)


@pytest.mark.parametrize("half", ["float16", "bfloat16", None])
@pytest.mark.parametrize("back", [False, True])
def test_half_precision_in_the_middle_of_six_layers_is_another_network(half: str | None, back: bool) -> None:
    import torch
    from torch import nn

    torch.manual_seed(3)
    layers, ops = require().layers, require().ops
    one = torch_chain(*(nn.Linear(width, width + 1) for width in range(7, 13)))
    entry = value = require().Input((7,))
    for number in range(6):
        value = layers.Dense(8 + number)(value)
        if number == 2 and half is not None:
            value = ops.cast(ops.cast(value, half), "float32")
    two = require().Model(entry, value)
    api.copy(one, into=two, run=False)

    assert api.verify(*((two, one) if back else (one, two))).passed is (half is None)
