"""Attention: what the queries find among the keys decides how much of each value they get."""

from __future__ import annotations

from math import sqrt

from homolog.pytorch.emitting.call import Call
from homolog.pytorch.emitting.registry import writes


@writes("scaled_dot_product_attention")
def attention(call: Call) -> str:
    """PyTorch's own."""
    if call["dropout_p"]:
        raise call.refusal(f"dropout_p={call['dropout_p']}, which drops at inference too")
    words = [call.with_rows(name, call.x(name)) for name in ("query", "key", "value")]
    words += [f"attn_mask={call.x('attn_mask')}"] if call.has("attn_mask") else []
    words += ["is_causal=True"] if call["is_causal"] else []
    width = call.shape("query")[-1]
    scale = call["scale"]
    if scale is not None and (width is None or abs(scale * sqrt(width) - 1) > 1e-15):
        words.append(f"scale={call.literal(scale)}")
    words += ["enable_gqa=True"] if call["enable_gqa"] else []
    return f"F.scaled_dot_product_attention({', '.join(words)})"
