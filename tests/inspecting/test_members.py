"""What the REPL tells about an object: names, kinds, signatures, sources, and the results of calls."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cached_property

import numpy as np
import pytest

from homolog.errors import Unsupported, Usage
from homolog.inspecting import members as module
from homolog.inspecting.members import Member, call, describe, members


class Base:
    """The base."""

    rate = 0.5

    def state_dict(self, prefix: str = "") -> dict[str, object]:
        """What it holds.

        At length.
        """
        return {prefix + "weight": np.zeros((2, 3), np.float32)}

    @staticmethod
    def version(of: int) -> int:
        return of


class Net(Base):
    """A net."""

    __slots__ = ("slot", "unset")

    class Inner:
        """Inside."""

    def __init__(self, units: int = 3) -> None:
        self.units = units
        self.weight = np.ones((2, 3), np.float32)
        self.history = [self.weight, 1]
        self.slot = 7
        self._state = "private"

    @property
    def output(self) -> object:
        """The output."""
        raise AssertionError("a listing reads no property")

    @cached_property
    def summary(self) -> object:
        raise AssertionError("a listing reads no property")

    @classmethod
    def build(cls, units: int) -> Net:
        return cls(units)

    def named(self) -> Iterator[tuple[str, object]]:
        yield "weight", self.weight

    def broken(self) -> object:
        raise ZeroDivisionError("by nothing")


HERE = f"{Net.__module__}."


def by_name(obj: object, word: str | None = None, private: bool = False) -> dict[str, Member]:
    return {row.name: row for row in members(obj, word, private=private)}


@pytest.mark.parametrize(
    "row",
    [
        Member("build", "method", "classmethod", HERE + "Net", "(units: 'int') -> 'Net'"),
        Member("version", "method", "staticmethod", HERE + "Base", "(of: 'int') -> 'int'"),
        Member(
            "state_dict", "method", "function", HERE + "Base", "(prefix: 'str' = '') -> 'dict[str, object]'",
            "What it holds.",
        ),
        Member("output", "property", "property", HERE + "Net", doc="The output."),
        Member("summary", "property", "cached_property", HERE + "Net"),
        Member("Inner", "class", "type", HERE + "Net", "()", "Inside."),
        Member("rate", "attribute", "float", HERE + "Base", value="0.5"),
        Member("units", "attribute", "int", value="3"),
        Member("weight", "tensor", "ndarray", value="float32 (2, 3)"),
        Member("history", "attribute", "list", value="[float32 (2, 3), 1]"),
        Member("slot", "attribute", "int", HERE + "Net", value="7"),
        Member("unset", "attribute", "", HERE + "Net", value="(not set)"),
    ],
    ids=lambda row: row.name,
)  # fmt: skip
def test_a_member_is_told_by_kind_type_owner_signature_and_value(row: Member) -> None:
    assert by_name(Net())[row.name] == row


def test_names_come_in_order_and_private_ones_when_asked() -> None:
    shown = members(Net(), "STATE")
    assert [row.name for row in shown] == ["state_dict"]
    assert shown.hidden == len(members(Net(), "state", private=True)) - 1 >= 1
    assert "_state" in by_name(Net(), private=True)
    assert "__init__" in by_name(Net(), private=True)
    assert not [name for name in by_name(Net()) if name.startswith("_")]


def test_a_word_may_be_a_regular_expression() -> None:
    assert list(by_name(Net(), "^(un|sl)")) == ["slot", "units", "unset"]
    assert len(members(Net(), "nothing_like_it")) == 0


def test_an_invalid_expression_is_a_usage_error() -> None:
    with pytest.raises(Usage, match="a search word is no regular expression") as caught:
        members(Net(), "weight[")
    assert caught.value.help == "to search for these very characters: weight\\["


def test_a_listing_reads_as_text_and_as_json() -> None:
    shown = members(Net(), "weight|state")
    head, *rows = str(shown).splitlines()
    assert head == f"{HERE}Net: 2 of {shown.total} members matching 'weight|state', and {shown.hidden} private"
    assert rows == [
        "  state_dict(prefix: 'str' = '') -> 'dict[str, object]'  [method]  What it holds.",
        "  weight  [tensor]  float32 (2, 3)",
    ]
    assert json.loads(json.dumps(shown.to_dict()))["members"][1]["value"] == "float32 (2, 3)"


def test_a_class_and_a_python_module_have_members_too() -> None:
    rows = by_name(Net)
    assert rows["state_dict"].signature == "(self, prefix: 'str' = '') -> 'dict[str, object]'"
    assert rows["slot"].kind == rows["output"].kind == "property"
    assert members(Net).of == HERE + "Net"
    rows = by_name(module)
    assert (rows["describe"].kind, rows["Members"].kind, rows["re"].kind) == ("method", "class", "module")
    assert members(module).of == "homolog.inspecting.members"


def test_a_name_that_is_only_announced_is_dynamic() -> None:
    class Proxy:
        def __dir__(self) -> list[str]:
            return ["remote"]

        def __getattr__(self, name: str) -> object:
            raise AssertionError("a listing reads nothing")

    assert list(members(Proxy())) == [Member("remote", "dynamic", "")]


def test_an_object_is_described_with_its_class() -> None:
    told = describe(Net())
    assert told.type == HERE + "Net"
    assert told.hierarchy == (HERE + "Net", HERE + "Base", "object")
    assert (told.signature, told.doc, told.name) == ("(units: 'int' = 3) -> 'None'", "A net.", None)
    assert told.file == __file__
    assert told.source is not None
    assert told.source.startswith("class Net(Base):\n")


def test_a_function_is_described_with_its_source() -> None:
    told = describe(Net(), "state_dict")
    assert told.name == HERE + "Base.state_dict"
    assert told.doc == "What it holds.\n\nAt length."
    assert told.source is not None
    assert told.source.startswith('    def state_dict(self, prefix: str = "")')
    assert f"source     {__file__}:{told.line}\n\n    def state_dict" in str(told)


def test_what_is_built_in_says_why_it_has_no_source() -> None:
    told = describe([], "append")
    assert told.sourceless == "none: it is built in, not written in Python"
    assert "source     none: it is built in" in str(told)
    assert told.doc == "Append object to the end of the list."


def test_source_that_is_gone_says_so() -> None:
    made: dict[str, object] = {}
    exec("def typed_in(): ...", made)
    assert str(describe(made["typed_in"]).sourceless).startswith("none: ")


def test_data_is_described_by_its_value() -> None:
    assert str(describe(Net(), "weight")) == (
        "path       weight\n"
        "type       numpy.ndarray\n"
        "inherits   numpy.ndarray > object\n"
        "value      float32 (2, 3); min 1, max 1, mean 1; std 0; first 1, 1, 1, 1\n"
        "length     2"
    )
    told = describe(Net(), "history[1]")
    assert (told.value, told.doc, told.source, told.length) == ("1", None, None, None)


def test_a_property_is_read_when_it_is_asked_for() -> None:
    with pytest.raises(Unsupported, match="AssertionError: a listing reads no property"):
        describe(Net(), "output")


def test_a_member_is_called_by_name_and_its_result_described() -> None:
    told = call(Net(), "state_dict")
    assert (told.path, told.type, told.items) == ("state_dict()", "dict", ("weight: float32 (2, 3)",))
    assert call(Net(), "named").items == ("('weight', float32 (2, 3))",)
    assert describe(Net(), "state_dict()['weight']", call=True).value == "float32 (2, 3)"
    assert json.loads(json.dumps(told.to_dict()))["items"] == ["weight: float32 (2, 3)"]
    with pytest.raises(Unsupported, match="ZeroDivisionError: by nothing"):
        call(Net(), "broken")
    with pytest.raises(Usage, match="missing a required argument: 'units'"):
        call(Net(), "build")


def test_a_torch_module_shows_its_layers_and_parameters() -> None:
    torch = pytest.importorskip("torch")
    net = torch.nn.Sequential(*(torch.nn.Linear(2, 3) for _ in range(11)))
    net.norm = torch.nn.BatchNorm1d(3, affine=False)
    rows = members(net)
    layers = [row.name for row in rows if row.kind == "layer"]
    assert layers == [*(f"[{place}]" for place in range(11)), "norm"]
    assert by_name(net)["[10]"].value == "Linear(in_features=2, out_features=3, bias=True)"
    assert by_name(net[0], "weight")["weight"] == Member("weight", "tensor", "Parameter", value="float32 (3, 2)")
    assert by_name(net.norm)["running_mean"] == Member("running_mean", "tensor", "Tensor", value="float32 (3,)")
    assert by_name(net.norm)["weight"].value == "None"
    assert by_name(net)["state_dict"].owner == "torch.nn.modules.module.Module"
    assert call(net[0], "state_dict").items == ("weight: float32 (3, 2)", "bias: float32 (3,)")
    assert describe(net, "[0].forward").signature == "(input: torch.Tensor) -> torch.Tensor"


KERAS = """
import keras
from homolog.errors import Unsupported
from homolog.inspecting.members import call, describe, members
from homolog.source import framework_of

net = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="dense")])
layer = net.layers[0]
rows = {row.name: row for row in members(layer)}
assert framework_of(net) == framework_of(layer) == "keras"
assert rows["kernel"].kind == "property" and rows["kernel"].value is None, rows["kernel"]
assert rows["bias"].value == "float32 (3,)", rows["bias"]
assert rows["units"].value == "3"
assert describe(net, "layers[0].kernel").figures.mean is not None
assert str(describe(net, "layers[0].bias").figures) == "float32 (3,); min 0, max 0, mean 0; std 0; first 0, 0, 0"
assert describe(net, "layers[0]").hierarchy[1] == "keras.src.layers.layer.Layer"
assert "units: 3" in call(net, "layers[0].get_config").items
assert describe(net, "inputs[0]").figures.unread is not None
assert str(describe(net, "inputs[0]").figures).startswith("float32 (None, 4)")
try:
    describe(keras.layers.Dense(3), "output")
except Unsupported as error:
    assert "never been called" in str(error), error
else:
    raise AssertionError("output was read")
"""


def test_a_keras_layer_shows_its_variables_and_its_properties_on_demand() -> None:
    pytest.importorskip("keras")
    # A process of its own: which backend Keras takes is decided once, when it is first imported.
    done = subprocess.run([sys.executable, "-c", KERAS], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
