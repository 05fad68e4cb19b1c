"""Where a path leads, and what is said when it leads nowhere."""

from __future__ import annotations

from typing import Any

import pytest

from homolog.errors import HomologError, Mismatch, Unsupported, Usage
from homolog.inspecting.paths import resolve


class Layer:
    def __init__(self, name: str) -> None:
        self.name = name
        self.weights = {"conv.kernel": 1, "conv.bias": 2}

    @property
    def output(self) -> object:
        raise AttributeError("never been called")

    @property
    def heavy(self) -> object:
        raise RuntimeError("out of memory")

    @property
    def refuses(self) -> object:
        raise Mismatch("the layer's own")

    def state_dict(self) -> dict[str, int]:
        return self.weights

    def forward(self, x: int) -> int:
        return x


class Net:
    def __init__(self) -> None:
        self.layers = [Layer("first"), Layer("second"), Layer("third")]

    def __getitem__(self, index: int) -> Layer:
        return self.layers[index]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("layers[0].name", "first"),
        ("layers[-1].name", "third"),
        ("[1].name", "second"),
        ("layers[0].weights['conv.bias']", 2),
        ('layers[0].weights["conv.bias"]', 2),
        ("layers[0].name[1:3]", "ir"),
        ("layers[0].name[::-1]", "tsrif"),
        (" layers [0] . name ", "first"),
    ],
)
def test_a_path_leads_through_attributes_indexes_slices_and_keys(path: str, expected: object) -> None:
    assert resolve(Net(), path) == expected


def test_the_empty_path_is_the_object_itself() -> None:
    net = Net()
    assert resolve(net, "") is net


def test_a_path_calls_only_when_allowed() -> None:
    assert resolve(Net(), "layers[0].state_dict()['conv.kernel']", call=True) == 1
    assert isinstance(resolve(Net, "()", call=True), Net)
    with pytest.raises(Usage, match="may not call anything") as caught:
        resolve(Net(), "layers[0].state_dict().keys")
    assert caught.value.where == "layers[0].state_dict()"


@pytest.mark.parametrize(
    "path",
    [
        "layers[0",
        "layers[0] + 1",
        "layers if 1 else 2",
        "layers, 2",
        "layers[i]",
        "layers[0.5]",
        "layers[True]",
        "layers[-True]",
        "layers[0, 1]",
        "layers[lambda: 1]",
        "layers['a':'b']",
        "layers[f'{1}']",
        "a := 1",
        ".layers",
        "layers\0",
        "layers; import os",
        "state_dict(1)",
        "state_dict(prefix='x')",
        "a" + ".a" * 100_000,
    ],
)
def test_what_is_not_in_the_grammar_is_refused_before_anything_is_touched(path: str) -> None:
    class Untouchable:
        def __getattribute__(self, name: str) -> Any:
            raise AssertionError(f"{name} was read")

    with pytest.raises(Usage):
        resolve(Untouchable(), path, call=True)


@pytest.mark.parametrize(
    ("path", "error", "said"),
    [
        ("layer", Usage, "Net has no 'layer'\n  where: layer\nhelp: did you mean layers?"),
        ("layers[0].qqq", Usage, "Layer has no 'qqq'\n  where: layers[0].qqq"),
        ("layers[9].name", Usage, "an index is out of range: list has 3 items\n  where: layers[9]"),
        ("[9]", Usage, "an index is out of range: Net has no such place"),
        (
            "[0].weights['conv.kernal']",
            Usage,
            "dict has no key 'conv.kernal'\n  where: [0].weights['conv.kernal']\nhelp: d",
        ),
        ("layers['x']", Usage, "list cannot be indexed so: list indices must be integers"),
        ("layers[0][0]", Usage, "Layer cannot be indexed so"),
        ("layers[0].output", Unsupported, "where: layers[0].output\n  found: AttributeError: never been called"),
        ("layers[0].heavy.x", Unsupported, "where: layers[0].heavy\n  found: RuntimeError: out of memory"),
        ("layers[0].refuses", Mismatch, "the layer's own"),
        ("layers[0].name()", Usage, "str is not callable"),
        (
            "layers[0].forward()",
            Usage,
            "missing a required argument: 'x'\n  where: layers[0].forward()\n  expected: (x:",
        ),
        ("layers.0.name", Usage, "help: numbers go in brackets: layers[0].name"),
        ("layers[i].name", Usage, "an index is neither a whole number, a slice nor a quoted key\n  where: layers[i]"),
    ],
)
def test_a_path_that_leads_nowhere_says_where_it_ends(path: str, error: type[HomologError], said: str) -> None:
    with pytest.raises(error) as caught:
        resolve(Net(), path, call=True)
    assert said in str(caught.value)


def test_the_original_error_is_kept() -> None:
    with pytest.raises(Unsupported) as caught:
        resolve(Net(), "layers[0].heavy")
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_a_torch_module_is_reached_through_its_tables() -> None:
    torch = pytest.importorskip("torch")
    net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh())
    assert resolve(net, "[0].weight") is net[0].weight
    assert resolve(net, "state_dict()['0.bias']", call=True).shape == (3,)  # type: ignore[attr-defined]
    with pytest.raises(Usage, match="did you mean weight"):
        resolve(net, "[0].wieght")
    with pytest.raises(Usage, match="Sequential has 2 items"):
        resolve(net, "[2]")
