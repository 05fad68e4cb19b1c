"""Every bad input gets what it must: within a second, within 100 MB, with nothing executed and nothing written."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from attacks.cases import CASES

SECONDS, BYTES = 1.0, 100 << 20

# Opens and reads the file of each line, in a process that has opened a sound file of every kind before: only then does
# what a case takes tell of the case. The peak is that of this process; the child for HDF5 has a limit of its own.
READ = """
import json, os, sys, time
from pathlib import Path
from homolog.errors import HomologError
from homolog.files import open_checkpoint

def peak():
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM"):
            return int(line.split()[1]) << 10

def come_to(path):
    try:
        found = open_checkpoint(path)
        for ref in found.tensors.values():
            ref.read()
    except HomologError as error:
        assert error.where and error.what, error
        return type(error).__name__
    return "unsafe" if found.unsafe else "read"

for line in sys.stdin:
    path = Path(line.strip())
    come_to(path)
    Path("/proc/self/clear_refs").write_text("5")
    before, started = peak(), time.process_time()
    came = come_to(path)
    print(json.dumps([came, time.process_time() - started, peak() - before]), flush=True)
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, list[Any], set[str]]]:
    """What each case must come to, what it came to, and the files that were made by reading it."""
    made = {}
    for number, (name, make) in enumerate(CASES.items()):
        folder = tmp_path_factory.mktemp(f"case{number}")
        path, expected = make(folder)
        made[name] = (path, expected, folder, set(folder.rglob("*")))
    lines = "".join(f"{path}\n" for path, *_ in made.values())
    working = tmp_path_factory.mktemp("working")
    done = subprocess.run(
        [sys.executable, "-c", READ], input=lines, capture_output=True, text=True, cwd=working, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert not list(working.iterdir()), "something was written"
    told = [json.loads(line) for line in done.stdout.splitlines()]
    return {
        name: (expected, came, {str(file) for file in set(folder.rglob("*")) - before})
        for (name, (_, expected, folder, before)), came in zip(made.items(), told, strict=True)
    }


@pytest.mark.parametrize("name", CASES)
def test_a_bad_input_gets_what_it_must(name: str, outcomes: dict[str, tuple[str, list[Any], set[str]]]) -> None:
    expected, (came, seconds, nbytes), written = outcomes[name]
    assert came == expected
    assert not written
    assert seconds < SECONDS
    assert nbytes < BYTES


def test_every_number_that_concerns_reading_has_a_case() -> None:
    # 38, crashes and hangs of the library, is tested in tests/files/test_hdf5_worker.py; 44 and 45, which concern
    # matching, in test_matching_attacks.py; 51, which concerns writing, in tests/files/test_atomic.py.
    assert {int(name[:2]) for name in CASES} == set(range(1, 51)) - {38, 44, 45}
