"""Every layer of either framework that holds weights has a rule, or stands here with the reason why it has none."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import pytest

from homolog import rules
from homolog.errors import Unsupported
from homolog.keras.nodes import knows
from homolog.opening import open_network

KERAS_WITHOUT_RULE = {
    "STFTSpectrogram": "its kernels are sines and cosines that its configuration settles, and never trained",
    "StackedRNNCells": "read as part of the RNN that runs it; by itself it is called by code only",
    "FlaxLayer": "a module of another framework, whose weights have the names that framework gives them",
    "JaxLayer": "a function of another framework, whose weights have the names that framework gives them",
    "TFSMLayer": "a saved graph of TensorFlow, whose weights have the names that the graph gives them",
    "TorchModuleWrapper": "a module of PyTorch: the module inside is what is to be copied",
    "Pipeline": "layers in a row for preprocessing; those inside hold the weights",
    "Wrapper": "the base class of layers around others",
    "Layer": "the base class of all layers",
}
TORCH_WITHOUT_RULE = {
    "RNNBase": "the base class of recurrent layers",
    "RNNCellBase": "the base class of recurrent cells",
}
KERAS_ARGUMENTS: dict[str, dict[str, Any]] = {
    "CategoryEncoding": {"num_tokens": 4},
    "CenterCrop": {"height": 2, "width": 2},
    "Discretization": {"bin_boundaries": [0.0]},
    "Dot": {"axes": 1},
    "HashedCrossing": {"num_bins": 4},
    "Hashing": {"num_bins": 4},
    "Lambda": {"function": abs},
    "MaxNumBoundingBoxes": {"max_number": 4},
    "RandomCrop": {"height": 2, "width": 2},
    "RandomTranslation": {"height_factor": 0.1, "width_factor": 0.1},
    "RandomZoom": {"height_factor": 0.1},
    "RandomPosterization": {"factor": 4},
    "RepeatVector": {"n": 2},
    "Resizing": {"height": 2, "width": 2},
    **{
        f"Random{name}": {"factor": 0.1}
        for name in (
            *("Brightness", "ColorDegeneration", "Contrast", "Hue", "Rotation", "Saturation"),
            "Sharpness",
        )
    },
}
SHAPES = ((3, 8), (9, 9, 3), (3,), (2, 9, 9, 3))


def classes(module: Any, base: type) -> Iterator[type]:
    """Each class of a module that is derived from another, once."""
    found = {item: None for item in vars(module).values() if inspect.isclass(item) and issubclass(item, base)}
    return iter(found)


@pytest.mark.filterwarnings("ignore")
def test_every_layer_of_keras_with_variables_has_a_rule_or_a_reason() -> None:
    import keras

    for kind in classes(keras.layers, keras.layers.Layer):
        name = kind.__name__
        if knows(name) or name in KERAS_WITHOUT_RULE:
            continue
        layer = kind(**KERAS_ARGUMENTS.get(name, {}))
        for shape in SHAPES:
            try:
                layer(keras.Input(shape))
            except Exception:  # noqa: BLE001 - the layer takes inputs of another rank, or several
                continue
        held = [variable.path for variable in layer.variables if "seed" not in variable.path]
        assert not held, f"{name} holds {held} and has neither a rule nor a reason"


@pytest.mark.filterwarnings("ignore")
def test_every_module_of_pytorch_with_tensors_has_a_rule_or_a_reason() -> None:
    from torch import nn

    lazy = {name for name in vars(nn) if name.startswith("Lazy")}
    for kind in classes(nn, nn.Module):
        name = kind.__name__
        if rules.for_torch_class(f"torch.nn.modules.{name}") or name in TORCH_WITHOUT_RULE or name in lazy:
            continue
        tried = (made(kind, *arguments) for arguments in ((), (4,), (4, 2), (4, 2, 3), (4, 9, [5])))
        module = next((module for module in tried if module is not None), None)
        if module is None:
            assert name in {"TransformerEncoder", "TransformerDecoder"}, name  # layers around a layer that is given
            continue
        held = [
            key for table in (module._parameters, module._buffers) for key, value in table.items() if value is not None
        ]
        assert not held, f"{name} holds {held} and has neither a rule nor a reason"


def made(kind: type, *arguments: Any) -> Any:
    try:
        return kind(*arguments)
    except (TypeError, ValueError, AssertionError):
        return None


def test_a_lazy_layer_is_refused() -> None:
    from torch import nn

    with pytest.raises(Unsupported, match="a LazyLinear has no weights before it has been run") as caught:
        open_network(nn.Sequential(nn.LazyLinear(3))).graph()
    assert caught.value.where == "0"
