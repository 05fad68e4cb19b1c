"""What passes through a module's layers: kept, replaced, and nothing left behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from homolog.live import INPUT
from homolog.pytorch.record import recording

Array = np.ndarray[Any, Any]
ROWS = np.random.default_rng(0).standard_normal((2, 4)).astype(np.float32)
OTHER = np.full((2, 5), 0.5, np.float32)


def net(*, inplace: bool = False) -> Any:
    import torch
    from torch import nn

    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 5), nn.ReLU(inplace=inplace), nn.Linear(5, 3)).eval()


def ran(
    module: Any, layers: list[str], instead: Mapping[str, Array] | None = None, array: Array = ROWS
) -> tuple[Array, dict[str, Array]]:
    """Output of a module, and what was kept."""
    import torch

    seen: dict[str, Array] = {}
    with torch.no_grad(), recording(module, layers, instead or {}, seen):
        output = module(torch.tensor(array))
    return output.float().numpy(), seen


def plain(module: Any, array: Array = ROWS) -> Array:
    return ran(module, [], array=array)[0]


def hooks(module: Any) -> int:
    return sum(len(child._forward_hooks) + len(child._forward_pre_hooks) for child in module.modules())


def test_another_value_goes_on_and_the_layer_s_own_is_kept() -> None:
    module = net()
    linear = plain(module[0])
    assert (linear < 0).any()

    output, seen = ran(module, ["0", "1", "2"], {"0": OTHER})

    np.testing.assert_array_equal(seen["0"], linear)
    np.testing.assert_array_equal(seen["1"], OTHER)
    np.testing.assert_array_equal(output, plain(module[2], OTHER))
    np.testing.assert_array_equal(seen["2"], output)


def test_every_layer_gives_its_own_though_each_is_fed_another_s() -> None:
    module = net()
    output, seen = ran(module, ["0", "2"], {"0": OTHER, "2": np.zeros((2, 3), np.float32)})

    np.testing.assert_array_equal(seen["2"], plain(module[2], OTHER))
    assert not output.any()


def test_a_layer_that_works_in_place_spoils_neither_what_was_kept_nor_what_was_given() -> None:
    module, given = net(inplace=True), -np.ones((2, 5), np.float32)

    _, seen = ran(module, ["0", "1", f"1{INPUT}"], {"0": given})

    assert (seen["0"] < 0).any()
    assert (seen[f"1{INPUT}"] == -1).all()
    assert not seen["1"].any()
    assert (given == -1).all()


def test_inputs_are_kept_and_not_replaced() -> None:
    module = net()
    place = f"2{INPUT}"

    output, seen = ran(module, [place, f"0{INPUT}"], {place: OTHER})

    np.testing.assert_array_equal(seen[f"0{INPUT}"], ROWS)
    np.testing.assert_array_equal(seen[place], np.maximum(plain(module[0]), 0))
    np.testing.assert_array_equal(output, plain(module))


def test_values_of_another_shape_are_not_put_in() -> None:
    module = net()

    output, seen = ran(module, ["0"], {"0": OTHER[:1]})

    np.testing.assert_array_equal(output, plain(module))
    assert seen["0"].shape == (2, 5)


@pytest.mark.parametrize("kind", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("given", ["own", "float32", "float64"])
def test_values_take_the_element_type_of_the_layer(kind: str, given: str) -> None:
    import torch

    module = net().to(getattr(torch, kind))
    rows = torch.tensor(ROWS).to(getattr(torch, kind))
    seen: dict[str, Array] = {}
    with torch.no_grad(), recording(module, ["0"], {}, seen):
        module(rows)
    instead = np.full_like(seen["0"], 0.5) if given == "own" else OTHER.astype(given)

    with torch.no_grad(), recording(module, ["0"], {"0": instead}, {}):
        output = module(rows)

    assert torch.equal(output, module[2](torch.full((2, 5), 0.5, dtype=output.dtype)))


def test_the_first_call_of_a_layer_counts() -> None:
    import torch
    from torch import nn

    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.step = nn.Linear(4, 4)

        def forward(self, x: Any) -> Any:
            return self.step(self.step(x))

    torch.manual_seed(0)
    module, other = Twice().eval(), np.ones((2, 4), np.float32)

    output, seen = ran(module, ["step", f"step{INPUT}"], {"step": other})

    np.testing.assert_array_equal(seen["step"], plain(module.step))
    np.testing.assert_array_equal(seen[f"step{INPUT}"], ROWS)
    np.testing.assert_array_equal(output, plain(module.step, other))


def named() -> Any:
    from torch import nn

    class Inner(nn.Module):
        def forward(self, flag: bool, *, x: Any) -> Any:
            return x * 2 if flag else x

    class Outer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Inner()

        def forward(self, x: Any) -> Any:
            return self.inner(True, x=x) + 1

    return Outer().eval()


def test_a_layer_that_is_called_by_keyword() -> None:
    output, seen = ran(named(), ["inner", f"inner{INPUT}"], {"inner": np.zeros_like(ROWS)})

    np.testing.assert_array_equal(seen[f"inner{INPUT}"], ROWS)
    np.testing.assert_array_equal(seen["inner"], ROWS * 2)
    assert (output == 1).all()


def test_of_several_results_the_first_is_kept_and_none_is_replaced() -> None:
    import torch
    from torch import nn

    torch.manual_seed(0)

    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.LSTM(4, 5, batch_first=True)

        def forward(self, x: Any) -> Any:
            return self.rnn(x)[0]

    module, sequence = Last().eval(), ROWS.reshape(1, 2, 4)
    output, seen = ran(module, ["rnn"], {"rnn": np.zeros((1, 2, 5), np.float32)}, sequence)

    assert output.any()
    np.testing.assert_array_equal(seen["rnn"], output)


def fails(module: Any) -> None:
    ran(module, ["0", f"0{INPUT}", "2"], array=ROWS[:, :3])


def unknown(module: Any) -> None:
    ran(module, ["0", f"1{INPUT}", "missing"])


@pytest.mark.parametrize("how", [fails, unknown])
def test_no_hook_is_left_when_it_fails(how: Callable[[Any], None]) -> None:
    module = net()

    with pytest.raises((RuntimeError, AttributeError)):
        how(module)

    assert hooks(module) == 0
    assert ran(module, ["0"])[1]["0"].shape == (2, 5)
    assert hooks(module) == 0


def test_hooks_of_the_user_stay() -> None:
    module = net()
    called: list[int] = []
    module[0].register_forward_hook(lambda *_: called.append(1))

    ran(module, ["0", f"0{INPUT}"])

    assert (hooks(module), called) == (1, [1])
