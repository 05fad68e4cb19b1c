"""The written file: what it says, and who accepts it."""

from __future__ import annotations

import ast
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.pytorch.emitting.again import Again, again, drawn, listed, scripted
from torch import Tensor, nn

from homolog.emitting.assembled import Assembled
from homolog.pytorch.emitting.assemble import assemble
from homolog.pytorch.emitting.parity import parity
from homolog.pytorch.emitting.source import Names, source
from homolog.pytorch.program import trace
from homolog.pytorch.run import LiveTorch
from homolog.rules.training import Compiled


class Block(nn.Module):
    """Two layers with their sum."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.relu(self.norm(self.conv(x)))


class Net(nn.Module):
    """Blocks, a table, a constant, a stack and a loose parameter; two outputs with names."""

    def __init__(self, *, recurrent: bool = True) -> None:
        super().__init__()
        self.recurrent = recurrent
        self.first = nn.Conv2d(3, 6, 2)
        self.blocks = nn.Sequential(Block(6), Block(6), Block(6))
        self.table = nn.Embedding(11, 6)
        self.scale = nn.Parameter(torch.rand(6))
        self.register_buffer("ramp", torch.randn(1, 30, 1))
        if recurrent:
            self.stack = nn.GRU(6, 4, 2, batch_first=True, dropout=0.25)
        self.drop = nn.Dropout(0.5)
        self.last = nn.Linear(4, 5)

    def forward(self, x: Tensor, ids: Tensor) -> dict[str, Tensor]:
        x = self.blocks(self.first(x)).flatten(2).transpose(1, 2)
        x = torch.cat([x * self.scale + self.ramp, self.table(ids)], 1)
        sequence, state = self.stack(x) if self.recurrent else (x[..., :4], x.mean(1)[None, :, :4])
        return {"classes": self.last(self.drop(sequence)).softmax(-1), "state": state[-1]}


INPUTS = (drawn((2, 3, 6, 7)), np.array([[0, 10, 3], [7, 1, 1]]))
OTHERS = (drawn((5, 3, 6, 7)), np.array([[0, 10, 3]] * 5))


@pytest.fixture(scope="module")
def net() -> Net:
    torch.manual_seed(0)
    return Net().eval()


@pytest.fixture(scope="module")
def found(net: Net) -> Again:
    return again(net, *INPUTS)


@pytest.fixture(scope="module")
def plain() -> Again:
    """Without the stack, which neither ``torch.export`` nor ``torch.compile`` takes as it is."""
    return again(Net(recurrent=False), *INPUTS)


def _given(arrays: tuple[np.ndarray, ...]) -> tuple[Tensor, ...]:
    return tuple(torch.from_numpy(array) for array in arrays)


def _apart(one: Any, two: Any) -> float:
    return max(float((a - b).abs().max()) for a, b in zip(listed(one), listed(two), strict=True))


def test_it_gives_what_its_source_gives_by_the_same_names(net: Net, found: Again) -> None:
    with torch.no_grad():
        ours, theirs = found.model(*_given(OTHERS)), net(*_given(OTHERS))
    assert list(ours) == list(theirs) == ["classes", "state"]
    assert _apart(ours, theirs) < 2e-6


def test_its_tensors_have_the_names_of_the_sources(net: Net, found: Again) -> None:
    ours, theirs = set(found.model.state_dict()), set(net.state_dict())
    assert {name for name in theirs if name.startswith(("first", "table", "scale", "stack", "last"))} <= ours
    assert len(ours) == len(theirs)


def test_it_needs_nothing_but_pytorch_and_safetensors(found: Again) -> None:
    imported = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(ast.parse(found.source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert {name.split(".")[0] for name in imported} == {"torch", "safetensors", "pathlib"}


def test_functional_is_imported_where_it_is_used_alone(found: Again) -> None:
    assert "import torch.nn.functional as F" not in again(nn.Linear(3, 4), drawn()).source
    assert "import torch.nn.functional as F" in found.source


def test_forward_says_what_goes_in_and_what_comes_out(found: Again) -> None:
    assert "x: float32 (batch, 3, 6, 7)." in found.source
    assert "ids: int64 (batch, 3)." in found.source
    assert "classes: (batch, 33, 5)." in found.source
    assert "state: (batch, 4)." in found.source


def test_repeated_blocks_are_one_class(found: Again) -> None:
    assert found.source.count("nn.Conv2d(6, 6") + found.source.count("nn.Conv2d(in_channels, in_channels") == 1


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")
def test_torchscript_takes_it(found: Again) -> None:
    assert scripted(found, *OTHERS) == 0


@pytest.mark.filterwarnings("ignore:.torch.jit.trace(_method)?. is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")  # PyTorch's own checks in its recurrent layers
def test_tracing_takes_it(found: Again) -> None:
    with torch.no_grad():
        traced = torch.jit.trace(found.model, _given(INPUTS), strict=False)
        assert _apart(traced(*_given(OTHERS)), found.model(*_given(OTHERS))) == 0


def test_export_takes_it_with_an_open_batch(plain: Again) -> None:
    batch = torch.export.Dim("batch")
    program = torch.export.export(plain.model, _given(INPUTS), dynamic_shapes=({0: batch}, {0: batch}))
    with torch.no_grad():
        assert _apart(program.module()(*_given(OTHERS)), plain.model(*_given(OTHERS))) < 1e-6


def test_compile_takes_it_whole(plain: Again) -> None:
    """Without a break in its graph; the backend that needs no compiler of C."""
    compiled = torch.compile(plain.model, fullgraph=True, backend="aot_eager")
    with torch.no_grad():
        assert _apart(compiled(*_given(OTHERS)), plain.model(*_given(OTHERS))) < 1e-6


def test_it_trains(found: Again) -> None:
    model = deepcopy(found.model).train()
    result = model(*_given(OTHERS))
    (result["classes"].square().sum() + result["state"].sum()).backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_it_moves_and_widens_as_a_whole(net: Net, found: Again) -> None:
    run = LiveTorch(net).exact(INPUTS)
    ours = LiveTorch(found.model).exact(INPUTS)
    assert run is not None
    assert ours is not None
    assert max(np.abs(a - b).max() for a, b in zip(run.outputs, ours.outputs, strict=True)) < 1e-12


def test_the_folder_runs_by_itself(found: Again, net: Net, tmp_path: Path) -> None:
    """The file, its weights and its test, in a process that knows nothing of homolog."""
    from safetensors.torch import save_file

    (tmp_path / "model.py").write_text(found.source, encoding="utf-8")
    (tmp_path / "test_parity.py").write_text(parity("a test", 1e-5, 1e-5), encoding="utf-8")
    save_file(found.model.state_dict(), tmp_path / "model.safetensors")
    with torch.no_grad():
        outputs = [tensor.numpy() for tensor in listed(net(*_given(OTHERS)))]
    arrays = {f"input_{place:02}": array for place, array in enumerate(OTHERS)}
    arrays |= {f"output_{place:02}": array for place, array in enumerate(outputs)}
    np.savez(tmp_path / "parity.npz", **arrays)
    done = subprocess.run(
        [sys.executable, "test_parity.py"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stdout == "the same as its source\n", done.stderr


def _assembled(net: nn.Module, *inputs: np.ndarray) -> Assembled:
    return assemble(trace(net.eval(), list(inputs)))


def test_what_it_was_trained_with_is_a_function_of_its_own() -> None:
    lines = ("optimizer = torch.optim.SGD(model.parameters(), lr=0.5)", "loss = None", "scheduler = None")
    compiled = Compiled(lines, ("import torch", "import math"), ())
    text = source(_assembled(nn.Linear(3, 4), drawn()), Names("Linear", "a test"), compiled)
    assert "import math\nimport torch\n" in text
    space: dict[str, Any] = {"__file__": "model.py", "__name__": "model"}
    exec(compile(text, "model.py", "exec"), space)
    optimizer, loss, scheduler = space["make_training"](space["build_model"]())
    assert optimizer.param_groups[0]["lr"] == 0.5
    assert (loss, scheduler) == (None, None)


@pytest.mark.parametrize("name", ["model", "conv-net 2", "2d", "F", "torch", "class"])
def test_any_name_of_a_model_will_do(name: str) -> None:
    text = source(_assembled(nn.Linear(3, 4), drawn()), Names(name, "a test"))
    compile(text, "model.py", "exec")


class Named(nn.Module):
    """Whose arguments have names that the written file needs itself."""

    def forward(self, torch: Tensor, F: Tensor, made: Tensor, self_: Tensor) -> Tensor:  # noqa: N803
        return torch.relu() + F.exp().log_softmax(-1) - made * self_


def test_names_of_inputs_do_not_hide_what_the_file_imports() -> None:
    given = [drawn() for _ in range(4)]
    module = Named()
    found = again(module, *given)
    tensors = [torch.from_numpy(array) for array in given]
    assert torch.allclose(found.model(*tensors), module(*tensors))
