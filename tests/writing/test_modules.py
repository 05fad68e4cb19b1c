"""The classes in PyTorch itself: state dicts, outcomes, TorchScript."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from homolog.writing import Classes, Program, classes
from homolog.writing.attributes import FORBIDDEN, IN_SEQUENTIAL
from homolog.writing.constructors import KNOWN, filled, plain
from writing import module_networks as networks

HEAD = """\
import torch
import torch.nn.functional as F
from collections import OrderedDict
from torch import nn

"""
IMAGE = ((2, 3, 64, 64),)
NETWORKS: dict[str, tuple[Program, tuple[tuple[int, ...], ...]]] = {
    "resnet": (networks.resnet((2, 1, 3, 1)), IMAGE),
    "densenet": (networks.densenet((2, 3, 2, 1)), IMAGE),
    "inception": (networks.inception(2), IMAGE),
    "vgg": (networks.vgg(), IMAGE),
    "transformer": (networks.transformer(3, 17, 24), IMAGE),
    "siamese": (networks.siamese(), IMAGE * 2),
    "recurrent": (networks.recurrent(), ((2, 7, 5),)),
    "tied": (networks.tied(), ((2, 7), (2, 7, 1))),
}


def module(found: Classes, folder: Path) -> nn.Module:
    """The root module, imported from a file."""
    path = folder / "net.py"
    path.write_text(f"{HEAD}\n{found.text}\n")
    spec = importlib.util.spec_from_file_location("net", path)
    assert spec is not None and spec.loader is not None
    imported = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(imported)
    made: nn.Module = imported.Net()
    return made


def flat(program: Program, inputs: tuple[torch.Tensor, ...]) -> tuple[dict[str, object], list[torch.Tensor]]:
    """What the statements make, and what they give."""
    names: dict[str, object] = {"torch": torch, "nn": nn, "F": F, "Buffer": lambda value: value}
    names.update(zip(program.inputs, inputs, strict=True))
    made: dict[str, object] = {}
    for statement in program.statements:
        if statement.module:
            if statement.layer not in made:
                layer = made[statement.layer] = eval(statement.module, names)
                for tensor in layer.parameters() if isinstance(layer, nn.Module) else [layer]:
                    nn.init.uniform_(tensor.data, -0.1, 0.1)
                if isinstance(layer, nn.BatchNorm2d):
                    layer.eval()
            names["made"] = made[statement.layer]
        exec(f"{', '.join(statement.targets)} = {statement.expression}", names)
    return made, [names[name] for name in program.outputs]  # type: ignore[misc]


def samples(shapes: tuple[tuple[int, ...], ...], program: Program) -> tuple[torch.Tensor, ...]:
    made = [torch.rand(shape) for shape in shapes]
    return tuple(
        (value * 50).long() if name == "tokens" else value for name, value in zip(program.inputs, made, strict=True)
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_in_pytorch_computes_the_same_scripted_too(name: str, tmp_path: Path) -> None:
    program, shapes = NETWORKS[name]
    inputs = samples(shapes, program)
    found = classes(program, "Net")
    model = module(found, tmp_path).eval()
    with torch.no_grad():
        made, expected = flat(program, inputs)
        state: dict[str, torch.Tensor] = {}
        for path, layer in made.items():
            if isinstance(layer, nn.Module):
                state.update({f"{found.names[path]}.{key}": value for key, value in layer.state_dict().items()})
            else:
                assert isinstance(layer, torch.Tensor)
                state[found.names[path]] = layer.detach()
        model.load_state_dict(state, strict=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            scripted = torch.jit.script(model)
        for run in (model, scripted):
            given = run(*inputs)
            for one, other in zip(given if isinstance(given, tuple) else (given,), expected, strict=True):
                assert torch.equal(one, other)


def test_attributes_of_modules_are_left_alone() -> None:
    assert {name for name in dir(nn.Module()) if not name.startswith("_")} <= FORBIDDEN
    assert {name for name in dir(nn.Sequential()) if not name.startswith("_")} <= IN_SEQUENTIAL


@pytest.mark.parametrize("name", KNOWN)
def test_what_is_taken_for_granted_is_what_pytorch_takes(name: str) -> None:
    names, defaults = KNOWN[name]
    signature: Callable[..., object] = getattr(nn, name.removeprefix("nn."))
    # Later releases of PyTorch have more; what is given in that way is compared as it is written.
    expected = list(inspect.signature(signature).parameters.values())[: len(names)]
    assert names == [item.name for item in expected]
    assert {key: ast.literal_eval(value) for key, value in defaults.items()} == {
        item.name: item.default for item in expected if item.default is not item.empty
    }


def test_arguments_are_filled_in_and_left_out() -> None:
    given = 'nn.Conv2d(3, 8, 5, 2, padding="same")'
    assert filled(given) == (
        "nn.Conv2d(3, 8, 5, stride=2, padding='same', dilation=1, groups=1, bias=True, padding_mode='zeros')"
    )
    assert plain(filled(given)) == "nn.Conv2d(3, 8, 5, stride=2, padding='same')"
    assert plain("nn.Conv2d(3, width, 5, stride=stride, bias=True)") == "nn.Conv2d(3, width, 5, stride=stride)"
    for other in ("nn.Conv2d(3, 8, 5, size=3)", "nn.ReLU(inplace=True)", "nn.Linear(*sizes)", "torch.empty(3)"):
        assert (filled(other), plain(other)) == (other, other)
