"""Which of the layers in front of an attention is the query's, which the key's and which the value's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from homolog.passes import normalise
from homolog.pytorch.read import read

SHAPE = (2, 5, 6)


def roles(attend: Any) -> dict[str, object]:
    """Roles of three projections a, b and c of the same input, whatever ``attend`` does with them."""
    import torch

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name in "abc":
                setattr(self, name, torch.nn.Linear(6, 6))
            self.head = torch.nn.Linear(6, 2)

        def forward(self, x: Any) -> Any:
            return self.head(attend(self.a(x), self.b(x), self.c(x)) + x)

    graph = normalise(read(Net().eval(), [np.zeros(SHAPE, np.float32)]))
    return {node.name: node.fields.get("role") for node in graph.nodes.values() if node.kind == "linear"}


@pytest.mark.parametrize(
    ("attend", "expected"),
    [
        ("F.scaled_dot_product_attention(b, c, a)", {"a": "value", "b": "query", "c": "key"}),
        ("torch.softmax(a @ c.transpose(1, 2) * 0.4, -1) @ b", {"a": "query", "b": "value", "c": "key"}),
        ("torch.softmax(torch.einsum('btd,bsd->bst', b, a), -1) @ c", {"a": "query", "b": "key", "c": "value"}),
        ("torch.softmax(torch.einsum('btd,bsd->bts', b, a), -1) @ c", {"a": "key", "b": "query", "c": "value"}),
    ],
)
def test_the_core_of_an_attention_tells(attend: str, expected: dict[str, str]) -> None:
    import torch

    names = {"torch": torch, "F": torch.nn.functional}
    found = roles(lambda a, b, c: eval(attend, {**names, "a": a, "b": b, "c": c}))
    assert {name: found[name] for name in "abc"} == expected
    assert found["head"] is None


def test_layers_of_no_attention_have_no_role() -> None:
    assert set(roles(lambda a, b, c: a * b + c).values()) == {None}
