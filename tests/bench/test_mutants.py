"""The catalogue of defects: that every one is one, and how the verdict of ``verify`` is judged."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import numpy as np
import pytest
from bench.mutants import table
from bench.mutants.judge import Verdict, judged
from bench.mutants.mutant import ANYWHERE, ENDS, Architecture, Mutant
from bench.mutants.run import PACKAGES

from homolog.errors import Mismatch
from homolog.proof.cause import KINDS

MUTANT = Mutant("toy-eps", "another eps", "keras", ("eps",), ("norm", "block.norm"))
CAUSE = {"kind": "eps", "source": "block.norm", "target": "layer_norm", "words": "eps: 1e-3 in block.norm"}


def architectures() -> tuple[Architecture, ...]:
    """The catalogue; it imports both frameworks, which collecting tests should not."""
    from bench.mutants.catalogue import ARCHITECTURES

    return ARCHITECTURES


def test_each_package_that_is_named_beside_the_figures_has_a_version() -> None:
    assert all(version(package) for package in PACKAGES)


def test_the_catalogue_is_as_large_as_it_should_be() -> None:
    mutants = [mutant for architecture in architectures() for mutant in architecture.mutants]
    assert len(mutants) >= 60
    assert len(architectures()) >= 6
    assert len({mutant.name for mutant in mutants}) == len(mutants)
    assert {kind for mutant in mutants for kind in mutant.kinds} <= set(KINDS)
    assert all(1 <= len(mutant.kinds) <= 2 for mutant in mutants)
    assert {mutant.side for mutant in mutants} == {"torch", "keras"}
    aimed = {mutant.kinds[0] for mutant in mutants}
    assert aimed >= set(KINDS) - {"swapped weights"}, "no mutant of these kinds"


@pytest.mark.slow
@pytest.mark.parametrize("place", range(8))
def test_every_mutant_is_another_network_and_names_layers_that_exist(place: int) -> None:
    """Outputs, weights or what is trained differ; every place is a layer or an operation of one of the two."""
    from bench.mutants.networks import fresh, keras_weights, mutated, torch_weights

    import homolog

    architecture = architectures()[place]
    size = architecture.sizes[0]
    correct = fresh(architecture, 1, size)
    homolog.copy(correct.torch, into=correct.keras, run=False)
    inputs = architecture.inputs(size["size"], np.random.default_rng(2))
    outputs = correct.run(inputs)
    np.testing.assert_allclose(outputs[0], outputs[1], atol=1e-5)
    known, pairs = {ANYWHERE, ENDS} | names(correct), []
    for mutant in architecture.mutants:
        pair = mutated(architecture, mutant, correct)
        pairs.append(pair)
        assert (pair.torch is correct.torch) == (mutant.side == "keras")
        assert (pair.keras is correct.keras) == (mutant.side == "torch")
        weights = torch_weights if mutant.side == "torch" else keras_weights
        before, after = weights(getattr(correct, mutant.side)), weights(getattr(pair, mutant.side))
        other_weights = before.keys() != after.keys() or any(
            after[name].shape != array.shape or (after[name] != array).any() for name, array in before.items()
        )
        other_outputs = any(np.abs(one - two).max() > 1e-6 for one, two in zip(outputs, pair.run(inputs), strict=True))
        if mutant.change is not None:
            assert other_weights, f"{mutant.name} changes no weight"
        elif not mutant.steps:
            assert other_outputs, f"{mutant.name} changes nothing"
    named = {place for mutant in architecture.mutants for place in mutant.places}
    lacking = [pair for mutant, pair in zip(architecture.mutants, pairs, strict=True) if not known >= {*mutant.places}]
    others = iter([*lacking, *pairs])
    while not named <= known and (pair := next(others, None)):  # one that a mutant alone has
        known |= names(pair)
    assert named <= known, f"names what is not there: {named - known}"


def names(pair: Any) -> set[str]:
    """Modules, layers and operations of both networks, and what these are within."""
    import homolog
    from homolog.reading import read_both

    found = {name for name, _ in pair.torch.named_modules()} | {layer.name for layer in pair.keras._flatten_layers()}
    try:
        graphs = read_both(homolog.load(pair.torch), homolog.load(pair.keras))
    except Mismatch:
        return found
    for name in (name for graph in graphs for name in graph.nodes):
        cuts = [cut.start() for cut in re.finditer(r"[./]", name)]
        found |= {name, name.removeprefix("parameter "), *(name[:cut] for cut in cuts)}
    return found


@pytest.mark.parametrize(
    ("verdict", "caught", "layer", "cause"),
    [
        (Verdict(True), False, False, False),
        (Verdict(True, causes=[CAUSE]), False, False, False),
        (Verdict(False), True, False, False),
        (Verdict(False, causes=[CAUSE]), True, True, True),
        (Verdict(False, causes=[{**CAUSE, "kind": "activation"}]), True, True, False),
        (Verdict(False, causes=[{**CAUSE, "source": "block.norm2"}]), True, False, True),
        (Verdict(False, causes=[{**CAUSE, "source": "block"}]), True, False, True),
        (Verdict(False, causes=[{**CAUSE, "source": "block.norm.call_1"}]), True, True, True),
        (Verdict(False, causes=[{**CAUSE, "source": "", "target": "norm/activation"}]), True, True, True),
        (Verdict(False, causes=[{**CAUSE, "source": "", "target": ""}]), True, False, True),
        (Verdict(False, causes=[{**CAUSE, "kind": "scale"}, CAUSE]), True, True, False),  # the first one counts
        (Verdict(False, error="differs in eps: 1 in block.norm, 2 in b"), True, True, True),
        (Verdict(False, error="differs in epsilon: 1 in block.norm2, 2 in b"), True, False, False),
        (Verdict(False, refused=True, error="eps of block.norm is not known"), False, False, False),
    ],
)
def test_what_counts(verdict: Verdict, caught: bool, layer: bool, cause: bool) -> None:
    record = judged(MUTANT, verdict)
    assert (record["caught"], record["layer"], record["cause"]) == (caught, layer, cause)


def test_the_input_has_no_name() -> None:
    nameless = Verdict(False, causes=[{**CAUSE, "source": "", "target": ""}])
    assert judged(replace(MUTANT, places=(ENDS,)), nameless)["layer"]
    assert not judged(replace(MUTANT, places=(ENDS,)), Verdict(False, causes=[CAUSE]))["layer"]
    assert judged(replace(MUTANT, places=(ANYWHERE,)), Verdict(False, causes=[CAUSE]))["layer"]


def records(missed: int, total: int) -> list[dict[str, Any]]:
    good, bad = judged(MUTANT, Verdict(False, causes=[CAUSE])), judged(MUTANT, Verdict(True))
    return [{**(bad if place < missed else good), "architecture": "toy"} for place in range(total)]


def test_figures_keep_to_their_bounds() -> None:
    assert [figure.passed for figure in table.mutant_figures(records(0, 60))] == [True, True, True]
    assert [figure.passed for figure in table.mutant_figures(records(1, 60))] == [False, True, True]
    assert [figure.passed for figure in table.mutant_figures(records(4, 60))] == [False, False, True]
    assert [figure.passed for figure in table.mutant_figures(records(7, 60))] == [False, False, False]


@pytest.mark.parametrize(("wrong", "total", "passed"), [(0, 200, True), (1, 200, False), (0, 199, False)])
def test_false_alarms_are_counted_over_enough(wrong: int, total: int, passed: bool) -> None:
    found = [{"backend": "jax", "problem": "outputs: far apart" if place < wrong else ""} for place in range(total)]
    (figure,) = table.correct_figures(found)
    assert figure.passed is passed


def test_the_page_says_what_was_missed() -> None:
    text = table.page(records(1, 2), [], table.mutant_figures(records(1, 2)), {"homolog": "0"})
    assert "caught: 1 of 2, 50.0%; at least 100% wanted" in text
    assert "| toy-eps | another eps | Keras | **no** | **no** | **no** | the same network |" in text
    assert "| toy-eps | another eps | Keras | yes | yes | yes | eps [block.norm / layer_norm]: eps: 1e-3" in text


def test_a_crash_is_no_catch(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.mutants import run

    record = run.crashed("mutant cnn-max-pool", "tensorflow", ["Traceback", "ValueError: no"])
    assert not record["caught"]
    assert table.said(record) == "crashed: ValueError: no"
    correct = run.crashed("correct CNN 0 3 to-keras", "jax", [])
    assert (correct["architecture"], correct["seed"], correct["problem"]) == ("CNN", 3, "crashed: no word on stderr")


def test_every_conversion_is_another_one() -> None:
    from bench.mutants import run

    tasks = [(backend, task) for backend, group in run.correct_groups() for task in group]
    assert len(set(tasks)) == len(tasks) >= 200
    assert {backend for backend, _ in tasks} == {"tensorflow", "jax", "torch"}
