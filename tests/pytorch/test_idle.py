"""A first call that leaves what the first call leaves, without what it computes."""

from __future__ import annotations

import copy
from collections import defaultdict
from typing import Any

import pytest
import torch
from torch import nn

from homolog.errors import Unsupported
from homolog.pytorch.idle import first_call, idling


class Positions(nn.Module):
    """Keeps a table of positions, made by a product, which its first call makes for the length that comes."""

    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Linear(5, 6)
        self.mix = nn.Conv1d(6, 4, 3)
        self.table: torch.Tensor | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.table is None:
            angles = torch.arange(1.0, x.shape[1] + 1)[:, None] @ torch.arange(1.0, 7.0)[None]
            self.table = angles.sin()
        y = self.project(x) + self.table
        weights = torch.softmax(y @ y.mT, -1)
        y = nn.functional.scaled_dot_product_attention(y[:, None], y[:, None], y[:, None])[:, 0] + weights @ y
        return self.mix(y.mT)


def test_what_the_call_makes_of_nothing_but_itself_and_keeps_is_as_ever() -> None:
    one, other = Positions().eval(), Positions().eval()
    x = torch.randn(2, 7, 5)
    first_call(one, [x], {})
    with torch.no_grad():
        other(x)
    assert one.table is not None and other.table is not None
    torch.testing.assert_close(one.table, other.table, rtol=0, atol=0)
    assert one.table.abs().max() > 0.1


def test_products_of_what_comes_in_are_zeros_of_the_shapes_and_types_that_they_would_have() -> None:
    module = Positions().double().eval()
    x = torch.randn(2, 7, 5, dtype=torch.float64)
    with torch.no_grad():
        expected = module(x)
        with idling([x]):
            found = module(x)
            other = torch.ones(2, 3) @ torch.ones(3, 4)
    assert found.shape == expected.shape == (2, 4, 5) and found.dtype == torch.float64
    assert not found.any() and expected.any()  # its bias too is part of the convolution
    assert (other == 3).all()  # of nothing that comes in


CALLS: list[str] = []


