"""``homolog translate-script``: what it writes, prints and refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from homolog.keras.framework import require
from shell import Run

WHOLE = """
import keras

model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3)])
model.compile("sgd", "mse")
"""
FITTED = WHOLE + "import numpy as np\nmodel.fit(np.zeros((4, 5)), np.zeros((4, 3)))\n"
IN_PART = FITTED + "keras.utils.plot_model(model)\n"


@pytest.fixture(autouse=True)
def numbered_from_the_start() -> None:
    require().utils.clear_session(free_memory=False)


def script(folder: Path, text: str) -> Path:
    path = folder / "train.py"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_script_is_written(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "train_torch.py"
    done = run("translate-script", script(tmp_path, FITTED), "-o", out)
    assert (done.code, "all of it" in done.out) == (0, True), done.err
    assert "keras" not in out.read_text(encoding="utf-8").replace("Keras", "")
    again = run("translate-script", tmp_path / "train.py", "-o", out)
    assert (again.code, "the output exists" in again.err) == (2, True)
    assert run("translate-script", tmp_path / "train.py", "-o", out, "--force").code == 0


def test_what_is_left_is_listed_and_marked_and_exits_with_one(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "train_torch.py"
    done = run("translate-script", script(tmp_path, IN_PART), "-o", out, "--json")
    assert done.code == 1
    (left,) = done.json["left"]
    assert (left["line"], left["text"]) == (8, "keras.utils.plot_model(model)")
    assert f"# homolog: not translated: {left['why']}\n# keras.utils.plot_model(model)" in out.read_text()


def test_a_dry_run_prints_the_script_and_writes_nothing(run: Run, tmp_path: Path) -> None:
    path = script(tmp_path, FITTED)
    done = run("translate-script", path, "-o", tmp_path / "out.py", "--dry-run")
    assert (done.code, "def train(" in done.out) == (0, True)
    assert list(tmp_path.iterdir()) == [path]


def test_usage_and_unreadable_scripts_have_their_codes(run: Run, tmp_path: Path) -> None:
    assert run("translate-script", script(tmp_path, WHOLE)).code == 2
    assert run("translate-script", tmp_path / "none.py", "--dry-run").code == 3
    done = run("translate-script", script(tmp_path, "def f(:\n"), "--dry-run")
    assert (done.code, "line 1" in done.err) == (3, True)
    same = run("translate-script", script(tmp_path, WHOLE), "-o", tmp_path / "train.py", "--force")
    assert (same.code, "replace an input" in same.err) == (2, True)
