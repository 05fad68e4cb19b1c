"""Operations that join values: sums, products, concatenation; and reductions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from homolog.graph import OpenShape
from homolog.rules.rule import ELEMENTWISE, OPAQUE, Field, Fields, Keras, Rule, Torch
from homolog.tensors import Shape


def _infer_broadcast(fields: Fields, weights: Mapping[str, Shape], inputs: Sequence[OpenShape]) -> OpenShape:
    rank = max(map(len, inputs))
    padded = [(1,) * (rank - len(shape)) + tuple(shape) for shape in inputs]
    return tuple(next((n for n in lengths if n != 1), 1) for lengths in zip(*padded, strict=True))


def _joining(name: str, torch: tuple[str, ...], keras_class: tuple[str, ...], keras_ops: tuple[str, ...]) -> Rule:
    return Rule(
        name,
        torch=Torch((), torch, fixed={"alpha": 1}),
        keras=Keras(keras_class, keras_ops),
        layout=ELEMENTWISE,
        infer=_infer_broadcast,
    )


def _infer_concat(fields: Fields, weights: Mapping[str, Shape], inputs: Sequence[OpenShape]) -> OpenShape:
    axis = cast(int, fields["dim"]) % len(inputs[0])
    lengths = [shape[axis] for shape in inputs]
    whole = None if None in lengths else sum(cast(Sequence[int], lengths))
    return (*inputs[0][:axis], whole, *inputs[0][axis + 1 :])


CONCAT = Rule(
    "concat",
    torch=Torch((), ("cat", "concat")),
    keras=Keras(("Concatenate",), ("Concatenate",)),
    fields=(Field("dim", "axis", otherwise=0, effect="layout"),),
    layout=OPAQUE,
    infer=_infer_concat,
)

RULES = (
    _joining("add", ("add.Tensor", "add_.Tensor"), ("Add",), ("Add",)),
    _joining("subtract", ("sub.Tensor", "sub_.Tensor"), ("Subtract",), ("Subtract",)),
    _joining("multiply", ("mul.Tensor", "mul_.Tensor"), ("Multiply",), ("Multiply",)),
    _joining("divide", ("div.Tensor", "div_.Tensor"), (), ("Divide", "TrueDivide")),
    _joining("maximum", ("maximum",), ("Maximum",), ("Maximum",)),
    _joining("minimum", ("minimum",), ("Minimum",), ("Minimum",)),
    _joining("average", (), ("Average",), ()),
    CONCAT,
)
