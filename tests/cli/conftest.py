"""The command line in this process, and networks for it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from homolog import cli
from shell import Done, Run


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``homolog …`` in this process, as the shell would."""

    def go(*words: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["homolog", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        said = capsys.readouterr()
        code = stopped.value.code
        return Done(code if isinstance(code, int) else 0, said.out, said.err)

    return go


@pytest.fixture(scope="module")
def nets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two LeNet-5 with other random weights: lenet5.pt, and lenet5.h5 = lenet5.keras."""
    from homolog.keras import demo as keras
    from homolog.keras.framework import require
    from homolog.pytorch import demo as pytorch

    folder = tmp_path_factory.mktemp("nets")
    require().utils.clear_session(free_memory=False)  # layers are numbered through the whole process
    pytorch.save(pytorch.lenet5(), folder / "lenet5.pt")
    twin = keras.lenet5()
    for name in ("lenet5.h5", "lenet5.keras"):
        keras.save(twin, folder / name)
    return folder
