"""Layers in front of a network that bring its inputs into the range it was trained with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from homolog.graph import OpenShape
from homolog.rules.arguments import Arguments, last_as_minus_one
from homolog.rules.rule import ELEMENTWISE, Field, Fields, Form, Keras, Rule, Slot
from homolog.tensors import Shape

COUNT = "how many samples the statistics were taken from"


def _axes(value: object) -> object:
    return tuple(value) if isinstance(value, list | tuple) else () if value is None else (value,)


def _numbers(value: object) -> object:
    """Constants of a configuration, nested lists as tuples."""
    return tuple(_numbers(item) for item in value) if isinstance(value, list | tuple) else value


def _axes_of_keras(value: object) -> object:
    """None for none, the number of one, or a list."""
    axes = cast(Shape, value)
    return None if not axes else axes[0] if len(axes) == 1 else list(axes)


def _lists(value: object) -> object:
    return [_lists(item) for item in value] if isinstance(value, tuple) else value


def _settle(fields: Fields, inputs: Sequence[OpenShape]) -> Fields:
    rank = len(inputs[0])
    return {**fields, "axis": tuple(sorted(axis % rank for axis in cast(Shape, fields["axis"])))}


NUMBERS = Form(from_keras=_numbers, to_keras=_lists)

NORMALIZATION = Rule(
    "normalization",
    keras=Keras(
        ("Normalization",),
        ignore=("input_mean", "input_variance"),
        variables={"count": COUNT},
        make=Arguments(defaults={"axis": (-1,)}, restore=last_as_minus_one("axis")),
    ),
    fields=(
        Field("axis", "axis", Form(from_keras=_axes, to_keras=_axes_of_keras), effect="axis"),
        Field("invert", "invert", otherwise=False),
        Field("constant_mean", "mean", NUMBERS, otherwise=None),
        Field("constant_variance", "variance", NUMBERS, otherwise=None),
    ),
    slots=(
        Slot("mean", "mean", when="!mean", trainable=False),
        Slot("variance", "variance", when="!mean", trainable=False),
    ),
    layout=ELEMENTWISE,
    settle=_settle,
)

RESCALING = Rule(
    "rescaling",
    keras=Keras(("Rescaling",), make=Arguments()),
    fields=(
        Field("scale", "scale", NUMBERS, carried=True),
        Field("offset", "offset", NUMBERS, otherwise=0.0, carried=True),
    ),
    layout=ELEMENTWISE,
)

RULES = (NORMALIZATION, RESCALING)
