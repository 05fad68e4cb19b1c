from __future__ import annotations

import json
from typing import Any

import pytest

from homolog.errors import Mismatch, Unreadable
from homolog.files.keras_config import (
    layers,
    leaves,
    parse_config,
    settings_at,
    snake_case,
    stored_names,
    unsafe_config,
    with_settings,
)


def layer(kind: str, name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": kind, "config": {"name": name, **config}}


MODEL = layer(
    "Functional",
    "net",
    layers=[
        layer("Conv2D", "a"),
        {**layer("Add", "plus"), "module": "keras.src.ops.numpy"},
        layer("Sequential", "inner", layers=[layer("Dense", "b"), layer("Dense", "c")]),
        layer("Conv2D", "d"),
    ],
)


def test_layers_are_found_and_operations_left_out() -> None:
    assert [entry["config"]["name"] for entry in layers(MODEL) or ()] == ["a", "inner", "d"]
    assert [path for path, _ in leaves(MODEL)] == [("a",), ("inner", "b"), ("inner", "c"), ("d",)]
    assert layers(layer("Dense", "b")) is None


def test_stored_names_count_within_a_container() -> None:
    assert [name for name, _ in stored_names(layers(MODEL) or ())] == ["conv2d", "sequential", "conv2d_1"]


@pytest.mark.parametrize(
    "name",
    [
        "Conv2DTranspose",
        "LSTM",
        "MultiHeadAttention",
        "GRUCell",
        "PReLU",
        "ConvLSTM2D",
        "RMSNormalization",
        "Functional",
    ],
)
def test_snake_case_is_keras_own(name: str, keras: Any) -> None:
    from keras.src.utils.naming import to_snake_case

    assert snake_case(name) == to_snake_case(name)


@pytest.mark.parametrize("text", [b"[" * 200_000, b'{"a":' * 200_000, b'{"a":' * 500 + b"1" + b"}" * 500])
def test_deep_json_is_an_error_of_ours(text: bytes) -> None:
    with pytest.raises(Unreadable):
        parse_config(text, "t")


@pytest.mark.parametrize("text", [b"", b"[]", b"3", b"{", b"\xff\xff", b'{"a": 1' + b"0" * 5000 + b"}"])
def test_what_is_no_mapping_is_refused(text: bytes) -> None:
    with pytest.raises(Unreadable):
        parse_config(text, "t")


def test_lambdas_are_named_wherever_they_are() -> None:
    three = layer("Lambda", "third", function={"class_name": "__lambda__", "config": {"code": "4wEA"}})
    two = layer("Lambda", "second", function=["4wEAAAA=", None, None], function_type="lambda")
    inner = layer("Sequential", "inner", layers=[two])
    assert unsafe_config(layer("Functional", "net", layers=[three, inner])) == ("Lambda in second", "Lambda in third")
    hidden = layer("Dense", "d", activation={"class_name": "__lambda__", "config": {"code": "4wEA"}})
    assert unsafe_config(layer("Sequential", "s", layers=[hidden])) == ("Lambda in d",)
    assert unsafe_config(MODEL) == ()


def test_a_module_named_os_is_only_data() -> None:
    evil = {"module": "os", "class_name": "system", "config": {"command": "touch canary"}}
    assert parse_config(b'{"module": "os", "class_name": "system", "config": {"command": "touch canary"}}', "t") == evil


NESTED = {
    "class_name": "Functional",
    "config": {
        "layers": [
            {"class_name": "BatchNormalization", "config": {"name": "bn", "epsilon": 0.1}},
            {
                "class_name": "Sequential",
                "config": {
                    "name": "inner",
                    "layers": [
                        {"class_name": "BatchNormalization", "config": {"name": "bn", "epsilon": 0.2}},
                        {"class_name": "LeakyReLU", "config": {"name": "a/b", "alpha": 0.3}},
                    ],
                },
            },
            {
                "class_name": "TimeDistributed",
                "config": {"name": "each", "layer": {"class_name": "ELU", "config": {"name": "elu", "alpha": 0.4}}},
            },
        ]
    },
}


@pytest.mark.parametrize(
    ("path", "keys", "before"),
    [
        ("bn", ("epsilon",), 0.1),
        ("inner/bn", ("epsilon",), 0.2),
        ("inner/a/b", ("negative_slope", "alpha"), 0.3),
        ("each/elu", ("alpha",), 0.4),
    ],
)
def test_one_setting_changes_under_the_name_it_has(path: str, keys: tuple[str, ...], before: float) -> None:
    changed = with_settings(NESTED, [(path, keys, 0.9)])

    assert json.dumps(changed) == json.dumps(NESTED).replace(f": {before}", ": 0.9")
    assert settings_at(NESTED, path)[keys[-1]] == before


def test_a_layer_that_is_not_there_has_no_settings() -> None:
    assert settings_at(NESTED, "inner/elu") == {}
    with pytest.raises(Mismatch, match="no such layer"):
        with_settings(NESTED, [("inner/elu", ("alpha",), 0.9)])
