"""Which input is which."""

from __future__ import annotations

import numpy as np
import pytest

from homolog.errors import Mismatch
from homolog.graph import Graph, Node
from homolog.signature import Argument, fits, in_order, in_words, lengths, paired, reordered_inputs

BERT = ("input_ids", "attention_mask", "token_type_ids", "position_ids", "inputs_embeds", "past_key_values", "labels")
VIT = ("pixel_values", "bool_masked_pos", "attention_mask")


def optional(*names: str) -> list[Argument]:
    return [Argument(name, required=False) for name in names]


def inputs(**forms: str) -> list[Argument]:
    """``int 2``: element type and rank, by name."""
    return [Argument(name, form.split()[0], int(form.split()[1])) for name, form in forms.items()]


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("attention_mask", "mask"),
        ("padding_mask", "mask"),
        ("token_type_ids", "segment"),
        ("segment_ids", "segment"),
        ("position_ids", "position"),
        ("cache_position", "cache"),
        ("input_ids", "ids"),
        ("token_ids", "ids"),
        ("decoder_token_ids", "decoder ids"),
        ("pixel_values", "image"),
        ("images", "image"),
        ("inputs_embeds", "embedding"),
        ("x", None),
        ("input_layer_3", None),
    ],
)
def test_roles_stand_in_the_words_of_names(name: str, role: str | None) -> None:
    assert Argument(name).role == role


@pytest.mark.parametrize(
    ("ours", "theirs", "places"),
    [
        (inputs(padding_mask="int32 2", segment_ids="int32 2", token_ids="int32 2"), optional(*BERT), (1, 2, 0)),
        (inputs(input_layer_7="int32 2"), optional(*BERT), (0,)),
        (inputs(images="float32 4"), optional(*VIT), (0,)),
        (inputs(input_layer="float32 4"), optional(*VIT), (0,)),
        (inputs(input_layer="float32 2"), [Argument("features"), *optional("mask")], (0,)),
        (inputs(one="float32 2", two="float32 2"), [Argument("a"), Argument("b")], (0, 1)),
        (inputs(one="float32 2", two="float32 2"), [Argument("two"), Argument("one")], (1, 0)),
        (inputs(one="float32 2", two="float32 2"), [Argument("a"), *optional("b")], (0, 1)),
        (inputs(image="float32 4", vector="float32 2"), inputs(a="float32 2", b="float32 4"), (1, 0)),
        (
            inputs(decoder_ids="int32 2", encoder_ids="int32 2"),
            optional("input_ids", "decoder_input_ids"),
            (1, 0),
        ),
    ],
)
def test_inputs_are_paired(ours: list[Argument], theirs: list[Argument], places: tuple[int, ...]) -> None:
    assert paired(ours, theirs) == places


@pytest.mark.parametrize(
    ("ours", "theirs", "left"),
    [
        (inputs(segment_ids="int32 2", token_ids="int32 2"), optional("input_ids", "labels"), "segment_ids"),
        (inputs(token_ids="int32 2"), [Argument("input_ids"), Argument("mask")], "mask"),
        (inputs(a="float32 2", b="float32 2"), [Argument("x")], "b"),
    ],
)
def test_what_has_no_partner_is_named(ours: list[Argument], theirs: list[Argument], left: str) -> None:
    with pytest.raises(Mismatch, match="different inputs") as caught:
        paired(ours, theirs)

    assert caught.value.details == (f"without a partner: {left}",)
    assert caught.value.expected == ", ".join(one.name for one in ours)


def test_inputs_by_name_come_in_order() -> None:
    one, two = np.zeros(1), np.ones(1)

    assert in_order({"a": one, "b": two}, ["b", "a"]) == [two, one]
    assert in_order({"a": one, "b": two}, ["x", "y"]) == [one, two]
    assert in_order([one, two], ["b", "a"]) == [one, two]


def test_the_inputs_of_a_graph_change_places() -> None:
    graph = Graph("keras", {name: Node(name, kind) for name, kind in (("a", "input"), ("r", "relu"), ("b", "input"))})

    assert list(reordered_inputs(graph, (1, 0)).nodes) == ["b", "a", "r"]
    assert reordered_inputs(graph, (0, 1)) is graph


def test_open_lengths_are_the_same_for_everything_along_a_sequence() -> None:
    assert lengths((None, None), 2) == (2, 11)
    assert lengths((None, None, 8), 2) == (2, 11, 8)
    assert lengths((None, None, None, 3), 1) == (1, 64, 64, 3)


@pytest.mark.parametrize(
    ("shape", "found", "right"),
    [
        ((None, 3, 8), (5, 3, 8), True),
        ((2, 3, 8), (5, 3, 8), True),  # of any batch
        ((None, None, 8), (1, 9, 8), True),
        ((None, 3, 8), (1, 3, 9), False),
        ((None, 3), (1, 3, 1), False),
        ((None, 3), (), False),
    ],
)
def test_a_shape_fits_what_is_declared(shape: tuple[int | None, ...], found: tuple[int, ...], right: bool) -> None:
    assert fits(shape, found) == right


def test_a_shape_says_what_is_open() -> None:
    assert in_words((None, None, 3)) == "(batch, any, 3)"
