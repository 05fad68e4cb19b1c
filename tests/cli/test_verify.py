"""``homolog verify``: what it asks of a proof, says of it, and writes."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from homolog import api
from homolog.cli.proving import repeating
from homolog.proof import Cause, Part, Proof
from shell import Run

NAN = Part("outputs", False, "nan apart", ("first: conv2d",), {"max_abs_error": float("nan")}, "at most 1e-06")
CAUSE = Cause("eps", "norm", "bn", "another eps", "with 1e-05 they agree", "set it to 1e-05")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What ``api.verify`` was called with; it gives a proof that failed."""
    words: dict[str, Any] = {}

    def verify(a: object, b: object, inputs: object = None, **more: object) -> Proof:
        words.update(more, inputs=inputs)
        return Proof((NAN,), (), "a", "b", (CAUSE,))

    monkeypatch.setattr(api, "verify", verify)
    return words


def same(nets: Path) -> tuple[Path, Path]:
    return nets / "lenet5.h5", nets / "lenet5.keras"


def test_the_last_line_is_the_command_that_repeats_it(
    run: Run, nets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")  # it is not folded, however narrow the terminal
    spaced = tmp_path / "a folder"
    spaced.symlink_to(nets)
    first = run("verify", spaced / "lenet5.pt", nets / "lenet5.h5", "--seed", 7, "--layers", "--rtol", "0.001")
    last = first.out.splitlines()[-1]
    assert last.startswith("repeat: homolog verify ")
    words = shlex.split(last.removeprefix("repeat: "))
    assert words[2:] == [
        str(spaced / "lenet5.pt"),
        str(nets / "lenet5.h5"),
        *("--layers", "--seed", "7", "--rtol", "0.001"),
    ]
    again = run(*words[1:])
    assert (again.code, again.out) == (first.code, first.out) == (1, first.out)


def test_the_seeds_that_were_used_are_in_it(run: Run, nets: Path) -> None:
    done = run("verify", *same(nets), "--json")
    assert done.json["command"] == repeating(*map(str, same(nets)), {"--seed": (0, 1, 2)})
    assert "--seed" not in run("verify", *same(nets), "--json", "--no-run").json["command"]


def test_options_that_are_off_are_not_in_it() -> None:
    options = {
        "--layers": True,
        "--no-run": False,
        "--train": None,
        "--seed": (0, 5),
        "--atol": 0.0,
        "--input": ["1,2"],
    }
    assert repeating("a b", "c", options) == (
        "homolog verify 'a b' c --layers --seed 0 --seed 5 --atol 0.0 --input 1,2"
    )


def test_gradients_and_steps_are_asked_for(run: Run, nets: Path, asked: dict[str, Any]) -> None:
    done = run("verify", *same(nets), "--gradients", "--train", 3)
    assert done.code == 1
    assert (asked["gradients"], asked["steps"]) == (True, 3)
    assert "--gradients --train 3" in done.out.splitlines()[-1]


def test_gradients_and_steps_are_parts_of_the_proof(run: Run, nets: Path) -> None:
    done = run("verify", *same(nets), "--gradients", "--train", 2, "--json")
    assert (done.code, done.json["passed"]) == (0, True)
    assert {"gradients", "training"} <= {part["name"] for part in done.json["parts"]}


def test_a_failure_says_threshold_cause_and_help(run: Run, nets: Path, asked: dict[str, Any]) -> None:
    out = run("verify", *same(nets)).out
    assert "FAIL  outputs  nan apart (threshold: at most 1e-06)" in out
    assert "cause: another eps (with 1e-05 they agree)\nhelp: set it to 1e-05\n" in out


def test_json_holds_causes_thresholds_versions_and_no_word_that_is_no_json(
    run: Run, nets: Path, asked: dict[str, Any]
) -> None:
    done = run("verify", *same(nets), "--json")
    assert done.json["causes"] == [CAUSE.to_dict()]
    assert done.json["parts"][0]["threshold"] == "at most 1e-06"
    assert done.json["parts"][0]["figures"] == {"max_abs_error": "nan"}
    assert done.json["versions"]["homolog"]
    assert "repeat:" not in done.out


def test_versions_are_of_the_frameworks_that_ran(run: Run, nets: Path) -> None:
    import keras

    versions = run("verify", *same(nets), "--json").json["versions"]
    assert versions["keras"] == keras.__version__
    assert versions["keras backend"].split()[0] == keras.config.backend()
    assert versions["keras backend"].split()[1]


def test_a_report_is_written_passed_or_not(run: Run, nets: Path, tmp_path: Path) -> None:
    for name, pair in (("same", same(nets)), ("NOT the same", (nets / "lenet5.pt", nets / "lenet5.h5"))):
        path = tmp_path / f"{name}.md"
        done = run("verify", *pair, "--report", path)
        assert f"wrote {path}" in done.err
        text = path.read_text()
        assert text.startswith(f"# {'the same' if name == 'same' else name} network\n")
        assert "| weights |" in text
        assert f"```sh\nhomolog verify {shlex.join(map(str, pair))}" in text


def test_a_report_of_networks_that_do_not_correspond_is_written_too(run: Run, nets: Path, tmp_path: Path) -> None:
    import torch

    torch.save(torch.nn.Sequential(torch.nn.Linear(7, 5)), tmp_path / "other.pt")
    done = run("verify", tmp_path / "other.pt", nets / "lenet5.h5", "--report", tmp_path / "r.md")
    assert done.code == 1
    assert "| correspondence | FAIL |" in (tmp_path / "r.md").read_text()
    assert "0.weight" in (tmp_path / "r.md").read_text()


def test_a_report_replaces_nothing_without_force_and_is_refused_before_the_work(
    run: Run, nets: Path, tmp_path: Path, asked: dict[str, Any]
) -> None:
    path = tmp_path / "r.md"
    path.write_text("precious")
    done = run("verify", *same(nets), "--report", path)
    assert (done.code, path.read_text(), asked) == (2, "precious", {})
    assert "--force" in done.err
    assert run("verify", *same(nets), "--report", path, "--force").code == 1
    assert path.read_text().startswith("# NOT the same network")
    assert run("verify", *same(nets), "--report", tmp_path / "r.json").code == 2


@pytest.mark.parametrize(
    "words",
    [
        ("--no-run", "--gradients"),
        ("--no-run", "--train", "2"),
        ("--no-run", "--save-inputs", "x.npz"),
        ("--input", "1,28,28,1", "--load-inputs", "x.npz"),
        ("--train", "0"),
    ],
)
def test_options_that_contradict_each_other_exit_2(
    run: Run, nets: Path, asked: dict[str, Any], words: tuple[str, ...]
) -> None:
    done = run("verify", *same(nets), *words)
    assert (done.code, done.out, asked) == (2, "", {})


def test_saved_inputs_are_loaded_again(run: Run, nets: Path, tmp_path: Path) -> None:
    kept = tmp_path / "x.npz"
    assert run("verify", *same(nets), "--save-inputs", kept, "--seed", 3).code == 0
    with np.load(kept) as arrays:
        (image,) = (arrays[name] for name in arrays.files)
    assert image.shape[1:] == (28, 28, 1)
    done = run("verify", *same(nets), "--load-inputs", kept, "--json")
    assert (done.code, done.json["passed"]) == (0, True)
    assert f"--load-inputs {kept}" in done.json["command"]
    assert run("verify", *same(nets), "--save-inputs", kept).code == 2  # it exists


def test_loaded_inputs_are_what_both_are_run_on(run: Run, nets: Path, tmp_path: Path, asked: dict[str, Any]) -> None:
    image = np.full((2, 28, 28, 1), 0.25, np.float32)
    np.savez(tmp_path / "x.npz", input_layer=image)
    run("verify", *same(nets), "--load-inputs", tmp_path / "x.npz")
    assert list(asked["inputs"]) == ["input_layer"]
    np.testing.assert_array_equal(asked["inputs"]["input_layer"], image)


def test_inputs_that_cannot_be_read_exit_3(run: Run, nets: Path, tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_text("hello")
    for name in ("x.npz", "none.npz"):
        done = run("verify", *same(nets), "--load-inputs", tmp_path / name)
        assert (done.code, name in done.err) == (3, True)


def test_python_m_homolog_is_the_same_command_line() -> None:
    words = [sys.executable, "-m", "homolog", "verify", "--help"]
    assert "--load-inputs" in subprocess.run(words, capture_output=True, text=True, check=True).stdout
