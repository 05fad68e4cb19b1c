"""The table itself: complete, cheap, and closed to what it does not know."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import homolog
from homolog import rules
from homolog.errors import HomologError, Mismatch, Unreadable, Unsupported
from homolog.keras.read import read_config
from homolog.opening import open_network
from homolog.tensors import array_ref

from .laws import Twins, case

FAMILIES = (
    "activation",
    "arithmetic",
    "attention",
    "conv",
    "dense",
    "norm",
    "pooling",
    "preprocessing",
    "recurrent",
    "shape",
)


def _family(name: str) -> ModuleType:
    return import_module(f"{__package__}.test_{name}")


def test_every_rule_has_a_case() -> None:
    told = "\n".join(_any_rank(inspect.getsource(_family(name))) for name in FAMILIES)
    missing = {
        rule.name
        for rule in rules.TABLE
        if not any(f"{_any_rank(name)}(" in told for name in (*rule.torch.classes, *rule.keras.classes))
    }
    assert not [rule.name for rule in rules.TABLE if rule.slots and rule.name in missing]
    # operations without a layer, which cases write as expressions
    operations = {"exp", "divide", "average", "stack", "reshape_operation", "transpose_operation", "transpose"}
    assert missing == {*operations, "heads"}


def _any_rank(text: str) -> str:
    return re.sub(r"[123][dD]", "", text)


def test_no_two_rules_claim_one_name() -> None:
    names = [rule.name for rule in rules.TABLE]
    assert len(names) == len(set(names))
    assert {rule.kind for rule in rules.TABLE} <= set(names)


def test_importing_the_table_imports_no_framework() -> None:
    heavy = ["torch", "keras", "tensorflow", "h5py"]
    code = f"import sys, homolog.rules; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("torch", "shape", "word"),
    [
        ("BatchNorm2d(5, track_running_stats=False)", (2, 5, 7, 3), "track_running_stats=False"),
        ("Embedding(11, 5, max_norm=1.0)", (2, 3), "max_norm=1.0"),
        ("MaxPool2d(2, return_indices=True)", (2, 5, 7, 3), "return_indices=True"),
        ("AvgPool2d(2, divisor_override=3)", (2, 5, 7, 3), "divisor_override=3"),
        ("Softplus(threshold=5)", (2, 5), "threshold=5"),
    ],
)
def test_a_setting_of_pytorch_that_the_rule_does_not_know_is_refused(
    torch: str, shape: tuple[int, ...], word: str
) -> None:
    from torch import nn

    layer = eval(torch, dict(vars(nn)))
    with pytest.raises(Unsupported, match=r"is configured in a way that the rule .* does not know") as caught:
        open_network(layer).graph([np.zeros(shape, np.float32)])
    assert caught.value.found == word
    assert caught.value.where == torch.partition("(")[0]


def test_an_attribute_of_pytorch_that_nobody_knows_is_refused() -> None:
    from torch import nn

    layer = nn.Linear(3, 2)
    layer.temperature = 2.0  # type: ignore[assignment]
    with pytest.raises(Unsupported) as caught:
        open_network(layer).graph()
    assert caught.value.found == "temperature=2.0"


def config_of(layer: Any, shape: tuple[int, ...], **changed: object) -> dict[str, Any]:
    """The serialised model of one layer, with some of the layer's settings changed."""
    import keras

    model = keras.Sequential([keras.Input(shape), layer], name="model")
    config = model.get_config()
    config["layers"][1]["config"].update(changed, name="layer")
    return {"class_name": "Sequential", "config": config}


@pytest.mark.parametrize(
    ("layer", "changed", "word"),
    [
        ("Dense(3)", {"temperature": 2.0}, "temperature=2.0"),
        ("Dense(3)", {"lora_rank": 4}, "lora_rank=4"),
        ("BatchNormalization()", {"renorm": True}, "renorm=True"),
        ("Embedding(11, 5)", {"sparse": True}, "sparse=True"),
    ],
)
def test_a_setting_of_keras_that_the_rule_does_not_know_is_refused(
    layer: str, changed: dict[str, object], word: str
) -> None:
    import keras

    config = config_of(eval(layer, dict(vars(keras.layers))), (4,), **changed)
    with pytest.raises(Unsupported) as caught:
        read_config(config, {})
    assert caught.value.found == word
    assert caught.value.where == "layer"
    assert "settings that the rule maps, ignores or knows with this value" in str(caught.value)


