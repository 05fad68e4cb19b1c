"""Projections that one side keeps packed are put together and taken apart, in the order that the attention says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import homolog

WIDTH, HEADS = 6, 2


def packed(seed: int, names: tuple[str, str] = ("qkv", "out")) -> Any:
    """Self-attention with one matrix for query, key and value, in PyTorch."""
    import torch

    class Packed(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            setattr(self, names[0], torch.nn.Linear(WIDTH, 3 * WIDTH))
            setattr(self, names[1], torch.nn.Linear(WIDTH, WIDTH))
            self.head = torch.nn.Linear(WIDTH, 3)

        def forward(self, x: Any) -> Any:
            rows = getattr(self, names[0])(x).view(x.shape[0], x.shape[1], 3, HEADS, -1).permute(2, 0, 3, 1, 4)
            query, key, value = rows.unbind(0)
            mixed = torch.nn.functional.scaled_dot_product_attention(query, key, value)
            return self.head(getattr(self, names[1])(mixed.transpose(1, 2).flatten(2)) + x)

    torch.manual_seed(seed)
    return Packed().eval()


def separate(order: tuple[str, ...] = ("query", "key", "value")) -> Any:
    """The same with three, in Keras; named as told, and called in another order."""
    import keras
    from keras import layers, ops

    entry = keras.Input((5, WIDTH))
    made = {
        role: layers.Dense(WIDTH, bias_initializer="normal", name=name) for role, name in zip("qkv", order, strict=True)
    }
    rows = {role: ops.reshape(made[role](entry), (-1, 5, HEADS, WIDTH // HEADS)) for role in "vqk"}
    scores = ops.einsum("bqhd,bkhd->bhqk", rows["q"], rows["k"]) / (WIDTH // HEADS) ** 0.5
    mixed = ops.einsum("bhqk,bkhd->bqhd", layers.Softmax()(scores), rows["v"])
    out = layers.Dense(WIDTH, name="project")(ops.reshape(mixed, (-1, 5, WIDTH)))
    return keras.Model(entry, layers.Dense(3, name="head")(out + entry))


@pytest.mark.parametrize("order", [("query", "key", "value"), ("one", "two", "three"), ("c", "a", "b")])
def test_packed_and_separate_projections_correspond_both_ways(order: tuple[str, ...]) -> None:
    source, target = packed(1), separate(order)
    copied = homolog.copy(source, into=target)
    copied.proof.raise_if_failed()
    back = packed(2)
    returned = homolog.copy(target, into=back)
    returned.proof.raise_if_failed()
    row = next(row for row in returned.plan.rows if row.target == "qkv.weight")
    assert row.sources == tuple(f"{name}/kernel" for name in order)
    for name, tensor in source.state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), back.state_dict()[name].numpy())


def test_a_packed_tensor_survives_the_plan_s_file(tmp_path: Path) -> None:
    source, target = separate(), packed(1)
    plan = homolog.match(source, target)
    rows = {row.target: row for row in plan.rows}
    assert "concat 6 6 6 along axis 0" in [str(step) for step in rows["qkv.weight"].transform]
    path = tmp_path / "plan.toml"
    path.write_text(plan.to_toml())
    assert homolog.Plan.from_toml(path).rows == plan.rows
    homolog.copy(source, into=target, plan=path).proof.raise_if_failed()


def test_a_part_of_a_packed_layer_may_itself_be_packed() -> None:
    """Attention of one value to another, as PyTorch's own layer writes it: the query's rows are a part of the packed
    matrix, the key's and the value's together another."""
    import torch

    import keras

    class Two(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = torch.nn.Linear(4, WIDTH)
            self.packed = torch.nn.Linear(WIDTH, 3 * WIDTH)
            self.out = torch.nn.Linear(WIDTH, 3)

        def forward(self, x: Any) -> Any:
            x = self.first(x)
            one, two = self.packed.weight.split([WIDTH, 2 * WIDTH])
            shift, shifts = self.packed.bias.split([WIDTH, 2 * WIDTH])
            query = torch.nn.functional.linear(torch.relu(x), one, shift)
            key, value = torch.nn.functional.linear(x, two, shifts).chunk(2, -1)
            mixed = torch.nn.functional.scaled_dot_product_attention(query, key, value)
            return self.out(mixed)

    def two() -> Any:
        entry = keras.Input((5, 4))
        x = keras.layers.Dense(WIDTH, name="first")(entry)
        query = keras.layers.Dense(WIDTH, name="query", bias_initializer="normal")(keras.ops.relu(x))
        key = keras.layers.Dense(WIDTH, name="key", bias_initializer="normal")(x)
        value = keras.layers.Dense(WIDTH, name="value", bias_initializer="normal")(x)
        mixed = keras.layers.Dot((2, 2))([query, key])
        mixed = keras.layers.Dot((2, 1))([keras.ops.softmax(mixed / WIDTH**0.5), value])
        return keras.Model(entry, keras.layers.Dense(3, name="out")(mixed))

    module, model = Two().eval(), two()
    homolog.copy(module, into=model, inputs=[np.zeros((2, 5, 4), np.float32)]).proof.raise_if_failed()
    packed_rows = module.packed.weight.detach().numpy().copy()
    np.testing.assert_array_equal(model.get_layer("key").kernel.numpy().T, packed_rows[WIDTH : 2 * WIDTH])
    module.packed.weight.data.mul_(2)
    homolog.copy(model, into=module, inputs=[np.zeros((2, 5, 4), np.float32)]).proof.raise_if_failed()
    np.testing.assert_array_equal(module.packed.weight.detach().numpy(), packed_rows)
