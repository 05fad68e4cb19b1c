"""The harness of the peers, without the peers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from bench.peers import runner, table
from bench.peers.contest import CONTESTS, TO_KERAS, TO_TORCH, Contest
from bench.peers.judge import Row, compared, judged
from bench.peers.networks import OTHER, TRACED
from bench.peers.outputs import channels_last, error, flat
from bench.peers.tools import HOMOLOG, HOMOLOG_TO_TORCH, NOBUCO, Tool, marked
from bench.peers.words import WORDS
from bench.record import cause

GIB = 2**30
RIGHT = {"traced": 2e-7, "other": 3e-7}
TREE = (
    "Legend:\n  conversion imprecise\nNet \x1b[33m (!) Max diff 0.00031 (2.1%) \nLinear (!) Max diff 0.24704 (155.6%) "
)


def record(seconds: float = 10.0, **facts: Any) -> dict[str, Any]:
    """A run that went well."""
    whole = {
        "stage": "done",
        "ended": "",
        "stopped": False,
        "limit_s": 240.0,
        "wall_s": 20.0,
        "taken": 2 * GIB,
        "seconds": {"importing": 4.0, "translating": seconds},
        "weights": "abc",
        "cpu_s": 8.5,
        "doubt": "",
        "errors": RIGHT,
    }
    return {**whole, **facts}


def unfinished(stage: str, ended: str, **facts: Any) -> dict[str, Any]:
    """A run whose call did not come back."""
    found = record(stage=stage, ended=ended, **facts)
    return {name: fact for name, fact in found.items() if name not in ("errors", "doubt", "cpu_s", "taken")}


FAILED = unfinished("translating", "Exception: Unimplemented nodes")
STOPPED = unfinished("translating", "stopped after 240 s", stopped=True)
OTHER_BATCH = record(stage="running the other batch", ended="cannot reshape", errors={"traced": 2e-7})


@pytest.mark.parametrize(
    ("facts", "outcome", "note"),
    [
        (record(), "right", ""),
        (record(errors={"traced": 2e-7, "other": 7e-3}), "wrong in silence", "relative error 0.007 at the other batch"),
        (record(errors={"traced": 7e-3, "other": 7e-3}, doubt="it says so"), "wrong, and marked", "it says so"),
        (record(errors={"traced": "shape (1,) instead of (2,)", "other": 0.0}), "wrong in silence", "shape (1,)"),
        (record(doubt="it says so"), "right", ""),
        (OTHER_BATCH, "traced batch only", "at another batch: cannot reshape"),
        (record(stage="running the traced batch", ended="killed", errors={}), "failed", "running the traced batch"),
        (FAILED, "failed", "translating: Exception: Unimplemented nodes"),
        (STOPPED, "stopped", "translating: stopped after 240 s"),
    ],
)
def test_a_run_comes_out_one_way(facts: dict[str, Any], outcome: str, note: str) -> None:
    found = judged(facts)
    assert found.outcome == outcome
    assert note in found.note if note else not found.note


def test_a_call_that_did_not_come_back_has_no_time() -> None:
    assert judged(record()).seconds == 10
    assert judged(OTHER_BATCH).seconds == 10
    assert (judged(FAILED).seconds, judged(FAILED).stopped_s) == (None, None)
    assert (judged(STOPPED).seconds, judged(STOPPED).stopped_s) == (None, 240)


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict", "ratio", "problem"),
    [
        (record(4.0), record(), "pass", 0.4, ""),
        (record(5.0), record(), "pass", 0.5, ""),
        (record(6.0), record(), "FAIL", 0.6, "0.60 of nobuco's time, more than 0.5"),
        (record(4.0), record(errors={"traced": 1.0, "other": 1.0}), "pass", 0.4, ""),
        (record(24.0), STOPPED, "pass", 0.1, ""),
        (record(4.0), FAILED, "no peer", None, ""),
        (record(1.0, errors={"traced": 0.1, "other": 0.1}), record(), "FAIL", 0.1, "homolog is not right"),
        (FAILED, record(), "FAIL", None, "homolog is not right"),
        (FAILED, FAILED, "FAIL", None, "homolog is not right"),
        (record(1.0), record(weights="abd"), "FAIL", 0.1, "other weights"),
    ],
)
def test_homolog_is_to_be_right_and_within_the_bound(
    ours: dict[str, Any], theirs: dict[str, Any], verdict: str, ratio: float | None, problem: str
) -> None:
    row = compared(TO_KERAS, "toy", {"homolog": ours, "nobuco": theirs})
    assert row.verdict == verdict
    assert row.ratios.get("nobuco") == ratio
    assert problem in row.problem if problem else not row.problem


def test_the_quick_peer_has_a_ratio_and_no_bound() -> None:
    row = compared(TO_KERAS, "toy", {"homolog": record(4.0), "nobuco": record(), "nobuco-quick": record(2.0)})
    assert row.verdict == "pass"
    assert row.ratios == {"nobuco": 0.4, "nobuco-quick": 2.0}


def test_one_tool_alone_is_compared_with_nothing() -> None:
    row = compared(TO_KERAS, "toy", {"nobuco": record()})
    assert (row.verdict, row.ratios, row.problem) == ("", {}, "")
    assert "Nothing is compared" in page([row])


def test_errors_are_relative_to_the_largest_value() -> None:
    one = np.array([[1.0, -4.0]])
    assert error([one + 0.04], [one]) == pytest.approx(0.01)
    assert error([one, one + 0.4], [one, one]) == pytest.approx(0.1)
    assert error([one], [one * 0]) == 4
    assert error([one], [one, one]) == "1 outputs instead of 2"
    assert error([one.T], [one]) == "shape (2, 1) instead of (1, 2)"
    assert error([one * np.nan], [one]) == "values that are no numbers"


def test_outputs_of_every_kind_are_flat_arrays() -> None:
    image = np.zeros((2, 3, 8, 9), np.float32)
    assert [array.shape for array in flat(image)] == [image.shape]
    assert [array.shape for array in flat([image, image[0]])] == [image.shape, image[0].shape]
    assert [float(array) for array in flat({"out": np.float32(2), "aux": np.float32(1)})] == [1, 2]
    assert channels_last(image).shape == (2, 8, 9, 3)
    assert channels_last(image[:, :, 0, 0]).shape == (2, 3)


def test_what_nobuco_marks_is_read_from_its_tree() -> None:
    assert marked(TREE) == "its printed tree marks a difference of 0.25"
    assert marked("Legend:\n  conversion imprecise\nNet \x1b[32m(float32)") == ""


@pytest.mark.parametrize("contest", CONTESTS.values(), ids=CONTESTS)
def test_the_networks_have_names_of_their_own_and_two_batches(contest: Contest) -> None:
    assert len(contest.by_network) == len(contest.networks)
    first = contest.networks[0]
    assert first.images(TRACED, seed=1).shape != first.images(OTHER, seed=1).shape


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict", "problem"),
    [
        (record(2.5, taken=GIB), record(), "pass", ""),
        (record(2.6, taken=GIB), record(), "FAIL", "0.26 of tf2onnx + onnx2torch's time, more than 0.25"),
        (record(1.0, taken=1.5 * GIB), record(), "FAIL", "0.75 of its memory, more than 0.5"),
        (record(1.0), FAILED, "no peer", ""),
    ],
)
def test_the_way_to_torch_is_held_to_time_and_memory(
    ours: dict[str, Any], theirs: dict[str, Any], verdict: str, problem: str
) -> None:
    row = compared(TO_TORCH, "toy", {"homolog": ours, TO_TORCH.peer: theirs})
    assert (row.verdict, row.problem) == (verdict, problem)
    text = table.page(TO_TORCH, WORDS["torch"], [row], {}, 240)
    assert "in at most 0.25 of tf2onnx + onnx2torch's time and 0.5 of its memory" in text
    cells = [line.count("|") for line in text.splitlines() if line.startswith("|")]
    assert len(set(cells)) == 1


def page(rows: list[Row], versions: dict[str, dict[str, str]] | None = None) -> str:
    return table.page(TO_KERAS, WORDS["keras"], rows, versions or {}, 240)


def rows() -> list[Row]:
    return [
        compared(TO_KERAS, "good", {"homolog": record(3.0), "nobuco": record(), "nobuco-quick": record(6.0)}),
        compared(TO_KERAS, "slow", {"homolog": record(9.0), "nobuco": record(), "nobuco-quick": record(6.0)}),
        compared(TO_KERAS, "late", {"homolog": record(24.0), "nobuco": STOPPED, "nobuco-quick": FAILED}),
        compared(TO_KERAS, "alone", {"homolog": record(3.0), "nobuco": FAILED, "nobuco-quick": FAILED}),
    ]


def test_what_is_in_front_of_the_proof_stands_beside_the_whole_of_the_peer() -> None:
    ours = record(6.0, unproven_s=3.0)
    row = compared(TO_KERAS, "net", {"homolog": ours, "nobuco": record(12.0, unproven_s=None)})
    assert row.ratios == {"nobuco": 0.5}
    assert "| 8.5 s | 8.5 s | 3.0 s, 0.25 |" in page([row])
    alone = compared(TO_KERAS, "net", {"homolog": ours, "nobuco": FAILED})
    assert "| 3.0 s |" in page([alone])


def test_homolog_s_call_is_heard_to_begin_its_proof() -> None:
    import torch

    began = perf_counter()
    made = HOMOLOG.translate(torch.nn.Sequential(torch.nn.Linear(5, 3)), np.zeros((2, 5), np.float32))
    assert made.unproven_s is not None
    assert 0 < made.unproven_s < perf_counter() - began


def test_homolog_s_call_towards_pytorch_is_heard_to_begin_its_proof() -> None:
    import keras

    began = perf_counter()
    entry = keras.Input((5,))
    made = HOMOLOG_TO_TORCH.translate(keras.Model(entry, keras.layers.Dense(3)(entry)), np.zeros((2, 5), np.float32))
    assert made.unproven_s is not None
    assert 0 < made.unproven_s < perf_counter() - began


def test_the_page_shows_every_network() -> None:
    text = page(rows(), {"nobuco": {"torch": "2.13.0"}})
    assert "2 of 4 networks pass" in text
    assert "For 1 more it is right, and nobuco gave no model" in text
    assert "homolog's models: 4 right. nobuco's models: 2 right; 1 stopped; 1 failed." in text
    assert (
        "| good | pass | 3.0 s | 10.0 s | 0.30 | 0.5 | 6.0 s | 0.50 | right, 3.0e-07 | right, 3.0e-07 | 2.00 GiB |"
        in text
    )
    assert "| late | pass | 24.0 s | > 240 s | < 0.10 | 0.5 |" in text
    assert "- slow: 0.90 of nobuco's time, more than 0.5" in text
    assert "- alone, nobuco: failed: translating: Exception: Unimplemented nodes" in text
    assert "nobuco: torch 2.13.0." in text
    cells = [line.count("|") for line in text.splitlines() if line.startswith("|")]
    assert len(set(cells)) == 1


def test_the_page_says_that_the_machine_was_busy() -> None:
    busy = compared(TO_KERAS, "toy", {"nobuco": record(17.0), "nobuco-quick": record()})
    assert "The machine was busy: toy took 2.0 times as long" in page([busy])
    assert "busy" not in page([compared(TO_KERAS, "toy", {"nobuco": record(), "homolog": FAILED})])


def test_the_results_are_json() -> None:
    found = [json.loads(json.dumps(row.to_dict(), allow_nan=False)) for row in rows()]
    assert found[0]["runs"]["nobuco"]["seconds"] == 10


def test_an_unknown_network_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert runner.main(["resnet18", "resnet19"]) == 2
    assert "no such network: resnet19" in capsys.readouterr().err


def test_an_unknown_tool_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert runner.main(["--to", "torch", "--tool", "nobuco"]) == 2
    assert "there are: homolog, tf2onnx + onnx2torch" in capsys.readouterr().err


def test_an_absent_environment_is_a_usage_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    absent = Tool("nobuco", tmp_path / "python", NOBUCO.imports, NOBUCO.packages, NOBUCO.translate)
    contest = replace(TO_KERAS, tools=(HOMOLOG, absent))
    monkeypatch.setitem(CONTESTS, "keras", contest)
    assert runner.main(["resnet18", "--tool", "nobuco"]) == 2
    assert "help: make peers" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("stderr", "expected"),
    [
        ("", ""),
        ("it died\n\n", "it died"),
        ('Traceback:\n  File "a.py", line 1, in f\n    f()\n    ^^^\nOops: what\n  where: a\nhelp: b\n', "Oops: what"),
        ('E: one\n  File "a.py", line 1\n    f()\nE: two\n  File "b.py", line 2\n    g()\n', ""),
        ("1%\r2%\rKilled", "Killed"),
    ],
)
def test_the_cause_is_the_line_of_the_error(stderr: str, expected: str) -> None:
    assert cause(stderr) == expected


def test_a_child_that_dies_or_takes_too_long_has_a_record(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'it died' >&2\nexit 3\n", encoding="utf-8")
    python.chmod(0o755)
    dying = Tool("homolog", python, HOMOLOG.imports, HOMOLOG.packages, HOMOLOG.translate)
    found = judged(runner.measured(TO_KERAS, dying, TO_KERAS.networks[0], 60))
    assert (found.outcome, found.note) == ("failed", "starting: it died")
    python.write_text("#!/bin/sh\nexec sleep 60\n", encoding="utf-8")
    found = judged(runner.measured(TO_KERAS, dying, TO_KERAS.networks[0], 0.2))
    assert (found.outcome, found.note) == ("stopped", "starting: stopped after 0.2 s")