def test_another_number_of_tensors_than_the_configuration_says_is_refused() -> None:
    import keras

    config = config_of(keras.layers.Dense(3), (4,))
    groups = {"layer": [array_ref("layer/kernel", np.zeros((4, 3), np.float32))]}
    with pytest.raises(Unreadable) as caught:
        read_config(config, groups)
    assert str(caught.value) == (
        "layer stores another number of tensors than its configuration says\n"
        "  where: Dense layer\n"
        "  expected: 2: kernel, bias\n"
        "  found: 1: layer/kernel (4, 3)"
    )


def test_a_tensor_of_another_rank_than_the_slot_is_refused() -> None:
    import keras

    config = config_of(keras.layers.Dense(3, use_bias=False), (4,))
    with pytest.raises(HomologError) as caught:
        read_config(config, {"layer": [array_ref("layer/kernel", np.zeros((4, 3, 2), np.float32))]})
    assert str(caught.value) == (
        "a tensor has another rank than its layer keeps it in\n"
        "  where: Dense layer\n"
        "  expected: kernel of axes inp out\n"
        "  found: layer/kernel (4, 3, 2)"
    )


DIFFERENT = (
    case("Conv2d(4, 6, 3, padding=1, padding_mode='circular')", "Conv2D(6, 3, padding='same')", (2, 4, 9, 7)),
    case("Conv2d(4, 6, 3, padding=1, padding_mode='reflect')", "Conv2D(6, 3, padding='same')", (2, 4, 9, 7)),
    case(
        "(Conv2d(4, 6, 3), LeakyReLU(0.1), Conv2d(6, 3, 2))", "(Conv2D(6, 3), LeakyReLU(), Conv2D(3, 2))", (2, 4, 9, 7)
    ),
    case("(Conv2d(4, 6, 3), MaxPool2d(2, ceil_mode=True))", "(Conv2D(6, 3), MaxPooling2D(2))", (2, 4, 9, 7)),
    case("(Conv2d(4, 6, 3), AvgPool2d(3, 2, 1))", "(Conv2D(6, 3), AveragePooling2D(3, 2, 'same'))", (2, 4, 9, 7)),
    case("BatchNorm2d(5)", "BatchNormalization()", (2, 5, 7, 3)),
)
SETTINGS = ("padding_mode", "padding_mode", "negative_slope", "padding", "count_include_pad", "eps")


@pytest.mark.parametrize(
    ("twins", "setting"), [*zip(map(Twins, DIFFERENT), SETTINGS, strict=True)], ids=map(str, DIFFERENT)
)
def test_a_setting_that_makes_another_function_is_named_and_not_copied(twins: Twins, setting: str) -> None:
    with pytest.raises(Mismatch, match="not the same function") as caught:
        homolog.copy(twins.torch, into=twins.keras, inputs=twins.inputs(), run=False)
    (line,) = caught.value.details
    assert line.startswith(f"differs in {setting}: ")


@pytest.mark.parametrize(
    ("layer", "shape", "inferred"),
    [
        ("Conv2D(6, 3, 2, padding='same')", (4, 9, 7), (None, 6, 5, 4)),
        ("DepthwiseConv2D(3, depth_multiplier=2)", (4, 9, 7), (None, 8, 7, 5)),
        ("MaxPooling2D(2)", (4, 9, 7), (None, 4, 4, 3)),
        ("ZeroPadding2D(((0, 1), (2, 3)))", (4, 9, 7), (None, 4, 10, 12)),
        ("BatchNormalization(axis=1)", (4, 9, 7), (None, 4, 9, 7)),
        ("Flatten()", (4, 9, 7), (None, 252)),
        ("GlobalAveragePooling2D()", (4, 9, 7), (None, 4)),
        ("UpSampling2D((2, 3))", (4, 9, 7), (None, 4, 18, 21)),
    ],
)
def test_channels_first_is_read_though_no_cpu_runs_it(
    layer: str, shape: tuple[int, ...], inferred: tuple[int | None, ...]
) -> None:
    import keras
    from homolog.keras.model import read_model
    from homolog.passes import normalise

    made = eval(layer, dict(vars(keras.layers)))
    if "data_format" in made.get_config():
        made = type(made).from_config({**made.get_config(), "data_format": "channels_first"})
    entry = keras.Input(shape)
    graph = normalise(read_model(keras.Model(entry, made(entry))))
    _, node = graph.nodes.values()
    assert node.shapes == (inferred,)
    assert node.known