class Picky(nn.Module):
    """Runs on no zeros."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 4)

    def forward(self, x: torch.Tensor, *, scale: torch.Tensor) -> torch.Tensor:
        CALLS.append("begun")
        y = self.layer(x) * scale
        y = y + y.nonzero()[0, 0]
        CALLS.append("done")
        return y


def test_a_module_that_takes_no_zeros_is_called_in_earnest() -> None:
    CALLS.clear()
    first_call(Picky().eval(), [torch.ones(2, 3)], {"scale": torch.ones(4)})
    assert CALLS == ["begun", "begun", "done"]


def test_an_error_of_the_modules_own_comes_as_it_is() -> None:
    def refuse(*given: Any) -> None:
        raise KeyError("own")

    module = nn.Linear(3, 4)
    module.register_forward_pre_hook(refuse)
    with pytest.raises(KeyError, match="own"):
        first_call(module, [torch.ones(2, 3)], {})
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        first_call(nn.Linear(3, 4), [torch.ones(2, 5)], {})


class Keeping(nn.Module):
    """Keeps something of its first call."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 4)
        self.kept: Any = None
        self.by_name: dict[str, Any] = {}
        self.calls: list[bool] = []
        self.register_buffer("buffer", torch.full((4,), 7.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.layer(x)
        self.keep(y.relu() + 1)
        return y

    def keep(self, y: torch.Tensor) -> None:
        raise NotImplementedError

    def found(self) -> Any:
        return self.kept


class Holder:
    y: Any = None
    own: Any = None


class InAnAttribute(Keeping):
    def keep(self, y: torch.Tensor) -> None:
        if self.kept is None:
            self.kept = y


class InADict(Keeping):
    def keep(self, y: torch.Tensor) -> None:
        self.by_name.setdefault("y", (y, 1))

    def found(self) -> Any:
        return self.by_name["y"][0]


class InAList(Keeping):
    def keep(self, y: torch.Tensor) -> None:
        self.calls.append(y)  # type: ignore[arg-type]

    def found(self) -> Any:
        (once,) = self.calls
        return once


class InANestedList(Keeping):
    def __init__(self) -> None:
        super().__init__()
        self.by_name["y"] = []

    def keep(self, y: torch.Tensor) -> None:
        self.by_name["y"].append(y)

    def found(self) -> Any:
        (once,) = self.by_name["y"]
        return once


class InAListOfAnObject(Keeping):
    def __init__(self) -> None:
        super().__init__()
        self.holder = Holder()
        self.holder.y, self.holder.own = [], self.holder

    def keep(self, y: torch.Tensor) -> None:
        self.holder.y.append(y)

    def found(self) -> Any:
        (once,) = self.holder.y
        return once


class InADictThatMakesItsOwn(Keeping):
    def __init__(self) -> None:
        super().__init__()
        self.by_name = defaultdict(list)

    def keep(self, y: torch.Tensor) -> None:
        self.by_name["y"].append(y)

    def found(self) -> Any:
        assert isinstance(self.by_name, defaultdict)
        (once,) = self.by_name["y"]
        return once


class InANewBuffer(Keeping):
    def keep(self, y: torch.Tensor) -> None:
        if "own" not in self._buffers:
            self.register_buffer("own", y)

    def found(self) -> Any:
        return self.own


class InABufferOfItsOwn(Keeping):
    def keep(self, y: torch.Tensor) -> None:
        if (self.buffer == 7).all():
            self.buffer[:2] = y[0, :2]

    def found(self) -> Any:
        return self.buffer


class AsANumber(Keeping):
    def keep(self, y: torch.Tensor) -> None:
        if self.kept is None:
            self.kept = y.max().item()


class AsNumbersThatNoOperatorGives(Keeping):
    def keep(self, y: torch.Tensor) -> None:
        if self.kept is None:
            self.kept = y.tolist()


class AsAnArray(Keeping):
    def keep(self, y: torch.Tensor) -> None:
        if self.kept is None:
            self.kept = y.numpy()


class InAnObject(Keeping):
    """Which is replaced at every call."""

    def __init__(self) -> None:
        super().__init__()
        self.holder = Holder()

    def keep(self, y: torch.Tensor) -> None:
        self.holder.y = y

    def found(self) -> Any:
        return self.holder.y


class ByWhatItDecides(Keeping):
    def keep(self, y: torch.Tensor) -> None:
        if y.max() > 1:
            self.kept = torch.ones(2)


KEEPING = [
    InAnAttribute,
    InADict,
    InAList,
    InANestedList,
    InAListOfAnObject,
    InADictThatMakesItsOwn,
    InANewBuffer,
    InABufferOfItsOwn,
    AsANumber,
    AsNumbersThatNoOperatorGives,
    AsAnArray,
    InAnObject,
    ByWhatItDecides,
]


@pytest.mark.parametrize("kind", KEEPING)
def test_what_it_keeps_of_its_products_is_what_they_are(kind: type[Keeping]) -> None:
    torch.manual_seed(5)
    module = kind().eval()
    twin = copy.deepcopy(module)
    x = torch.randn(2, 3)
    first_call(module, [x], {})
    with torch.no_grad():
        twin(x)
    found, expected = torch.as_tensor(module.found()), torch.as_tensor(twin.found())
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
    assert (expected != 1).any() or kind is ByWhatItDecides


class Lazy(dict[str, Any]):
    """Makes what it holds when it is asked."""

    def __getitem__(self, key: str) -> Any:
        return dict.__getitem__(self, key)()

    def values(self) -> Any:
        raise RuntimeError("makes all of them")

    keys = items = copy = __iter__ = values  # type: ignore[assignment]


class Unbound:
    def __getattribute__(self, name: str) -> Any:
        if name == "__dict__":
            raise RuntimeError("a proxy of nothing")
        return object.__getattribute__(self, name)


def test_what_the_module_holds_is_not_asked_to_do_anything() -> None:
    class Holding(Keeping):
        def __init__(self) -> None:
            super().__init__()
            self.lazy = {"all": [Lazy(relu=nn.ReLU)]}
            self.proxy = Unbound()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            CALLS.append("done")
            y: torch.Tensor = self.lazy["all"][0]["relu"](self.layer(x))
            return y

    CALLS.clear()
    first_call(Holding().eval(), [torch.ones(2, 3)], {})
    assert CALLS == ["done"]


ELSEWHERE: list[torch.Tensor] = []


class Outside(Keeping):
    def keep(self, y: torch.Tensor) -> None:
        ELSEWHERE.append(y)


def test_what_is_kept_where_it_cannot_be_taken_back_is_refused() -> None:
    try:
        with pytest.raises(Unsupported, match="outside of itself") as caught:
            first_call(Outside().eval(), [torch.ones(2, 3)], {})
        assert caught.value.where == "Outside"
    finally:
        ELSEWHERE.clear()


def test_what_hooks_are_given_is_what_the_module_computes() -> None:
    module, seen = nn.Sequential(nn.Linear(3, 4), nn.ReLU()).eval(), []
    module[0].register_forward_hook(lambda layer, given, result: seen.append(result))
    x = torch.ones(2, 3)
    first_call(module, [x], {})
    with torch.no_grad():
        expected = nn.functional.linear(x, module[0].weight, module[0].bias)
    (found,) = seen
    torch.testing.assert_close(found, expected)


class Counting(nn.Module):
    """Keeps nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(3, 4), nn.Linear(4, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = self.second(self.first(x))
        CALLS.append("done")
        out += 1
        return out


def test_a_module_that_keeps_nothing_is_called_once() -> None:
    CALLS.clear()
    first_call(Counting().eval(), [torch.ones(2, 3)], {})
    assert CALLS == ["done"]
