from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from homolog.errors import Usage
from homolog.files import atomic


def test_a_new_file_appears_whole_and_nothing_else_stays(tmp_path: Path) -> None:
    out = tmp_path / "model.weights.h5"
    with atomic(out, force=False, inputs=[]) as draft:
        assert draft.parent == out.parent
        assert draft.name.endswith(".weights.h5")
        draft.write_bytes(b"new")
        assert not out.exists()
    assert out.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [out]


def test_an_error_in_the_body_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    out = tmp_path / "a.pt"
    out.write_bytes(b"old")
    with pytest.raises(ValueError, match="midway"), atomic(out, force=True, inputs=[]) as draft:
        draft.write_bytes(b"half")
        raise ValueError("midway")
    assert out.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [out]


def test_a_killed_process_leaves_the_old_file(tmp_path: Path) -> None:
    out = tmp_path / "a.pt"
    out.write_bytes(b"old")
    code = (
        "import os, signal, sys; from pathlib import Path; from homolog.files import atomic\n"
        "with atomic(Path(sys.argv[1]), force=True, inputs=[]) as draft:\n"
        "    draft.write_bytes(b'half'); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(out)], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert out.read_bytes() == b"old"


def test_an_existing_output_needs_force(tmp_path: Path) -> None:
    out = tmp_path / "a.pt"
    out.write_bytes(b"old")
    with pytest.raises(Usage, match="exists"), atomic(out, force=False, inputs=[]):
        pass
    with atomic(out, force=True, inputs=[]) as draft:
        draft.write_bytes(b"new")
    assert out.read_bytes() == b"new"


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_an_input_is_never_the_output_whatever_it_is_called(tmp_path: Path, link) -> None:  # type: ignore[no-untyped-def]
    source, alias = tmp_path / "source.pt", tmp_path / "alias.pt"
    source.write_bytes(b"precious")
    link(source, alias)
    for out in (source, alias):
        with pytest.raises(Usage, match="replace an input"), atomic(out, force=True, inputs=[source]):
            pass
    assert source.read_bytes() == b"precious"


def test_a_folder_or_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Usage, match="is a folder"), atomic(tmp_path, force=True, inputs=[]):
        pass
    with pytest.raises(Usage, match="does not exist"), atomic(tmp_path / "no" / "a.pt", force=True, inputs=[]):
        pass


def test_writing_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(Usage, match="nothing was written"), atomic(tmp_path / "a.pt", force=False, inputs=[]):
        pass


def test_a_full_disk_is_an_error_of_ours_and_the_old_file_stays(tmp_path: Path) -> None:
    out = tmp_path / "a.pt"
    out.write_bytes(b"old")
    with pytest.raises(Usage, match="cannot be written") as caught, atomic(out, force=True, inputs=[]) as draft:
        draft.write_bytes(b"half")
        raise OSError(28, "No space left on device")
    assert caught.value.found == "No space left on device"
    assert out.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [out]
