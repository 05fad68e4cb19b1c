"""Operations that join values: sums, products, extremes, concatenation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from homolog.graph import OpenShape
from homolog.rules.arguments import Arguments, last_as_minus_one
from homolog.rules.rule import ELEMENTWISE, Field, Fields, Keras, Layout, Rule, Torch
from homolog.tensors import Shape


def _infer_broadcast(fields: Fields, weights: Mapping[str, Shape], inputs: Sequence[OpenShape]) -> OpenShape:
    rank = max(map(len, inputs))
    padded = [(1,) * (rank - len(shape)) + tuple(shape) for shape in inputs]
    return tuple(next((n for n in lengths if n != 1), 1) for lengths in zip(*padded, strict=True))


def _normalise(commutes: bool) -> Callable[[Fields, Mapping[str, Shape]], Fields]:
    def normalise(fields: Fields, weights: Mapping[str, Shape]) -> Fields:
        """A constant stands on the right where the side does not matter."""
        left, right = fields.pop("left"), fields.pop("right")
        if fields.pop("reversed") or (commutes and right is None):
            left, right = right, left
        return {**fields, "left": left, "right": right}

    return normalise


def _joining(
    name: str, torch: tuple[str, ...], keras_class: tuple[str, ...], keras_ops: tuple[str, ...], commutes: bool = True
) -> Rule:
    """An operation on several values, or on one value and a constant on its ``left`` or ``right``."""
    return Rule(
        name,
        torch=Torch(
            (),
            torch,
            fixed={"alpha": 1},
            renamed={"self": "left", "other": "right"},
            given={operator: {"reversed": True} for operator in torch if operator.startswith("rsub")},
        ),
        keras=Keras(keras_class, keras_ops, make=Arguments(lacks=("left", "right")) if keras_class else None),
        fields=(
            Field("left", "x1", otherwise=None),
            Field("right", "x2", otherwise=None),
            Field("reversed", otherwise=False, effect="layout", torch=False),
        ),
        layout=ELEMENTWISE,
        infer=_infer_broadcast,
        normalise=_normalise(commutes),
    )


def _settle_concat(fields: Fields, inputs: Sequence[OpenShape]) -> Fields:
    return {**fields, "dim": cast(int, fields["dim"]) % len(inputs[0])}


def _infer_concat(fields: Fields, weights: Mapping[str, Shape], inputs: Sequence[OpenShape]) -> OpenShape:
    axis = cast(int, fields["dim"])
    lengths = [shape[axis] for shape in inputs]
    whole = None if None in lengths else sum(cast(Sequence[int], lengths))
    return (*inputs[0][:axis], whole, *inputs[0][axis + 1 :])


CONCAT = Rule(
    "concat",
    torch=Torch((), ("cat", "concat")),
    keras=Keras(
        ("Concatenate",), ("Concatenate",), make=Arguments(defaults={"dim": -1}, restore=last_as_minus_one("dim"))
    ),
    fields=(Field("dim", "axis", otherwise=0, effect="axis"),),
    layout=Layout("concat"),
    infer=_infer_concat,
    settle=_settle_concat,
)


def _infer_stack(fields: Fields, weights: Mapping[str, Shape], inputs: Sequence[OpenShape]) -> OpenShape:
    axis = cast(int, fields["dim"])
    return (*inputs[0][:axis], len(inputs), *inputs[0][axis:])


def _settle_stack(fields: Fields, inputs: Sequence[OpenShape]) -> Fields:
    return {**fields, "dim": cast(int, fields["dim"]) % (len(inputs[0]) + 1)}


STACK = Rule(
    "stack",
    torch=Torch((), ("stack",)),
    keras=Keras((), ("Stack",)),
    fields=(Field("dim", "axis", otherwise=0, effect="axis"),),
    infer=_infer_stack,
    settle=_settle_stack,
)

RULES = (
    _joining("add", ("add.Tensor", "add_.Tensor"), ("Add",), ("Add",)),
    _joining("subtract", ("sub.Tensor", "sub_.Tensor", "rsub.Scalar"), ("Subtract",), ("Subtract",), commutes=False),
    _joining("multiply", ("mul.Tensor", "mul_.Tensor"), ("Multiply",), ("Multiply",)),
    _joining("divide", ("div.Tensor", "div_.Tensor"), (), ("Divide", "TrueDivide"), commutes=False),
    _joining("maximum", ("maximum",), ("Maximum",), ("Maximum",)),
    _joining("minimum", ("minimum",), ("Minimum",), ("Minimum",)),
    _joining("average", (), ("Average",), ()),
    CONCAT,
    STACK,
)
