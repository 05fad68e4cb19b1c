"""The child that HDF5 is read in may crash, loop, or ask for all memory: that ends it, and is one clear error here."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from homolog.errors import Unreadable
from homolog.files import hdf5_child, hdf5_worker, open_checkpoint
from homolog.files.hdf5 import Source, read_tree

ENDS = {
    "os.abort()": ("crashed", "SIGABRT"),
    "os.kill(os.getpid(), 11)": ("crashed", "SIGSEGV"),
    "sys.exit(7)": ("crashed", "exit code 7"),
    "while True: pass": ("did not come to an end", "SIGPROF"),
    "bytes(10**10)": ("damaged", "MemoryError"),
}


@pytest.fixture(autouse=True)
def children() -> Iterator[None]:
    """No child of another test's making."""
    hdf5_worker.stop()
    yield
    hdf5_worker.stop()


@pytest.fixture
def mad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes children that do something else when they should walk through a file named evil."""

    def make(deed: str) -> None:
        text = Path(hdf5_child.__file__).read_text(encoding="utf-8")
        walk = "    with _opened(asked) as file:\n        return"
        assert walk in text
        text = text.replace(walk, f"    if 'evil' in asked['path']:\n        {deed}\n{walk}", 1)
        (tmp_path / "child.py").write_text(text, encoding="utf-8")
        monkeypatch.setattr(hdf5_worker, "_CHILD", tmp_path / "child.py")
        monkeypatch.setattr(sys, "path", [str(Path(hdf5_child.__file__).parents[2]), *sys.path])

    return make


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("evil.h5", "good.h5"):
        with h5py.File(tmp_path / name, "w") as file:
            file["layers/dense/vars/0"] = np.ones((2, 3))
    return tmp_path / "evil.h5", tmp_path / "good.h5"


@pytest.mark.parametrize("deed", ENDS)
def test_what_befalls_the_child_is_an_error_here(
    deed: str, mad: Callable[[str], None], files: tuple[Path, Path]
) -> None:
    mad(deed)
    evil, good = files
    what, found = ENDS[deed]
    with pytest.raises(Unreadable, match=what) as caught:
        open_checkpoint(evil)
    assert caught.value.where == str(evil)
    assert found in str(caught.value.found)
    assert list(open_checkpoint(good).tensors) == ["dense/0"]


def test_a_file_is_not_blamed_for_what_an_earlier_one_did(mad: Callable[[str], None], files: tuple[Path, Path]) -> None:
    mad("globals()['_read'] and _DO.__setitem__('tree', lambda *_: os.abort())")
    evil, good = files
    assert list(open_checkpoint(evil).tensors) == ["dense/0"]
    assert list(open_checkpoint(good).tensors) == ["dense/0"]


def test_one_child_serves_all_files_and_ends_with_its_parent(files: tuple[Path, Path]) -> None:
    code = f"""
from pathlib import Path
from homolog.files import hdf5_worker, open_checkpoint
pids = []
for path in {[str(path) for path in files]!r}:
    open_checkpoint(Path(path))
    pids.append(hdf5_worker._worker.process.pid)
assert len(set(pids)) == 1
print(pids[0])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.stdout), 0)


def test_a_forked_process_has_a_child_of_its_own(files: tuple[Path, Path]) -> None:
    code = f"""
import os
from pathlib import Path
from homolog.files import hdf5_worker, open_checkpoint
path = Path({str(files[1])!r})
open_checkpoint(path)
if os.fork() == 0:
    print(len(open_checkpoint(path).tensors), flush=True)
    os._exit(0)
os.wait()
print(len(open_checkpoint(path).tensors))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "1\n1\n"


def test_a_child_that_has_seen_many_damaged_files_is_replaced(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hdf5_worker, "_TRUSTED", 2)
    evil, good = files
    evil.write_bytes(good.read_bytes()[:900])
    pids = []
    for _ in range(4):
        with pytest.raises(Unreadable, match="damaged"):
            read_tree(Source.of(evil))
        assert hdf5_worker._worker is not None
        pids.append(hdf5_worker._worker.process.pid)
    assert pids[0] == pids[1] != pids[2] == pids[3]


def test_a_child_that_does_not_answer_is_ended_by_the_clock(
    mad: Callable[[str], None], files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    mad("import time; time.sleep(600)")
    monkeypatch.setattr(hdf5_worker, "SECONDS", 0.5)
    started = time.monotonic()
    with pytest.raises(Unreadable, match="did not come to an end"):
        open_checkpoint(files[0])
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("want", ["(5, 1 << 40)", "(-5, 5)", "('x', 5)"])
def test_a_child_that_asks_for_what_is_not_in_the_file_is_ended(
    want: str, mad: Callable[[str], None], files: tuple[Path, Path]
) -> None:
    memory = pytest.importorskip("fsspec").filesystem("memory")
    mad(f"asked['elsewhere']{want}")
    evil, good = files
    memory.pipe_file("/evil.h5", evil.read_bytes())
    with pytest.raises(Unreadable, match="process of its own"):
        open_checkpoint("memory://evil.h5")
    memory.rm("/evil.h5")
    assert list(open_checkpoint(good).tensors) == ["dense/0"]
