"""Attention: PyTorch's function with all its settings, and its layer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from placed import One, apart_by, drawn
from torch.nn.functional import scaled_dot_product_attention as attend
from translated import ROUNDING, apart, translated

Q, K, V = drawn((2, 4, 5, 16)), drawn((2, 4, 7, 16)), drawn((2, 4, 7, 16))
NARROW = drawn((2, 4, 7, 3))
PADDING = np.ones((2, 7), bool)
EMPTY = torch.ones(5, 7, dtype=torch.bool)
EMPTY[2] = False
BIAS = torch.tensor(drawn((4, 5, 7)))

SETTINGS: dict[str, tuple[Callable, tuple]] = {
    "plain": (attend, (Q, K, V)),
    "scaled": (lambda q, k, v: attend(q, k, v, scale=0.3), (Q, K, V)),
    "causal": (lambda q, k, v: attend(q, k, v, is_causal=True), (Q, K, V)),
    "causal by a mask": (lambda q, k, v: attend(q, k, v, attn_mask=torch.ones(5, 7).tril().bool()), (Q, K, V)),
    "window": (lambda q, k, v: attend(q, k, v, attn_mask=torch.ones(5, 7).tril(1).triu(-1).bool()), (Q, K, V)),
    "query that sees no key": (lambda q, k, v: attend(q, k, v, attn_mask=EMPTY), (Q, K, V)),
    "padding": (lambda q, k, v, p: attend(q, k, v, attn_mask=p[:, None, None, :]), (Q, K, V, PADDING)),
    "mask of the inputs": (
        lambda q, k, v, p: attend(q, k, v, attn_mask=(p[:, None, None, :] & EMPTY).expand(-1, 4, -1, -1)),
        (Q, K, V, PADDING),
    ),
    "bias": (lambda q, k, v: attend(q, k, v, attn_mask=BIAS), (Q, K, V)),
    "bias of the inputs": (lambda q, k, v: attend(q, k, v, attn_mask=v.mean(-1)[:, :, None]), (Q, K, V)),
    "bias that is a mask": (
        lambda q, k, v: attend(q, k, v, attn_mask=torch.full((5, 7), float("-inf")).triu(2)),
        (Q, K, V),
    ),
    "grouped": (lambda q, k, v: attend(q, k[:, :2], v[:, :2], enable_gqa=True), (Q, K, V)),
    "one head of keys": (lambda q, k, v: attend(q, k[:, :1], v[:, :1], enable_gqa=True), (Q, K, V)),
    "narrow values": (attend, (Q, K, NARROW)),
    "narrow values, masked": (lambda q, k, v: attend(q, k, v, attn_mask=EMPTY), (Q, K, NARROW)),
    "three axes": (lambda q, k, v: attend(q[:, 0], k[:, 0], v[:, 0], is_causal=True), (Q, K, V)),
    "five axes": (lambda q, k, v: attend(q[:, :, None], k[:, :, None], v[:, :, None]), (Q, K, V)),
    "queries once for all rows": (
        lambda k, v: attend(BIAS[None, :, :, :].expand(k.shape[0], -1, -1, -1), k[..., :7], v[..., :7]),
        (K, V),
    ),
    "itself": (lambda q: attend(q, q, q), (Q,)),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_attention(name: str) -> None:
    function, given = SETTINGS[name]
    assert apart_by(function, *given) < ROUNDING


def test_heads_behind_the_places_are_not_moved() -> None:
    def split(x: torch.Tensor) -> torch.Tensor:
        heads = [(x * factor).unflatten(-1, (2, 8)).transpose(1, 2) for factor in (1, 2, 3)]
        return attend(*heads).transpose(1, 2).flatten(2)

    x = drawn((2, 5, 16))
    assert apart(One(split), x) < ROUNDING
    assert "transpose" not in translated(One(split), x).source


class Layer(torch.nn.Module):
    """PyTorch's attention, with random weights that are not small."""

    def __init__(self, *, weights: bool = False, mask: torch.Tensor | None = None, **settings: object) -> None:
        super().__init__()
        self.attention = torch.nn.MultiheadAttention(12, 4, **settings)  # type: ignore[arg-type]
        self.weights, self.mask = weights, mask
        for parameter in self.parameters():
            torch.nn.init.normal_(parameter, std=0.3)

    def forward(
        self,
        query: torch.Tensor,
        key: torch.Tensor | None = None,
        value: torch.Tensor | None = None,
        padding: torch.Tensor | None = None,
    ) -> object:
        key = query if key is None else key
        value = key if value is None else value
        found, weights = self.attention(
            query, key, value, key_padding_mask=padding, attn_mask=self.mask, need_weights=self.weights
        )
        return (found, weights) if self.weights else found


X, Y = drawn((2, 5, 12)), drawn((2, 7, 12))
CAUSAL = torch.ones(5, 5).triu(1).bool()

LAYERS: dict[str, tuple[dict, tuple]] = {
    "itself": ({}, (X,)),
    "without bias": ({"bias": False}, (X,)),
    "weights": ({"weights": True}, (X,)),
    "dropout": ({"dropout": 0.25}, (X,)),
    "another": ({}, (X, Y)),
    "three": ({}, (X, Y, Y.copy())),
    "of other widths": ({"kdim": 6, "vdim": 8}, (X, drawn((2, 7, 6)), drawn((2, 7, 8)))),
    "of other widths, without bias": ({"kdim": 6, "vdim": 8, "bias": False}, (X, drawn((2, 7, 6)), drawn((2, 7, 8)))),
    "causal": ({"mask": CAUSAL}, (X,)),
    "bias": ({"mask": torch.tensor(drawn((5, 5))), "weights": True}, (X,)),
    "own keys": ({"add_bias_kv": True, "add_zero_attn": True, "mask": CAUSAL}, (X,)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name: str) -> None:
    settings, given = LAYERS[name]
    torch.manual_seed(0)
    module = Layer(batch_first=True, **settings)
    assert apart(module, *given) < ROUNDING


@pytest.mark.parametrize("weights", [True, False])
def test_padding_of_a_layer(weights: bool) -> None:
    torch.manual_seed(0)

    class Padded(Layer):
        def forward(self, query: torch.Tensor, key: torch.Tensor, padding: torch.Tensor) -> object:
            padding = padding & (torch.arange(7) > 0)  # no row without any key
            return super().forward(query, key, None, padding)

    assert apart(Padded(batch_first=True, weights=weights), X, Y, ~PADDING) < ROUNDING


def test_sequences_in_front_cost_no_transposes() -> None:
    class Encoder(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            layer = torch.nn.TransformerEncoderLayer(12, 4, 20, activation="gelu")
            self.encoder = torch.nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.encoder(x.transpose(0, 1)).transpose(0, 1)

    torch.manual_seed(0)
    assert apart(Encoder(), X) < ROUNDING
    assert "transpose" not in translated(Encoder(), X).source


def test_packed_rows_are_held_once() -> None:
    found = translated(Layer(batch_first=True), X, Y)
    assert sum(variable.value.numpy().size for variable in found.model.trainable_variables) == 4 * 12 * 12 + 4 * 12


def test_the_layer_is_as_it_was_afterwards() -> None:
    before = torch.nn.MultiheadAttention.forward
    fast = torch.backends.mha.get_fastpath_enabled()
    translated(Layer(batch_first=True), X)
    assert torch.nn.MultiheadAttention.forward is before
    assert torch.backends.mha.get_fastpath_enabled() == fast
