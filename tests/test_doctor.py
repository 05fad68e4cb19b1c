"""What the doctor reports of a machine, and which of it is a problem."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from homolog import doctor
from homolog.doctor import Backend, Package, Problem, Report, examine


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without Keras settings, so that this machine's own do not count."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    return tmp_path


def pretend(monkeypatch: pytest.MonkeyPatch, **versions: str | None) -> None:
    """Installs these versions; None uninstalls."""
    chosen = {name.replace("_", "-"): number for name, number in versions.items()}

    def version_of(name: str) -> str:
        number = chosen[name] if name in chosen else version(name)
        if number is None:
            raise PackageNotFoundError(name)
        return number

    monkeypatch.setattr(doctor, "version", version_of)


def package(report: Report, name: str) -> Package:
    return next(one for one in report.packages if one.name == name)


def test_every_requirement_and_framework_is_listed() -> None:
    report = examine()
    names = {one.name for one in report.packages}
    assert {"click", "h5py", "numpy", "rich", "safetensors", "torch", "keras", "tensorflow", "jax"} <= names
    assert package(report, "numpy").installed == version("numpy")
    assert package(report, "numpy").fits is True
    assert package(report, "torch").required == ">=2.9"
    assert report.disk_free > 0


def test_nothing_is_imported() -> None:
    code = (
        "import sys, homolog.doctor as d; d.examine(); print({'torch', 'keras', 'tensorflow', 'jax'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_missing_framework_costs_something_but_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, torch=None)
    report = examine()
    assert report.ok
    assert Problem(
        "no torch: .pt files are still read; running, translating and proving PyTorch models is not",
        "pip install 'homolog[pytorch]'",
        severe=False,
    ) in report.problems  # fmt: skip
    assert "note: no torch: .pt files are still read" in str(report)


def test_a_missing_requirement_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, h5py=None)
    report = examine()
    assert not report.ok
    assert Problem("h5py is missing", "pip install 'h5py>=3.11'") in report.problems
    assert str(report).endswith("something is wrong: see the problems above")


@pytest.mark.parametrize("installed", ["2.1.0", "2.1.0+cu121", "unheard-of"])
def test_a_version_out_of_range_is_a_fault(monkeypatch: pytest.MonkeyPatch, installed: str) -> None:
    pretend(monkeypatch, torch=installed)
    report = examine()
    assert package(report, "torch").fits is False
    assert Problem(
        f"torch {installed} is not >=2.9", "pip install --upgrade 'homolog[pytorch]'"
    ) in report.problems  # fmt: skip
    assert f"{installed} (needs >=2.9)" in str(report)


@pytest.mark.parametrize("installed", ["2.9.0", "2.13.0+cpu", "2.14.0.dev20260101"])
def test_local_and_development_versions_are_in_range(monkeypatch: pytest.MonkeyPatch, installed: str) -> None:
    pretend(monkeypatch, torch=installed)
    assert package(examine(), "torch").fits is True


def test_tensorflow_is_found_under_either_of_its_names(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, tensorflow=None, tensorflow_cpu="2.20.0")
    assert package(examine(), "tensorflow").installed == "2.20.0"
    pretend(monkeypatch, tensorflow="2.19.0", tensorflow_cpu=None)
    assert package(examine(), "tensorflow") == Package(
        "tensorflow", "2.19.0", ">=2.19", True, "keras", package(examine(), "tensorflow").without
    )


def test_the_backend_is_the_default_then_the_file_s_then_the_environment_s(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert examine().backend == Backend("tensorflow", "the default")
    (home / "keras.json").write_text('{"backend": "torch"}')
    assert examine().backend == Backend("torch", str(home / "keras.json"))
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert examine().backend == Backend("jax", "$KERAS_BACKEND")


def test_a_broken_settings_file_is_noted_and_passed_over(home: Path) -> None:
    (home / "keras.json").write_text("{")
    report = examine()
    assert report.backend.name == "tensorflow"
    assert any("keras.json cannot be read" in problem.what and not problem.severe for problem in report.problems)


def test_a_backend_that_is_not_installed_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, jax=None)
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert Problem(
        "Keras would use jax ($KERAS_BACKEND), which is not installed", "export KERAS_BACKEND=tensorflow"
    ) in examine().problems  # fmt: skip
    assert not examine().ok


def test_a_backend_without_the_float64_proof_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    report = examine()
    assert report.ok
    assert any("the float64 proof needs TensorFlow" in problem.what for problem in report.problems)


def test_an_unknown_backend_is_a_fault_if_there_is_a_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "theano")
    assert not examine().ok
    pretend(monkeypatch, keras=None)
    assert examine().ok


def test_a_report_reads_as_text_and_as_json() -> None:
    report = examine()
    told = json.loads(json.dumps(report.to_dict()))
    assert told["ok"] is report.ok
    assert told["backend"] == {"name": "tensorflow", "source": "the default"}
    assert str(report).splitlines()[0].startswith(f"homolog {report.homolog}, Python {report.python}")


def test_a_bare_source_tree_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(doctor, "metadata", missing)
    assert "homolog is run without being installed" in str(examine())
