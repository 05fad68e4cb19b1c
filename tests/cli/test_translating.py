"""``homolog translate``: what it writes, prints and refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from shell import Run

NET = "twins.translatable:Net(blocks=2)"
INPUT = ("--input", "1,3,14,10")


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("translated") / "net"


def test_a_network_is_written_and_proven(run: Run, out: Path) -> None:
    done = run("translate", NET, "--to", "keras", "-o", out, *INPUT)
    assert done.code == 0, done.err
    assert "the same network" in done.out
    assert "wrote" in done.out
    assert (out / "model.py").is_file()
    again = run("translate", NET, "--to", "keras", "-o", out, *INPUT)
    assert (again.code, "the output exists" in again.err) == (2, True)


def test_a_dry_run_prints_the_source_and_writes_nothing(run: Run, tmp_path: Path) -> None:
    done = run("translate", NET, "--to", "keras", "-o", tmp_path / "net", *INPUT, "--dry-run")
    assert done.code == 0
    assert "def build_model()" in done.out
    assert list(tmp_path.iterdir()) == []
    assert run("translate", NET, "--to", "keras", *INPUT, "--dry-run", "--json").json["layers"] == 8


@pytest.mark.parametrize(
    ("source", "shape", "code", "said"),
    [
        ("twins.translatable:Decides", "2,3", 3, "translatable.py"),
        ("twins.translatable:Unwritten", "2,3,3", 3, "linalg_det"),
        (NET, "1,4,14,10", 3, "(2, 4, 14, 10)"),
        ("twins.translatable:Convolutional(places=True)", "x:1,3,?,?", 3, "along axis 2, 3"),
        (NET, "", 2, "says nothing of its inputs"),
        ("twins.translatable:Nothing", "1,2", 3, "Nothing"),
    ],
)
def test_what_cannot_be_translated_is_refused_and_nothing_is_written(
    run: Run, tmp_path: Path, source: str, shape: str, code: int, said: str
) -> None:
    inputs = ("--input", shape) if shape else ()
    done = run("translate", source, "--to", "keras", "-o", tmp_path / "net", *inputs)
    assert (done.code, said in done.err) == (code, True), done.err
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_where_nothing_says_where(run: Run) -> None:
    assert run("translate", NET, "--to", "keras", *INPUT).code == 2


def test_lengths_that_are_left_open_are_open_in_what_is_written(run: Run, tmp_path: Path) -> None:
    done = run(
        *("translate", "twins.translatable:Convolutional", "--to", "keras", "-o", tmp_path / "net"),
        *("--input", "x:1,3,?,?"),
    )
    assert done.code == 0, done.err
    assert "the same network" in done.out
    assert "keras.Input((None, None, 3)" in (tmp_path / "net" / "model.py").read_text(encoding="utf-8")
