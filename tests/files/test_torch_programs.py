"""TorchScript archives and exported programs: their weights are data, their code is not read."""

from __future__ import annotations

import json
import warnings
import zipfile
from pathlib import Path
from typing import Any

import pytest

from homolog.errors import HomologError, Unreadable, Unsafe, Unsupported
from homolog.files import Format, open_checkpoint

torch = pytest.importorskip("torch")


class Net(torch.nn.Module):  # type: ignore[misc, name-defined]
    """Layers within layers, a buffer, and a tied weight."""

    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.BatchNorm1d(5))
        self.last = torch.nn.Linear(3, 5)
        self.last.weight = self.first[0].weight
        self.register_buffer("table", torch.arange(6.0).view(2, 3).T.contiguous().T)

    def forward(self, x: Any) -> Any:
        return self.first(x) + self.last(x) + self.table.sum()


@pytest.fixture(scope="module")
def net() -> Any:
    torch.manual_seed(5)
    return Net().eval()


@pytest.fixture
def script(net: Any, tmp_path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.trace(net, torch.ones(4, 3)).save(tmp_path / "net.pt")
    return tmp_path / "net.pt"


@pytest.fixture
def exported(net: Any, tmp_path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(net, (torch.ones(4, 3),)), tmp_path / "net.pt2")
    return tmp_path / "net.pt2"


def values(path: Path) -> dict[str, Any]:
    return {name: ref.read().tolist() for name, ref in open_checkpoint(path).tensors.items()}


def expected(net: Any) -> dict[str, Any]:
    return {name: value.tolist() for name, value in net.state_dict().items()}


def test_17_the_weights_of_torchscript_are_read_and_its_code_is_not(script: Path, net: Any) -> None:
    found = open_checkpoint(script)
    assert (found.format, found.framework, found.unsafe) == (Format.TORCHSCRIPT, "pytorch", ())
    assert values(script) == expected(net)
    assert found.tensors["first.0.weight"].storage == found.tensors["last.weight"].storage is not None
    assert "which is not read" in found.extras[0]
    with pytest.raises(Unsupported, match="not written"):
        found.rewrite(script.with_name("out"), [])


def test_the_weights_of_an_exported_program_are_read(exported: Path, net: Any) -> None:
    found = open_checkpoint(exported)
    assert (found.format, found.framework) == (Format.TORCH_EXPORTED, "pytorch")
    assert values(exported) == expected(net)
    assert found.tensors["first.0.weight"].trainable is True
    assert found.tensors["table"].trainable is False


def changed(path: Path, out: Path, change: Any) -> Path:
    """A copy of an exported program with another table of weights."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith("model_weights_config.json"):
                table = json.loads(data)
                change(table["config"])
                data = json.dumps(table).encode()
            new.writestr(name, data)
    return out


def test_18_weights_that_are_pickles_are_refused(exported: Path, tmp_path: Path) -> None:
    path = changed(exported, tmp_path / "x.pt2", lambda table: table["last.bias"].update(use_pickle=True))
    with pytest.raises(Unsafe, match="stored as a pickle"):
        open_checkpoint(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table["last.bias"]["tensor_meta"].update(sizes=[{"as_int": 10**12}]),
        lambda table: table["last.bias"]["tensor_meta"].update(sizes=[{"as_expr": "s0"}]),
        lambda table: table["last.bias"]["tensor_meta"].update(storage_offset={"as_int": 3}),
        lambda table: table["last.bias"]["tensor_meta"].update(dtype=99),
        lambda table: table["last.bias"]["tensor_meta"].update(dtype=[]),
        lambda table: table["last.bias"]["tensor_meta"].update(layout=1),
        lambda table: table["last.bias"].update(path_name="../../secret"),
        lambda table: table["last.bias"].pop("use_pickle"),
        lambda table: table.update(x=3),
    ],
)
def test_tables_that_are_not_sound_are_refused(change: Any, exported: Path, tmp_path: Path) -> None:
    with pytest.raises(HomologError):
        open_checkpoint(changed(exported, tmp_path / "x.pt2", change))


def test_exported_programs_of_older_versions_are_refused_in_one_clear_line(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.pt2", "w") as archive:
        archive.writestr("serialized_exported_program.json", "{}")
        archive.writestr("serialized_state_dict.pt", b"")
    with pytest.raises(Unsupported, match="older PyTorch"):
        open_checkpoint(tmp_path / "x.pt2")


def test_a_script_without_a_module_is_refused(script: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(script) as old, zipfile.ZipFile(tmp_path / "x.pt", "w") as new:
        for name in old.namelist():
            new.writestr(name, b"\x80\x02]." if name.endswith("/data.pkl") else old.read(name))
    with pytest.raises(Unreadable, match="holds no module"):
        open_checkpoint(tmp_path / "x.pt")
