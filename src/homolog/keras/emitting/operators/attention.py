"""Attention: what the queries find among the keys decides how much of each value they get."""

from __future__ import annotations

from math import sqrt
from typing import cast

import numpy as np

from homolog.graph import Value
from homolog.keras.emitting.call import Call
from homolog.keras.emitting.registry import writes
from homolog.passes.ways import HEADS_LAST, attends, natural
from homolog.tensors import Array


@writes("scaled_dot_product_attention")
def attention(call: Call) -> str:
    """Keras's own, which has the heads behind the places of the sequence, or by two products where that is another.

    A query that a mask keeps from every key gets zeros in PyTorch, and in Keras the mean of all values.
    """
    if call["dropout_p"]:
        raise call.refusal(f"dropout_p={call['dropout_p']}, which drops at inference too")
    mask = _Mask(call)
    widths = {call.shape(name)[-1] for name in ("query", "value")}
    if not attends(call.step) or len(widths) > 1:
        return _by_products(call, mask)
    query, key, value = _inputs(call)
    query, scale = _scaled(call, query)
    words = [query, key, value, f"scale={scale!r}", *mask.words()]
    found = f"ops.dot_product_attention({', '.join(words)})"
    return mask.zeroed(found, axes=HEADS_LAST)


def _inputs(call: Call) -> list[str]:
    """Queries, keys and values, as long as the batch, and with as many heads as queries."""
    heads = call.shape("query")[1] if call.rank("query") > 3 else None
    found = []
    for name in ("query", "key", "value"):
        value = call.value(name)
        text = call.x(value) if attends(call.step) else call.plain(value)
        if call.is_static(value) and not call.step.static and call.step.shape[0] is None:
            text = call.let(f"{call.assembler.zeros(value, call.step)} + {text}")
        ours = call.shape(value)[1] if heads is not None else None
        if ours != heads:
            times = cast(int, heads) // cast(int, ours)
            text = call.let(f"ops.repeat({text}, {times}, axis={2 if attends(call.step) else 1})")
        found.append(text)
    return found


def _scale(call: Call) -> float:
    width = cast(int, call.shape("query")[-1])
    return 1 / sqrt(width) if call["scale"] is None else float(call["scale"])


def _scaled(call: Call, query: str) -> tuple[str, float]:
    """The queries, and what Keras is to scale the scores by: it takes that in float32, whatever the model runs in."""
    scale = _scale(call)
    if float(np.float32(scale)) == scale:
        return query, scale
    return call.let(f"{query} * {scale!r}"), 1.0


def _by_products(call: Call, mask: _Mask) -> str:
    """The same by two products and a softmax."""
    query, key, value = _inputs(call)
    rank, scale = call.rank("query"), _scale(call)
    if attends(call.step):
        scores = call.let(f"ops.einsum('bqhd,bkhd->bhqk', {query}, {key})")
    else:
        turned = call.let(f"ops.swapaxes({key}, -2, -1)")
        scores = call.let(f"ops.matmul({query}, {turned})")
    scores = call.let(f"{scores} * {scale!r}") if scale != 1 else scores
    scores = mask.on(scores, rank)
    weights = call.let(f"ops.softmax({scores})")
    if attends(call.step):
        return mask.zeroed(f"ops.einsum('bhqk,bkhd->bqhd', {weights}, {value})", axes=HEADS_LAST)
    return mask.zeroed(f"ops.matmul({weights}, {value})", axes=natural(rank))


class _Mask:
    """What keeps queries from keys: true where they may look, or a number that is added to the scores."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.value: Value | None = call.value("attn_mask") if call.has("attn_mask") else None
        self.array = None if self.value is None else call.constant(self.value)
        self.causal = bool(call["is_causal"])
        if self.array is not None:
            self._simplify(self.array)

    def _simplify(self, array: Array) -> None:
        """A constant that is no mask at all, or the one that Keras makes by itself."""
        rows, columns = (cast(int, self.call.shape(name)[-2]) for name in ("query", "key"))
        if array.dtype != bool and np.isin(array, (0, -np.inf)).all():
            array = array == 0
        if array.dtype == bool:
            matrix = array.reshape(array.shape[-2:]) if array.size == np.prod(array.shape[-2:]) else None
            causal = matrix is not None and np.array_equal(matrix, np.tri(rows, columns) > 0)
            if causal or array.all():
                self.causal, self.value, self.array = self.causal or causal, None, None

    @property
    def is_bool(self) -> bool:
        return self.value is not None and self.call.dtype(self.value) == "bool"

    def _wide(self) -> str:
        """The mask with all the axes of the scores."""
        value = cast(Value, self.value)
        text = self.call.plain(value)
        lacking = self.call.rank("query") - self.call.rank(value)
        if lacking <= 0:
            return text
        made = self.call.assembler.early
        if ("wide", text) not in made:
            wide = f"{text}[{', '.join(['None'] * lacking + ['...'])}]"
            made["wide", text] = self.call.assembler.let_behind(text, wide)
        return made["wide", text]

    def words(self) -> list[str]:
        """As arguments of Keras's attention."""
        words = [] if self.value is None else [f"{'mask' if self.is_bool else 'bias'}={self._wide()}"]
        return [*words, "is_causal=True"] if self.causal else words

    def on(self, scores: str, rank: int) -> str:
        """The scores, masked."""
        call = self.call
        if self.causal:
            query, key = (cast(int, call.shape(name)[-2]) for name in ("query", "key"))
            mask = call.let(f"ops.tril(ops.ones({(query, key)!r}, dtype='bool'))")
            scores = call.let(f"ops.where({mask}, {scores}, {LOWEST})")
        if self.value is None:
            return scores
        mask = self._wide()
        return call.let(f"ops.where({mask}, {scores}, {LOWEST})" if self.is_bool else f"{scores} + {mask}")

    def zeroed(self, found: str, axes: tuple[object, ...]) -> str:
        """Zeros for a query that may look at no key, if there can be one."""
        call = self.call
        if not self.is_bool or (self.array is not None and self.array.any(axis=-1).all()):
            return found
        value = cast(Value, self.value)
        key = ("seen", value, axes)
        if key not in call.assembler.early:
            seen = self._wide()
            if axes != natural(len(axes)):
                seen = call.assembler.let_behind(seen, f"ops.transpose({seen}, {axes!r})")
            call.assembler.early[key] = call.assembler.let_behind(seen, f"ops.any({seen}, axis=-1, keepdims=True)")
        return f"ops.where({call.assembler.early[key]}, {call.let(found)}, 0)"


LOWEST = "-1e30"
"""Stands for minus infinity, which would be no number where a query may look at no key."""
