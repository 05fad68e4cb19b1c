"""A folder is written whole, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from homolog.errors import Usage
from homolog.files.folder import atomic_folder


def fill(folder: Path, text: str) -> None:
    for name in ("model.py", "plan.toml"):
        (folder / name).write_text(text)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_appears_once_it_is_whole(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with atomic_folder(out, force=False) as draft:
        fill(draft, "new")
        assert not out.exists()
    assert names(out) == ["model.py", "plan.toml"]
    assert names(tmp_path) == ["out"]


def test_nothing_is_left_of_a_folder_that_could_not_be_finished(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="broke"), atomic_folder(tmp_path / "out", force=False) as draft:
        fill(draft, "new")
        raise ValueError("broke")
    assert names(tmp_path) == []


def test_an_old_folder_survives_a_failure_whole(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    fill(out, "old")
    with pytest.raises(ValueError, match="broke"), atomic_folder(out, force=True) as draft:
        fill(draft, "new")
        raise ValueError("broke")
    assert (out / "model.py").read_text() == "old"
    assert names(tmp_path) == ["out"]


def test_an_old_translation_is_replaced_with_force_alone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    fill(out, "old")
    (out / "old.txt").write_text("old")
    with pytest.raises(Usage, match="the output exists"), atomic_folder(out, force=False):
        pass
    with atomic_folder(out, force=True) as draft:
        fill(draft, "new")
    assert (out / "model.py").read_text() == "new"
    assert names(out) == ["model.py", "plan.toml"]
    assert names(tmp_path) == ["out"]


def test_a_folder_that_no_translation_wrote_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(Usage, match="no translation wrote"), atomic_folder(tmp_path, force=True):
        pass
    assert names(tmp_path) == ["thesis.txt"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(Usage, match="no folder"), atomic_folder(tmp_path / "out", force=True):
        pass
    with pytest.raises(Usage, match="around the output"), atomic_folder(tmp_path / "no" / "out", force=False):
        pass
