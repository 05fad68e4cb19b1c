"""The plan on disk: written, read again, edited by hand, damaged."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import homolog
from homolog.errors import Mismatch, Unreadable
from homolog.opening import open_network
from homolog.plan import Plan
from homolog.transforms import parse_transform
from twins import PAIRS


@pytest.fixture
def networks() -> tuple[Any, Any]:
    return PAIRS["digits"].torch(), PAIRS["digits"].keras()


@pytest.fixture
def written(networks: tuple[Any, Any], tmp_path: Path) -> Path:
    path = tmp_path / "plan.toml"
    path.write_text(homolog.match(*networks).to_toml(), encoding="utf-8")
    return path


def edited(path: Path, before: str, after: str, count: int = 1) -> Path:
    text = path.read_text(encoding="utf-8")
    assert text.count(before) >= count
    path.write_text(text.replace(before, after, count), encoding="utf-8")
    return path


def test_a_plan_comes_back_as_it_was(networks: tuple[Any, Any], written: Path) -> None:
    plan = homolog.match(*networks)

    assert Plan.from_toml(written) == plan
    assert tomllib.loads(written.read_text(encoding="utf-8"))["schema_version"] == 1


def test_ignored_and_differing_settings_come_back_too(tmp_path: Path) -> None:
    source, target = PAIRS["resnet"].torch(), PAIRS["resnet"].keras()
    source.bn1.eps = 1e-5
    source.layer1[0].conv1.padding, source.layer1[0].conv2.padding = (2, 2), (0, 0)
    plan = homolog.match(source, target)
    (tmp_path / "plan.toml").write_text(plan.to_toml(), encoding="utf-8")

    again = Plan.from_toml(tmp_path / "plan.toml")

    assert again.ignored == plan.ignored
    assert again.rows == plan.rows
    assert [item.setting for item in again.differences] == ["eps", "padding", "padding"]
    with pytest.raises(Mismatch, match="not the same function"):
        homolog.copy(source, into=target, plan=again)


def test_differences_are_found_anew_whatever_the_plan_says(tmp_path: Path) -> None:
    source, target = PAIRS["resnet"].torch(), PAIRS["resnet"].keras()
    plan = homolog.match(source, target)
    source.bn1.eps = 1e-5

    with pytest.raises(Mismatch, match="not the same function"):
        homolog.copy(source, into=target, plan=plan)


def test_a_plan_is_run_again(networks: tuple[Any, Any], written: Path) -> None:
    source, target = networks

    copy = homolog.copy(source, into=target, plan=written)

    assert copy.proof.passed


def test_a_plan_edited_by_hand_does_what_it_says(networks: tuple[Any, Any], written: Path) -> None:
    """A wrong one, here: the rows of the dense kernel in the wrong order. The proof finds it."""
    source, target = networks
    edited(written, "out (c h w) -> (h w c) out", "out (c h w) -> (c h w) out")

    proof = homolog.copy(source, into=target, plan=str(written)).proof

    assert proof.parts[0].passed
    assert not proof.parts[1].passed
    np.testing.assert_array_equal(np.asarray(target.layers[-1].kernel), source[8].weight.detach().numpy().T)


def test_a_missed_transpose_of_a_square_kernel_is_found_by_running() -> None:
    source, target = PAIRS["shared"].torch(), PAIRS["shared"].keras()
    plan = homolog.match(source, target)
    rows = tuple(replace(row, transform=()) if row.sources == ("step.weight",) else row for row in plan.rows)

    proof = homolog.copy(source, into=target, plan=replace(plan, rows=rows)).proof

    assert proof.parts[0].passed
    assert not proof.parts[1].passed
    assert "first difference: step" in str(proof)


def test_two_rows_swapped_are_found_by_running() -> None:
    source, target = PAIRS["mixer"].torch(), PAIRS["mixer"].keras()
    plan = homolog.match(source, target)
    swap = {"blocks.0.up.weight": "blocks.2.up.weight", "blocks.2.up.weight": "blocks.0.up.weight"}
    rows = tuple(replace(row, sources=tuple(swap.get(name, name) for name in row.sources)) for row in plan.rows)

    proof = homolog.copy(source, into=target, plan=replace(plan, rows=rows)).proof

    assert proof.parts[0].passed
    assert not proof.passed
    assert "first difference: blocks.0.up" in str(proof)


class TestAPlanThatDoesNotFit:
    @pytest.mark.parametrize(
        ("before", "after", "line"),
        [
            (
                'target = "conv2d/kernel"',
                'target = "conv2d/kernal"',
                "unknown target: conv2d/kernal (nearest: conv2d/kernel",
            ),
            ('target = "conv2d/kernel"', 'target = "conv2d/kernal"', "target left out: conv2d/kernel"),
            ('target = "conv2d/bias"', 'target = "conv2d_1/bias"', "target given twice: conv2d_1/bias"),
            ('"0.weight"', '"0.wight"', "unknown source: 0.wight (nearest: 0.weight"),
            ('"0.weight"', '"0.wight"', "source left out: 0.weight"),
            ('"0.bias"', '"3.bias"', "conv2d/bias: shape (4,), the plan gives (5,) from 3.bias (5,)"),
            ('"0.bias",', '"0.bias",\n    "3.bias",', "conv2d/bias: made of 2 tensors"),
            ("out inp h w -> h w inp out", "out inp h w -> inp h w out", "conv2d/kernel: shape (3, 3, 1, 4), the plan"),
            ("out inp h w -> h w inp out", "out inp h -> h inp out", "conv2d/kernel: a shape does not fit its layout"),
            ('cast = ""', 'cast = "float32 -> float16"', "cast 'float32 -> float16', the tensors need ''"),
            ('layer = [\n    "0",', 'layer = [\n    "zero",', ""),
            ('pairs = [\n    [\n        "input",', 'pairs = [\n    [\n        "inptu",', "unknown layer: inptu"),
        ],
    )
    def test_is_refused_and_nothing_is_written(
        self, networks: tuple[Any, Any], written: Path, before: str, after: str, line: str
    ) -> None:
        source, target = networks
        kept = [np.asarray(weight).copy() for weight in target.weights]
        edited(written, before, after)

        if not line:  # names of layers in a row are for people
            assert homolog.copy(source, into=target, plan=written).proof.passed
            return
        with pytest.raises(Mismatch, match="does not fit") as error:
            homolog.copy(source, into=target, plan=written)

        assert any(line in detail for detail in error.value.details), error.value.details
        assert all(np.array_equal(one, weight) for one, weight in zip(kept, target.weights, strict=True))

    def test_says_everything_at_once(self, written: Path) -> None:
        problems = Plan.from_toml(written).misfits({}, {})

        assert len(problems) == 12


class TestADamagedPlan:
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("schema_version = 1", "schema_version = 2"),
            ("schema_version = 1", ""),
            ("[[rows]]", "[rows"),
            ("[[rows]]", "[[lines]]"),
            ("-> h w inp out", "-> h w inp"),
            ("-> h w inp out", "-> h w inp inp"),
            ("-> h w inp out", "-> (h (w) inp out"),
            ("-> h w inp out", "to h w inp out"),
            ("c=5", "c=five"),
            ("c=5", "5"),
            ('layer = [\n    "0",', "layer = [\n"),
            ("sources = [", "source = ["),
        ],
    )
    def test_is_unreadable(self, written: Path, before: str, after: str) -> None:
        edited(written, before, after)
        text = written.read_text(encoding="utf-8").replace('layer = [\n\n    "conv2d",\n]', "layer = []", 1)
        written.write_text(text, encoding="utf-8")

        with pytest.raises(Unreadable):
            Plan.from_toml(written)

    def test_missing_directory_binary(self, tmp_path: Path) -> None:
        (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
        for path in (tmp_path / "missing.toml", tmp_path, tmp_path / "binary.toml"):
            with pytest.raises(Unreadable, match="cannot read the plan"):
                Plan.from_toml(path)


@pytest.mark.parametrize(
    "text", ["a b -> b a", "out (c h w) -> (h w c) out, c=16, h=5, w=5", "(inp mult) 1 w -> w inp mult, inp=2"]
)
def test_transforms_are_written_as_they_are_read(text: str) -> None:
    assert str(parse_transform(text)) == text


def test_a_plan_covers_both_networks(networks: tuple[Any, Any]) -> None:
    source, target = (open_network(network).tensors() for network in networks)

    plan = homolog.match(*networks)

    assert plan.misfits(source, target) == []
    assert [row.target for row in plan.rows] == [name for name in target if "seed_generator" not in name]
