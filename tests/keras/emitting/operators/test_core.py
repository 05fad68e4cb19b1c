"""Whether there is an answer for each of the operators that PyTorch calls core."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from placed import One, drawn, plain
from translated import ROUNDING, apart, translated

from homolog.errors import Unsupported
from homolog.keras.emitting.assemble import WRITERS
from homolog.keras.emitting.refused import REFUSED

FOLDED = {
    "empty": "a tensor that is filled later",
    "empty_strided": "a tensor that is filled later",
    "scalar_tensor": "a constant",
    "sym_numel": "a number",
    "sym_size": "a number",
    "sym_storage_offset": "a number",
    "sym_stride": "a number",
}
"""What the reader computes."""

TAKEN_APART: dict[str, Callable] = {
    "native_layer_norm": lambda x: torch.native_layer_norm(x, [3], None, None, 1e-5)[0],
    "native_group_norm": lambda x: torch.native_group_norm(x, None, None, x.shape[0], 5, 3, 1, 1e-5)[0],
}
"""What PyTorch itself says in operators that are written."""


def core() -> Iterator[str]:
    for name in dir(torch.ops.aten):
        packet = getattr(torch.ops.aten, name)
        overloads = packet.overloads() if hasattr(packet, "overloads") else ()
        if any(torch.Tag.core in getattr(packet, overload).tags for overload in overloads):
            yield name


@pytest.mark.parametrize("name", list(core()))
def test_every_core_operator_is_accounted_for(name: str) -> None:
    answers = [name in WRITERS, name in REFUSED, name in FOLDED, name in TAKEN_APART and name not in WRITERS]
    assert sum(answers) == 1


@pytest.mark.parametrize("name", TAKEN_APART)
def test_taken_apart(name: str) -> None:
    plain(TAKEN_APART[name])


COMPOSITE: dict[str, Callable] = {
    "cosine_similarity": lambda x: torch.nn.functional.cosine_similarity(x, x.cos(), dim=-1),
    "hstack": lambda x: torch.hstack([x, x.cos()]),
    "tensordot": lambda x: torch.tensordot(x, x[0].detach() * 0 + 1, ([2], [1])),
    "kl_div": lambda x: torch.nn.functional.kl_div(x, x.sigmoid(), reduction="none"),
    "smooth_l1_loss": lambda x: torch.nn.functional.smooth_l1_loss(x, x.cos(), reduction="none"),
    "huber_loss": lambda x: torch.nn.functional.huber_loss(x, x.cos(), reduction="none"),
    "binary_cross_entropy_with_logits": lambda x: torch.nn.functional.binary_cross_entropy_with_logits(
        x, x.sigmoid(), reduction="none"
    ),
    "trapezoid": lambda x: torch.trapezoid(x, dim=1),
    "renorm": lambda x: torch.renorm(x, 2, 2, 0.5),
    "isin": lambda x: torch.isin(x.round().long(), torch.tensor([0, 2])),
    "dist": lambda x: (x - torch.ones(3)).square().sum(-1).sqrt(),
    "local_response_norm": lambda x: torch.nn.functional.local_response_norm(x, 3),
    "unfold": lambda x: x.unfold(1, 3, 2),
}


@pytest.mark.parametrize("name", COMPOSITE)
def test_composite_operators(name: str) -> None:
    plain(COMPOSITE[name])


class Dropping(torch.nn.Module):
    """A dropout beside an operator that is taken apart."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Dropout(0.25))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.hstack([self.inner(x), x.sum(-1, keepdim=True).expand(-1, -1, 4)])


def test_dropouts_and_modules_stay_where_an_operator_is_taken_apart() -> None:
    text = translated(Dropping(), drawn()).source
    assert "Dropout(0.25" in text
    assert 'name="inner_0"' in text
    assert apart(Dropping(), drawn()) <= 4 * ROUNDING


REFUSALS: dict[str, tuple[Callable, str]] = {
    "nonzero": (lambda x: x[x > 0], "inputs' values tell"),
    "embedding_bag": (
        lambda x: torch.nn.functional.embedding_bag(
            x[:, 0, 0].long() * 0, torch.ones(2, 3), torch.arange(x.shape[0]), mode="sum"
        ),
        "bags of ids|not write",
    ),
    "lgamma": (torch.lgamma, "no such function"),
    "fft": (lambda x: torch.fft.rfft(x).abs(), "complex"),
    "item": (lambda x: x * x.sum().item(), "cannot trace|number"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals_say_why(name: str) -> None:
    function, words = REFUSALS[name]
    with pytest.raises(Unsupported, match=words):
        translated(One(function), drawn())
