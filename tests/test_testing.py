"""``homolog.testing`` and its pytest plugin: what fails a test, what its message says, and what a report holds."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import homolog
from homolog.errors import HomologError
from homolog.testing import assert_same_network, listening

pytest_plugins = "pytester"

SHAPES = [(2, 8)]
PAIRS = """
import pytest
import torch

def network(seed=0, eps=1e-5):
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(8, 6), torch.nn.LayerNorm(6, eps=eps), torch.nn.Linear(6, 4)).eval()
"""
FIXTURE = (
    PAIRS
    + """
def test_same(assert_same_network):
    proof = assert_same_network(network(), network(), inputs=[(2, 8)])
    assert proof.passed

@pytest.mark.parametrize("what", ["pipe|d"])
def test_other(assert_same_network, what):
    assert_same_network(network(0), network(1), inputs=[(2, 8)])
"""
)


def network(seed: int = 0, eps: float = 1e-5) -> Any:
    names: dict[str, Any] = {}
    exec(PAIRS, names)  # the very networks of the tests inside
    return names["network"](seed, eps)


# ── the assertion ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_network_gives_its_proof() -> None:
    proof = assert_same_network(network(), network(), inputs=SHAPES)
    assert proof.passed
    assert {part.name for part in proof.parts} >= {"weights", "outputs"}


def test_it_is_reached_from_the_package() -> None:
    assert homolog.testing.assert_same_network is assert_same_network


def test_other_weights_fail_with_every_part_and_the_first_layer_that_differs() -> None:
    with pytest.raises(AssertionError) as failed:
        assert_same_network(network(0), network(1), inputs=SHAPES)
    said = str(failed.value)
    assert "FAIL  weights" in said
    assert "FAIL  outputs" in said
    assert "first difference: 0 (Linear) and 0 (Linear)" in said
    assert "NOT the same network" in said


def test_a_torch_and_a_keras_network_are_compared() -> None:
    import torch

    from homolog.keras.framework import require

    keras = require()
    target = keras.Sequential([keras.Input((8,)), keras.layers.Dense(6, "tanh"), keras.layers.Dense(4)])
    source = torch.nn.Sequential(torch.nn.Linear(8, 6), torch.nn.Tanh(), torch.nn.Linear(6, 4))
    with pytest.raises(AssertionError, match="FAIL  weights"):
        assert_same_network(source, target)
    homolog.copy(source, into=target)
    assert assert_same_network(source, target, layers=True).passed


def test_networks_that_do_not_correspond_fail_with_the_names() -> None:
    import torch

    with pytest.raises(AssertionError) as failed:
        assert_same_network(network(), torch.nn.Sequential(torch.nn.Linear(8, 5)), inputs=SHAPES)
    assert "FAIL  correspondence" in str(failed.value)
    assert "0.weight" in str(failed.value)


def test_sources_may_be_files_and_one_that_cannot_be_read_is_no_failed_assertion(tmp_path: Path) -> None:
    import torch

    torch.save(network(), tmp_path / "net.pt")
    assert assert_same_network(str(tmp_path / "net.pt"), network(), inputs=SHAPES).passed
    with pytest.raises(HomologError, match=r"other\.pt"):
        assert_same_network(tmp_path / "other.pt", network())


def test_parts_may_be_allowed_to_fail_but_not_all_of_them() -> None:
    nets = network(eps=1e-5), network(eps=1e-3)
    with pytest.raises(AssertionError, match="FAIL  settings"):
        assert_same_network(*nets, run=False)
    proof = assert_same_network(*nets, run=False, allow=("settings",))
    assert not proof.passed
    with pytest.raises(AssertionError):
        assert_same_network(network(), network(), run=False, allow=("weights", "settings"))


def test_gradients_and_steps_of_training_are_parts_of_the_proof_on_request() -> None:
    names = {part.name for part in assert_same_network(network(), network(), inputs=SHAPES).parts}
    proof = assert_same_network(network(), network(), inputs=SHAPES, gradients=True, steps=2)
    assert proof.passed
    assert {"gradients", "training"} <= {part.name for part in proof.parts} - names


def test_whoever_listens_is_told_whether_the_assertion_held() -> None:
    heard: list[tuple[bool, bool]] = []
    with listening(lambda proof, holds: heard.append((proof.passed, holds))):
        assert_same_network(network(), network(), run=False)
        assert_same_network(network(), network(eps=1e-3), run=False, allow=("settings",))
        with pytest.raises(AssertionError):
            assert_same_network(network(0), network(1), run=False)
    assert_same_network(network(), network(), run=False)
    assert heard == [(True, True), (False, True), (False, False)]


def test_it_needs_no_pytest() -> None:
    code = (
        "import sys; sys.modules['pytest'] = None\n"
        "import homolog.testing; print({'torch', 'keras', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


# ── the plugin ───────────────────────────────────────────────────────────────────────────────────────────────────────

Session = Callable[..., pytest.RunResult]


@pytest.fixture
def session(pytester: pytest.Pytester) -> Session:
    """Run pytest in a process of its own on a file of tests; the plugin is loaded by its entry point."""

    def go(text: str, *words: str) -> pytest.RunResult:
        pytester.makepyfile(test_pairs=text)
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", *words)

    return go


def test_a_failing_pair_fails_its_test_with_the_proof_and_no_lines_of_homolog(session: Session) -> None:
    done = session(FIXTURE)
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.fnmatch_lines(["*FAIL  weights*", "*first difference: 0 (Linear) and 0 (Linear)*"])
    done.stdout.no_fnmatch_line("*raise AssertionError*")


def test_a_markdown_report_has_a_row_and_a_section_for_every_proof(session: Session, pytester: pytest.Pytester) -> None:
    done = session(FIXTURE, "--homolog-report", "new/report.md", "-n", "2")
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.fnmatch_lines(["homolog: 2 proofs, 1 failed, in *report.md"])
    lines = (pytester.path / "new/report.md").read_text().splitlines()
    assert lines[0] == "# homolog: 2 proofs, 1 failed"
    assert r"| test_pairs.py::test_other\[pipe\|d\] | FAIL | NOT the same network |" in lines
    assert "| test_pairs.py::test_same | pass | the same network |" in lines
    assert "## test_pairs.py::test_same: the same network" in lines
    assert "first difference: 0 (Linear) and 0 (Linear)" in "\n".join(lines)
    versions = [line for line in lines if line.startswith("homolog ")]
    assert len(versions) == 2
    assert all(", torch " in line and "keras" not in line for line in versions)  # of the workers


def test_a_json_report_holds_every_proof_under_the_name_of_its_test(
    session: Session, pytester: pytest.Pytester
) -> None:
    session(FIXTURE, "--homolog-report", "report.json", "-n", "0").assert_outcomes(passed=1, failed=1)
    report = json.loads((pytester.path / "report.json").read_text())
    assert (report["schema_version"], report["accepted"]) == (1, False)
    found = {one["test"]: one for one in report["proofs"]}
    assert {name: one["accepted"] for name, one in found.items()} == {
        "test_pairs.py::test_same": True,
        "test_pairs.py::test_other[pipe|d]": False,
    }
    same = found["test_pairs.py::test_same"]
    assert same["proof"]["passed"] is True
    assert {part["name"] for part in same["proof"]["parts"]} >= {"weights", "outputs"}
    assert {"homolog", "torch"} <= set(same["versions"])


def test_the_function_itself_is_recorded_too_and_in_fixtures(session: Session, pytester: pytest.Pytester) -> None:
    text = (
        PAIRS
        + """
