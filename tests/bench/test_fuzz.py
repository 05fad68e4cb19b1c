"""The fuzzer: its mutants are always the same, and it sees what it is there to see."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from bench.fuzz_child import EXECUTED, mutant
from bench.fuzz_seeds import SEEDS

from bench import fuzz
from homolog.files import open_checkpoint


@pytest.mark.parametrize("name", SEEDS)
def test_the_seeds_are_sound_and_hold_weights(name: str, tmp_path: Path) -> None:
    file, write = SEEDS[name]
    write(tmp_path / file)
    tensors = open_checkpoint(tmp_path / file).tensors
    assert tensors
    assert all(ref.read().size for ref in tensors.values() if ref.shape)


@pytest.mark.parametrize("name", ["torch-state", "tensorflow", "safetensors"])
def test_a_mutant_is_told_by_its_number(name: str, tmp_path: Path) -> None:
    file, write = SEEDS[name]
    write(tmp_path / file)
    data = (tmp_path / file).read_bytes()
    made = [mutant(name, data, number) for number in range(40)]
    assert made == [mutant(name, data, number) for number in range(40)]
    assert len(set(made)) > 30
    assert data not in made[::2] or made[::2].count(data) < 3


@pytest.mark.parametrize(
    "deed, code, word",
    [
        ("os.system('true')", EXECUTED, "made os.system"),
        ("eval('1')", EXECUTED, "made compile"),
        ("os.abort()", -6, ""),
        ("{}['x']", 0, "KeyError"),
    ],
)
def test_what_a_mutant_does_is_seen(deed: str, code: int, word: str, tmp_path: Path) -> None:
    file, write = SEEDS["safetensors"]
    write(tmp_path / file)
    script = f"""
import os, sys
from bench import fuzz_child
opened = fuzz_child.open_checkpoint
fuzz_child.open_checkpoint = lambda path: {deed} if path.name.startswith("mutant") else opened(path)
sys.exit(fuzz_child.main("safetensors", __import__("pathlib").Path({str(tmp_path / file)!r}), 1, 2))
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=Path(fuzz.__file__).parent.parent,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert word in done.stderr


def test_a_few_mutants_of_a_format_give_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "RESULTS", tmp_path / "fuzz.json")
    assert fuzz.main(["flax", "--count", "50"]) == 0
    kept = (tmp_path / "fuzz.json").read_text(encoding="utf-8")
    assert '"mutants": 50' in kept
    assert fuzz.main(["flax", "--count", "10"]) == 0
    assert (tmp_path / "fuzz.json").read_text(encoding="utf-8") == kept
    assert fuzz.main(["nonsense"]) == 2


def test_a_run_goes_on_where_another_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "RESULTS", tmp_path / "fuzz.json")
    assert fuzz.main(["numpy", "--count", "60"]) == 0
    whole = fuzz.kept()["numpy"]
    (tmp_path / "fuzz.json").unlink()
    for count in ("25", "60", "60"):
        assert fuzz.main(["numpy", "--count", count, "--resume"]) == 0
    again = fuzz.kept()["numpy"]
    assert {word: again[word] for word in ("mutants", "outcomes", *fuzz.BAD)} == {
        word: whole[word] for word in ("mutants", "outcomes", *fuzz.BAD)
    }
