"""Experts of transformers are traced as each token reads them, and compute as before behind it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from torch import nn

from homolog.pytorch.experts import PLAIN, SETTING, plain_experts


class Configured(nn.Module):
    def __init__(self, **settings: object) -> None:
        super().__init__()
        self.config = SimpleNamespace(**settings)


def test_the_setting_is_lent_to_every_part_that_has_it() -> None:
    module = nn.Sequential(Configured(**{SETTING: "grouped_mm"}), Configured(**{SETTING: "eager"}), Configured())
    first, second, third = module
    with plain_experts(module):
        assert (getattr(first.config, SETTING), getattr(second.config, SETTING)) == (PLAIN, PLAIN)
        assert not hasattr(third.config, SETTING)
    assert (getattr(first.config, SETTING), getattr(second.config, SETTING)) == ("grouped_mm", "eager")


def test_it_is_put_back_when_the_body_fails() -> None:
    module = Configured(**{SETTING: "grouped_mm"})
    with pytest.raises(RuntimeError), plain_experts(module):
        raise RuntimeError
    assert getattr(module.config, SETTING) == "grouped_mm"