from homolog.testing import assert_same_network as same

@pytest.fixture
def pair():
    same(network(), network(), run=False)

def test_both(pair):
    same(network(), network(eps=1e-3), run=False, allow=["settings"])
"""
    )
    session(text, "--homolog-report", "report.json").assert_outcomes(passed=1)
    report = json.loads((pytester.path / "report.json").read_text())
    assert [(one["test"], one["accepted"], one["proof"]["passed"]) for one in report["proofs"]] == [
        ("test_pairs.py::test_both", True, True),
        ("test_pairs.py::test_both", True, False),
    ]
    assert report["accepted"] is True


def test_a_session_without_networks_says_so(session: Session, pytester: pytest.Pytester) -> None:
    done = session("def test_nothing(): pass", "--homolog-report", "report.md")
    assert done.ret == 0
    assert (pytester.path / "report.md").read_text() == "# homolog: no networks were compared\n"


def test_a_report_of_no_known_format_is_refused_before_any_test(session: Session) -> None:
    done = session("def test_nothing(): pass", "--homolog-report", "report.txt")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["*expected a name that ends in .md or .json*"])


def test_the_plugin_alone_imports_neither_frameworks_nor_the_rest_of_homolog(session: Session) -> None:
    text = """
import sys

def test_light(pytestconfig):
    assert pytestconfig.pluginmanager.hasplugin("homolog")
    heavy = {"torch", "keras", "tensorflow", "jax", "numpy", "h5py", "rich", "click", "einops"}
    assert not heavy & set(sys.modules)
    ours = sorted(name for name in sys.modules if name.startswith("homolog"))
    assert ours == ["homolog", "homolog.testing", "homolog.testing.plugin"]
"""
    session(text, "-p", "no:hypothesispytest", "-p", "no:xdist").assert_outcomes(passed=1)


def test_the_example_of_the_readme_passes_and_fails_as_it_says(session: Session) -> None:
    section = (Path(__file__).parent.parent / "README.md").read_text().split("## In your own CI")[1].split("\n## ")[0]
    example, said = section.split("```python\n")[1].split("```")[0], section.split("```\n")[2]
    session(example).assert_outcomes(passed=1)
    wrong = example.replace("epsilon=1e-5", "")
    assert wrong != example
    failed = session(wrong)
    failed.assert_outcomes(failed=1)
    assert "FAIL  settings" in said
    for part in ("settings", "outputs"):
        failed.stdout.fnmatch_lines([f"*FAIL  {part}*"])
    failed.stdout.fnmatch_lines(["*eps: 1e-05 in 1, 0.001 in batch_normalization*"])
