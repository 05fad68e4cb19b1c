"""Optimisers, losses and schedules of PyTorch, read; what no rule knows is refused."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from homolog.errors import Unsupported
from homolog.pytorch.learning_setup import read
from homolog.rules.training import Setting, Setup


def linear() -> Any:
    import torch

    return torch.nn.Linear(3, 2)


def optim(name: str, *positional: Any, model: Any = None, **arguments: Any) -> Any:
    import torch

    return getattr(torch.optim, name)((model or linear()).parameters(), *positional, **arguments)


def test_nothing_given_is_nothing_read() -> None:
    assert read() == Setup()


def test_an_optimiser_is_read_in_its_own_words() -> None:
    setup = read(optim("Adam", lr=0.1, betas=(0.8, 0.9), weight_decay=0.2, amsgrad=True))
    common = {"lr": 0.1, "weight_decay": 0.2, "decoupled_weight_decay": False}
    assert setup.optimizer == Setting("adam", {**common, "betas": (0.8, 0.9), "eps": 1e-8, "amsgrad": True})
    assert setup.notes == ()


def test_numbers_may_be_tensors() -> None:
    import torch

    setup = read(optim("SGD", lr=torch.tensor(0.5)))
    assert setup.optimizer is not None
    assert setup.optimizer.fields["lr"] == 0.5


def test_adamw_is_adam_whose_decay_bypasses_the_gradient() -> None:
    one, other = read(optim("AdamW")), read(optim("Adam", weight_decay=0.01, decoupled_weight_decay=True))
    assert one == other
    assert one.optimizer is not None
    assert one.optimizer.fields["decoupled_weight_decay"] is True


def test_how_an_update_is_computed_is_no_setting() -> None:
    assert read(optim("Adam", foreach=False)) == read(optim("Adam", capturable=False, fused=None))


def test_groups_that_are_set_alike_are_one() -> None:
    import torch

    model = linear()
    groups = [{"params": [model.weight]}, {"params": [model.bias]}]
    assert read(torch.optim.SGD(groups, lr=0.1), model=model) == read(optim("SGD", lr=0.1))


def test_groups_that_differ_are_refused_with_what_they_differ_in() -> None:
    import torch

    model = linear()
    groups = [{"params": [model.weight]}, {"params": [model.bias], "lr": 0.01, "weight_decay": 0.5}]
    with pytest.raises(Unsupported, match="the parameter groups of an optimiser are set differently") as caught:
        read(torch.optim.SGD(groups, lr=0.1))
    assert caught.value.found == "lr: 0.1 and 0.01, weight_decay: 0 and 0.5"


def test_parameters_that_only_keras_would_train_are_refused() -> None:
    import torch

    model = torch.nn.Sequential(linear(), torch.nn.Linear(2, 2))
    optimizer = torch.optim.SGD(model[1].parameters(), lr=0.1)
    with pytest.raises(Unsupported, match="does not hold all of the model's parameters") as caught:
        read(optimizer, model=model)
    assert caught.value.found == "not there: 0.weight, 0.bias"
    model[0].requires_grad_(False)
    assert read(optimizer, model=model).optimizer is not None


def test_maximising_is_refused() -> None:
    with pytest.raises(Unsupported, match="configured in a way that no rule knows") as caught:
        read(optim("SGD", lr=0.1, maximize=True))
    assert caught.value.found == "maximize=True"


def test_a_setting_that_nobody_knows_is_refused() -> None:
    optimizer = optim("SGD", lr=0.1)
    optimizer.param_groups[0]["temperature"] = 2.0
    with pytest.raises(Unsupported) as caught:
        read(optimizer)
    assert caught.value.found == "temperature=2.0"


@pytest.mark.parametrize("name", ["LBFGS", "RAdam", "Rprop", "ASGD"])
def test_an_optimiser_without_a_rule_is_refused_with_those_that_have_one(name: str) -> None:
    with pytest.raises(Unsupported, match="an optimiser is of a class that no rule knows") as caught:
        read(optim(name))
    assert caught.value.found == name
    assert caught.value.expected == "one of Adadelta, Adagrad, Adam, AdamW, Adamax, NAdam, RMSprop, SGD"


def test_a_class_of_ones_own_is_not_what_it_is_called() -> None:
    import torch

    made = type("SGD", (torch.optim.SGD,), {})(linear().parameters(), lr=0.1)
    with pytest.raises(Unsupported, match="an optimiser is of a class that no rule knows"):
        read(made)
    with pytest.raises(Unsupported, match="a loss is of a class that no rule knows"):
        read(loss=type("MSELoss", (torch.nn.MSELoss,), {})())


@pytest.mark.parametrize("name", ["Adagrad", "Adam", "SGD"])
def test_what_an_optimiser_has_gathered_is_named(name: str) -> None:
    import torch

    model = linear()
    optimizer = optim(name, 0.1, model=model, **({"momentum": 0.9} if name == "SGD" else {}))
    assert read(optimizer).notes == ()
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    (note,) = read(optimizer).notes
    assert note.startswith("the optimiser has been training: what it keeps of 2 tensors")


def test_a_schedule_is_read_with_the_rate_that_it_starts_from() -> None:
    import torch

    optimizer = optim("SGD", lr=0.4)
    schedule = torch.optim.lr_scheduler.ConstantLR(optimizer, 0.25, total_iters=3)
    setup = read(optimizer, scheduler=schedule)
    assert setup.optimizer is not None
    assert setup.optimizer.fields["lr"] == 0.4
    assert setup.schedule == Setting("constant", {"factor": 0.25, "total_iters": 3})
    assert setup.notes == ()
    assert read(scheduler=schedule) == setup


def test_a_schedule_that_has_advanced_is_named() -> None:
    import torch

    optimizer = optim("SGD", lr=0.4)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    for _ in range(3):
        optimizer.step()
        schedule.step()
    assert read(optimizer, scheduler=schedule).notes == (
        "the schedule has advanced by 3 steps; what is written starts from the beginning",
    )
    (note,) = read(optimizer).notes
    assert note.startswith("the optimiser's rate is 0.05, and was 0.4 before a schedule that was not given moved it")


def test_one_cycle_is_read_back_from_what_it_keeps() -> None:
    import torch

    optimizer = optim("SGD", lr=0.4, momentum=0.9)
    arguments = {"pct_start": 0.25, "anneal_strategy": "linear", "div_factor": 10.0, "final_div_factor": 100.0}
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.3, 40, three_phase=True, **arguments)
    setup = read(optimizer, scheduler=schedule)
    assert setup.schedule is not None
    fields = dict(setup.schedule.fields)
    assert {name: fields[name] for name in arguments} == pytest.approx(arguments)
    assert (fields["max_lr"], fields["total_steps"], fields["three_phase"]) == (0.3, 40, True)


def test_a_schedule_of_the_users_code_is_refused() -> None:
    import torch

    schedule = torch.optim.lr_scheduler.LambdaLR(optim("SGD", lr=0.1), lambda epoch: 0.9**epoch)
    with pytest.raises(Unsupported, match="a schedule is of a class that no rule knows") as caught:
        read(scheduler=schedule)
    assert caught.value.found == "LambdaLR"


def test_a_loss_is_read_with_its_tensors() -> None:
    import torch

    loss = torch.nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0]), ignore_index=7, reduction="sum")
    setup = read(loss=loss)
    assert setup.loss is not None
    assert setup.loss.kind == "cross_entropy"
    fields = setup.loss.fields
    assert (fields["weight"], fields["ignore_index"], fields["reduction"]) == ((1.0, 2.0), 7, "sum")
    assert (fields["outputs"], fields["targets"]) == ("logits", None)


def test_a_function_is_a_loss_with_the_settings_of_its_module() -> None:
    from torch import nn
    from torch.nn import functional

    assert read(loss=functional.cross_entropy) == read(loss=nn.CrossEntropyLoss())
    smoothed = functools.partial(functional.cross_entropy, label_smoothing=0.1)
    assert read(loss=smoothed) == read(loss=nn.CrossEntropyLoss(label_smoothing=0.1))


def test_losses_that_no_rule_knows_are_refused() -> None:
    from torch import nn
    from torch.nn import functional

    for loss, name in (
        (nn.KLDivLoss(), "KLDivLoss"),
        (nn.CosineEmbeddingLoss(), "CosineEmbeddingLoss"),
        (functional.kl_div, "kl_div"),
        (lambda outputs, targets: outputs.sum(), "<lambda>"),
    ):
        with pytest.raises(Unsupported, match="a loss is of a class that no rule knows") as caught:
            read(loss=loss)
        assert str(caught.value.found).endswith(name)
    with pytest.raises(Unsupported, match="a loss is configured in a way that no rule knows") as caught:
        read(loss=functools.partial(functional.mse_loss, temperature=2.0))
    assert caught.value.found == "temperature=2.0"
