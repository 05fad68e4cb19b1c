"""Operators that have two names."""

from __future__ import annotations

import pytest
import torch

from homolog.pytorch.aliases import ALIASES, plain


@pytest.mark.parametrize("name", ALIASES)
def test_an_alias_takes_the_arguments_of_the_other_in_each_of_its_forms(name: str) -> None:
    alias, other = getattr(torch.ops.aten, name), getattr(torch.ops.aten, ALIASES[name])
    for overload in alias.overloads():
        ours, theirs = (getattr(operator, overload)._schema.arguments for operator in (alias, other))
        assert [(item.name, str(item.type)) for item in ours] == [(item.name, str(item.type)) for item in theirs]


@pytest.mark.parametrize("name", ALIASES)
def test_an_alias_computes_what_the_other_does(name: str) -> None:
    a, b = torch.tensor([1.5, -2.0, 3.0]), torch.tensor([1.5, 4.0, -3.0])
    assert torch.equal(getattr(torch.ops.aten, name)(a, b), getattr(torch.ops.aten, ALIASES[name])(a, b))


def test_what_works_in_place_is_the_same_operator() -> None:
    assert plain("add_") == "add"
    assert plain("multiply_") == "mul"
    assert plain("__and__") == "__and__"
