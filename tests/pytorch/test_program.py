"""A module as the steps that it computes."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from torch import nn

from homolog.errors import Unsupported
from homolog.graph import Value
from homolog.pytorch.program import trace
from homolog.trace import CONSTANT, PARAMETER, Open, Trace

CAN_LEAVE_LINES = hasattr(getattr(torch.fx, "config", None), "do_not_emit_stack_traces")
"""PyTorch 2.9 notes them always."""


def of(module: nn.Module, *shapes: tuple[int, ...]) -> Trace:
    return trace(module.eval(), [np.zeros(shape, np.float32) for shape in shapes])


def names(found: Trace) -> list[str]:
    return [step.operator for step in found.steps.values()]


class Forward(nn.Module):
    """A module with this forward, and a linear layer and a buffer to use in it."""

    def __init__(self, forward) -> None:  # type: ignore[no-untyped-def]
        super().__init__()
        self.fc = nn.Linear(5, 7)
        self.register_buffer("count", torch.zeros(7))
        self.own = forward

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.own(self, x)


def test_the_batch_is_open_whatever_was_given() -> None:
    for rows in (1, 3):
        found = of(nn.Sequential(nn.Linear(5, 7), nn.ReLU()), (rows, 5))
        assert [step.shape for step in found.steps.values()] == [(None, 5), (None, 7), (None, 7)]


def test_a_layer_is_known_by_its_rule_with_its_weights() -> None:
    found = of(nn.Sequential(nn.Conv2d(3, 4, (2, 3), stride=2, bias=False)), (1, 3, 8, 9))
    (layer,) = [step.layer for step in found.steps.values() if step.layer is not None]
    assert (layer.kind, layer.name, layer.fields["stride"]) == ("conv2d", "0", (2, 2))
    assert [ref.name for weight in layer.weights.values() for ref in weight.tensors] == ["0.weight"]


def test_dropout_is_kept_with_its_rate() -> None:
    found = of(nn.Sequential(nn.Linear(5, 7), nn.Dropout(0.3)), (2, 5))
    (step,) = [step for step in found.steps.values() if step.operator == "dropout"]
    assert (step.arguments["p"], step.arguments["train"]) == (0.3, False)


def test_what_works_in_place_is_read_as_what_gives_a_new_value() -> None:
    def forward(self: Forward, x: torch.Tensor) -> torch.Tensor:
        y = self.fc(x)
        y.relu_()
        y += 1
        return y * 2

    found = of(Forward(forward), (2, 5))
    assert names(found) == ["input", "linear", "relu", "add", "mul"]
    by_operator = {step.operator: step for step in found.steps.values()}
    assert list(by_operator["mul"].values()) == [Value(by_operator["add"].name)]


def test_a_part_that_is_changed_in_place_changes_the_whole() -> None:
    def forward(self: Forward, x: torch.Tensor) -> torch.Tensor:
        y = torch.nn.functional.dropout(self.fc(x), 0.25, self.training)
        y[:, 1:3] += 1
        return y

    found = of(Forward(forward), (2, 5))
    assert "slice_scatter" in names(found)
    assert [step.arguments["p"] for step in found.steps.values() if step.operator == "dropout"] == [0.25]


def test_what_depends_on_shapes_alone_is_a_constant() -> None:
    def forward(self: Forward, x: torch.Tensor) -> torch.Tensor:
        mask = x.new_ones(5, 5).tril()
        return (x[:, None] * mask).sum(-1) + torch.arange(5).expand(x.shape[0], 5)

    found = of(Forward(forward), (2, 5))
    arrays = [step.array for step in found.steps.values() if step.operator == CONSTANT]
    assert sorted(array.shape for array in arrays if array is not None) == [(1, 5), (5, 5)]


def test_rows_that_are_not_alike_are_no_constant() -> None:
    found = of(Forward(lambda self, x: x + torch.arange(x.shape[0])[:, None]), (2, 5))
    assert CONSTANT not in names(found)
    (step,) = [step for step in found.steps.values() if step.operator == "arange"]
    assert (step.static, step.alike) == (True, False)
    assert step.arguments["end"] == Open("batch", 1)


def test_a_parameter_of_its_own_is_a_step() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.rand(5))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * self.scale

    (step,) = [step for step in of(Scaled(), (2, 5)).steps.values() if step.operator == PARAMETER]
    assert step.tensor is not None
    assert step.tensor.name == "scale"


def test_what_nobody_reads_is_left_out_and_its_tensors_are_named() -> None:
    found = of(Forward(lambda self, x: x * 2 + 0 * x), (2, 5))
    assert {ref.name: reason for ref, reason in found.ignored.items()}.keys() == {"fc.weight", "fc.bias", "count"}


def test_modules_that_do_nothing_at_inference_are_named() -> None:
    class Drops(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * torch.rand(()) if self.training else x

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.path, self.fc = Drops(), nn.Linear(5, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.fc(self.path(x))

    assert of(Net(), (2, 5)).silent == {"path": "Drops"}


def test_calls_of_a_shared_module_are_counted() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Sequential(nn.Linear(5, 5), nn.ReLU())

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.inner(self.inner(x))

    found = of(Twice(), (2, 5))
    assert [step.calls[0].count for step in found.steps.values() if step.calls] == [0, 0, 1, 1]


def test_weights_that_are_computed_are_read_as_they_are_used() -> None:
    module = nn.Sequential(torch.nn.utils.parametrizations.spectral_norm(nn.Linear(5, 7)))
    found = of(module, (2, 5))
    (layer,) = [step.layer for step in found.steps.values() if step.layer is not None]
    assert {ref.name for weight in layer.weights.values() for ref in weight.tensors} == {"0.weight", "0.bias"}
    assert any("is computed from it" in reason for reason in found.ignored.values())


def test_weight_norm_is_read_as_what_it_computes() -> None:
    module = nn.Sequential(torch.nn.utils.parametrizations.weight_norm(nn.Linear(5, 7)))
    found = of(module, (2, 5))
    assert sorted(step.operator for step in found.steps.values()) == [
        *("_weight_norm", "input", "linear"),
        *("parameter", "parameter", "parameter"),
    ]
    read = {step.tensor.name for step in found.steps.values() if step.tensor is not None}
    assert read == set(module.state_dict())
    assert not found.ignored
    assert not found.silent
    assert {call.path for step in found.steps.values() for call in step.calls} == {"0"}


def test_the_names_of_outputs_lead_to_them() -> None:
    found = of(Forward(lambda self, x: {"a": x * 2, "b": (x, self.fc(x))}), (2, 5))
    assert list(found.outputs) == ["a", "b.0", "b.1"]


# -- refused --------------------------------------------------------------------------------------------------------


def by_value(self: Forward, x: torch.Tensor) -> torch.Tensor:
    return x * 2 if x.sum() > 0 else x


def changing(self: Forward, x: torch.Tensor) -> torch.Tensor:
    self.count.add_(1)
    return self.fc(x) + self.count


def complex_numbers(self: Forward, x: torch.Tensor) -> torch.Tensor:
    return torch.fft.fft(x).abs()


@pytest.mark.parametrize(
    ("forward", "what", "where"),
    [
        (by_value, "cannot trace", "test_program.py"),
        (changing, "changes the module's own state", "count"),
        (complex_numbers, "complex numbers", "test_program.py"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(forward, what: str, where: str) -> None:  # type: ignore[no-untyped-def]
    with warnings.catch_warnings(), pytest.raises(Unsupported, match=what) as caught:
        warnings.simplefilter("ignore")
        of(Forward(forward), (2, 5))
    assert where in str(caught.value.where)


def test_wrong_shapes_are_refused_with_what_was_given() -> None:
    with pytest.raises(Unsupported, match="cannot trace") as caught:
        of(Forward(lambda self, x: self.fc(x)), (2, 6))
    assert "(2, 6)" in str(caught.value.expected)


def test_types_that_keras_has_no_layers_for_are_refused_by_name() -> None:
    module = nn.Linear(5, 7)
    module.register_buffer("table", torch.eye(3).to_sparse())
    with pytest.raises(Unsupported, match="no layers for") as caught:
        of(module, (2, 5))
    assert caught.value.where == "table"


class WithoutGradients(nn.Module):
    """A part that no gradient goes through, and one inside of it that one does."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(5, 5), nn.Linear(5, 3)
        self.register_buffer("ramp", torch.arange(5.0))

    def forward(self, x: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            cut = torch.tanh(self.first(x))
            angles = (places[:, None] * self.ramp).cos()  # nothing is trained in front of it
            with torch.enable_grad():
                whole = self.first(x)
        return self.second(cut * whole * angles)


def test_what_runs_without_gradients_is_detached_where_one_would_go_through() -> None:
    module = WithoutGradients()
    found = trace(module, [np.zeros((2, 5), np.float32), np.zeros(2, np.int64)])
    detached = [step for step in found.steps.values() if step.operator == "detach"]
    (value,) = [value for step in detached for value in step.values()]
    assert found.steps[value.node].operator == "tanh"


def test_arguments_in_any_number_are_inputs() -> None:
    class Any(nn.Module):
        def forward(self, *given: torch.Tensor) -> torch.Tensor:
            return sum(given[1:], given[0] * 2)

    class OneAndMore(nn.Module):
        def forward(self, first: torch.Tensor, *given: torch.Tensor) -> torch.Tensor:
            return first * given[0] + given[1]

    for module, count in ((Any(), 1), (Any(), 3), (OneAndMore(), 3)):
        found = of(module, *((2, 5),) * count)
        assert [step.shape for step in found.inputs] == [(None, 5)] * count


def test_a_buffer_that_is_put_where_the_input_is_stays_what_it_was() -> None:
    class Placed(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("table", torch.arange(12.0).reshape(4, 3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.table = self.table.to(x.device)
            return self.table + x

    found = trace(Placed(), [np.zeros((2, 4, 3), np.float32)])
    assert [step.operator for step in found.steps.values() if step.operator not in ("input", "constant")] == ["add"]


@pytest.mark.parametrize("lines", [True, False])
def test_a_step_says_its_line_of_the_source_where_that_is_asked(lines: bool) -> None:
    class Shifted(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.tanh() + 1

    places = {step.where for step in trace(Shifted(), [np.zeros((2, 3), np.float32)], lines=lines).steps.values()}

    assert any("test_program.py" in place for place in places) == (lines or not CAN_LEAVE_LINES)
    assert not CAN_LEAVE_LINES or not torch.fx.config.do_not_emit_stack_traces


@pytest.mark.parametrize("lines", [True, False])
def test_what_is_refused_says_its_line_either_way(lines: bool) -> None:
    class Waves(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.fft.fft(x).real

    with pytest.raises(Unsupported, match="complex") as refused:
        trace(Waves(), [np.zeros((2, 6), np.float32)], lines=lines)
    assert "test_program.py" in str(refused.value.where)


def test_a_number_that_compares_lengths_is_an_open_number() -> None:
    """A truth value is none of the whole numbers that lengths are, at one row neither."""

    class Many(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * 2 + torch.sym_ite(x.shape[0] > 5, 3, 1)

    found = of(Many(), (2, 4))

    numbers = [item for step in found.steps.values() for item in step.arguments.values() if isinstance(item, Open)]
    assert [(number.at_one, number.batches) for number in numbers] == [(1, True)]
