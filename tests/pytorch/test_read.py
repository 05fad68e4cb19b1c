"""A live PyTorch module → Graph: from its tree where that suffices, else traced."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from homolog.errors import Unsupported
from homolog.files import open_checkpoint
from homolog.pytorch.read import fitting, read, state, to_numpy, tree_of
from twins import PAIRS


@pytest.mark.parametrize("name", [name for name, pair in PAIRS.items() if not pair.traced])
def test_a_chain_needs_no_inputs(name: str) -> None:
    graph = read(PAIRS[name].torch())

    assert graph.wired
    assert not graph.loose
    assert len(graph.outputs) == 1


def test_anything_else_needs_them() -> None:
    with pytest.raises(Unsupported, match="--input 1,3,224,224"):
        read(PAIRS["vgg"].torch())

    graph = read(PAIRS["vgg"].torch(), [np.zeros((2, 3, 9, 8), np.float32)])
    assert [node.kind for node in graph.layers] == ["conv2d", "conv2d", "linear", "linear"]


def test_tracing_leaves_the_module_as_it_was() -> None:
    module = PAIRS["resnet"].torch().train()
    module.bn1.eval()
    modes = [child.training for child in module.modules()]
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}

    read(module, [np.zeros((2, 3, 13, 11), np.float32)])

    assert [child.training for child in module.modules()] == modes
    assert all(tensor.equal(before[name]) for name, tensor in module.state_dict().items())


def test_a_forward_that_fails_says_for_which_shapes() -> None:
    with pytest.raises(Unsupported, match=r"\(2, 4, 9, 8\)"):
        read(PAIRS["vgg"].torch(), [np.zeros((2, 4, 9, 8), np.float32)])


def test_the_tree_of_a_live_module_is_that_of_its_file(tmp_path: Path) -> None:
    import torch

    module = PAIRS["separable"].torch()
    path = tmp_path / "module.pt"
    torch.save(module, path)

    stored = open_checkpoint(path).modules
    live = tree_of(module)

    assert stored is not None
    assert [(m.path, m.type) for m in live.walk()] == [(m.path, m.type) for m in stored.walk()]
    assert list(live.tensors()) == list(stored.tensors()) == list(module.state_dict())
    for one, two in zip(live.walk(), stored.walk(), strict=True):
        assert {k: v for k, v in one.attributes.items() if k != "training"}.keys() == {
            k: v for k, v in two.attributes.items() if k != "training"
        }.keys()


def test_tied_tensors_share_their_storage_and_others_do_not() -> None:
    import torch

    module = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 3))
    module[1].weight = module[0].weight
    refs = state(module)

    assert refs["0.weight"].storage == refs["1.weight"].storage
    assert refs["0.bias"].storage != refs["1.bias"].storage
    assert refs["0.bias"].trainable


def test_every_element_type_becomes_numpy() -> None:
    import torch

    for name in ("float64", "float16", "bfloat16", "float8_e4m3fn", "int8", "int64", "bool", "complex64"):
        array = to_numpy(torch.ones(3).to(getattr(torch, name)))
        assert array.dtype.name == name
        assert (array == 1).all()


def test_inputs_are_copied_into_tensors() -> None:
    array = np.zeros((2, 3), np.float32)
    array.flags.writeable = False

    (tensor,), _ = fitting(PAIRS["nested"].torch(), [array])

    assert tensor.dtype.is_floating_point
