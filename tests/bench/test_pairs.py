"""The harness of the real pairs, without the pairs."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from bench.pairs import runner, table
from bench.pairs.pair import Input, Pair
from bench.pairs.perturb import channels_last, disturbed
from bench.pairs.verdict import verdict

PAIR = Pair("toy", lambda: None, lambda: None, (Input((2, 3, 8, 8)),))  # type: ignore[arg-type, return-value]
DIFFERENT = Pair("toy", PAIR.torch, PAIR.keras, PAIR.inputs, known=("padding",))
TINY = Pair("toy", PAIR.torch, PAIR.keras, PAIR.inputs, known=("eps",), visible=False)
PART = {"name": "outputs", "passed": True, "figure": "largest difference 1e-7", "details": []}


def record(**facts: Any) -> dict[str, Any]:
    """A run that went well."""
    passed = facts.get("passed", True)
    whole = {
        "pair": "toy",
        "direction": "to-keras",
        "stage": "done",
        "ended": "",
        "wall_s": 9.0,
        "peak_mib": 2048,
        "seconds": {"reading": 1.0, "matching": 0.0123},
        "tensors": {"source": [4, 4], "target": [3, 3]},
        "evidence": {"graph": 3},
        "differences": [],
        "settings": {},
        "passed": passed,
        "proof": [{**PART, "passed": passed}],
        "weightbridge": {"all": False, "seconds": 1.0, "note": "", "other_values": None},
    }
    return {**whole, **facts}


def differing(setting: str, **facts: Any) -> dict[str, Any]:
    return record(differences=[f"{setting}: 1 in a, 2 in b"], settings={setting: 1}, **facts)


@pytest.mark.parametrize(
    ("pair", "facts", "problem"),
    [
        (PAIR, record(), ""),
        (PAIR, record(oracle="12 of 12"), ""),
        (PAIR, record(oracle="2 of 12"), "the oracle holds other weights"),
        (PAIR, record(tensors={"source": [3, 4], "target": [3, 3]}), "1 tensors of the source without a place"),
        (PAIR, record(passed=False), "silent difference: outputs"),
        (PAIR, differing("padding"), "the proof passes all the same"),
        (PAIR, record(stage="reading", ended="stopped after 300 s"), "reading: stopped after 300 s"),
        (PAIR, record(error={"stage": "matching", "what": "no", "where": "a"}), r"matching: no \(a\)"),
        (DIFFERENT, differing("padding", passed=False), ""),
        (DIFFERENT, record(), "known to differ, and not named: padding"),
        (TINY, differing("eps"), ""),
        (TINY, differing("eps", passed=False), "silent difference"),
    ],
)
def test_a_run_is_as_it_should_be_or_not(pair: Pair, facts: dict[str, Any], problem: str) -> None:
    found = verdict(pair, facts)
    assert re.search(problem, found) if problem else not found


def test_constants_and_statistics_are_disturbed() -> None:
    random = np.random.default_rng(0)
    kernel = random.normal(size=(3, 4)).astype(np.float32)
    assert disturbed("kernel", kernel, random) is kernel
    for name, value in (("bias", 0.0), ("gamma", 1.0), ("gamma", 1e-6), ("moving_variance", 2.0), ("cls_token", 0.0)):
        found = disturbed(name, np.full((1, 5), value, np.float32), random)
        assert found.dtype == np.float32
        assert len(np.unique(found)) == 5
    assert disturbed("layer_scale", np.full(5, 1e-6, np.float32), random).min() > 0.1
    assert disturbed("running_var", np.array([1e-3, 2.0], np.float32), random).min() > 8e-4


def test_counters_are_left_as_they_are() -> None:
    counter = np.zeros((), np.int64)
    assert disturbed("num_batches_tracked", counter, np.random.default_rng(0)) is counter


def test_inputs_are_of_their_kind() -> None:
    assert Input((2, 7), below=5).array().max() < 5
    assert Input((2, 7), below=5).array().dtype.kind == "i"
    assert Input((2, 3, 8, 9)).array().dtype == np.float32
    assert channels_last(Input((2, 3, 8, 9)).array()).shape == (2, 8, 9, 3)
    assert channels_last(Input((2, 7), below=5).array()).shape == (2, 7)


def test_pairs_are_chosen_by_name() -> None:
    assert [pair.name for pair in runner.chosen("vgg16, bert") or ()] == ["vgg16", "bert"]
    assert len(runner.chosen(None) or ()) == len({pair.name for pair in runner.PAIRS}) == 16
    assert runner.chosen("vgg16,vgg17") is None


def test_an_unknown_pair_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert runner.main(["--only", "vgg17"]) == 2
    assert "vgg16" in capsys.readouterr().err


def test_the_page_shows_every_run() -> None:
    good = {**differing("eps"), "ok": True, "problem": ""}
    bad = {"pair": "toy", "direction": "to-torch", "stage": "import", "seconds": {}, "ok": False, "problem": "it died"}
    page = table.page([good, bad], {"torch": "2.13.0"})
    assert "0 of 1 pairs" in page
    assert "1 of 2 copies" in page
    assert "| toy | PyTorch → Keras | ok | 4/4 → 3/3 | graph 3 | 1 eps | passed: largest difference 1e-7 |" in page
    assert "- toy, to torch: it died" in page
    assert "- toy: eps: 1 in a, 2 in b" in page
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in rows}) == 1
