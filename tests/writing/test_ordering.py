"""Branches are written one after another."""

from __future__ import annotations

from homolog.writing.ordering import ordered
from writing.module_networks import NETWORKS
from writing.modules import Modules, flat_outcome


def test_a_branch_is_followed_to_its_end() -> None:
    t = Modules()
    a = t("F.relu(image)")
    b = t("F.gelu(image)")
    a = t(f"torch.tanh({a})")
    b = t(f"torch.sigmoid({b})")
    program = t.program(t(f"{a} + {b}"))
    expressions = [item.expression for item in ordered(program).statements]
    assert expressions == ["F.relu(image)", "torch.tanh(v0)", "F.gelu(image)", "torch.sigmoid(v1)", "v2 + v3"]


def test_statements_stay_in_their_modules() -> None:
    t = Modules()
    a = t("F.relu(image)")
    with t.module("block", "Block"):
        b = t("F.gelu(image)")
        c = t(f"{b} + {a}")
    program = t.program(t(f"{c} * {a}"), t(f"torch.tanh({a})"))
    assert [item.targets for item in ordered(program).statements] == [item.targets for item in program.statements]


def test_the_order_changes_no_outcome() -> None:
    for program in NETWORKS.values():
        assert flat_outcome(ordered(program)) == flat_outcome(program)
