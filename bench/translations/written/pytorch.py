"""A PyTorch module that a translation wrote, on its own."""

from __future__ import annotations

import copy
from functools import partial
from pathlib import Path
from typing import Any

from bench.record import Record
from bench.translations import memory
from bench.translations.outputs import Samples
from bench.translations.written.importing import imported

ABSENT = ("homolog", "keras", "tensorflow")
WAYS = ("export", "compile", "script")
"""What is to take the module, each in a process of its own."""


def trained(model: Any) -> int:
    """How many numbers are trained."""
    return sum(item.numel() for item in model.parameters() if item.requires_grad)


def check(saved: Path, samples: Samples, record: Record) -> None:
    """Load both files of weights, and run."""
    import torch

    module = imported(saved / "model.py")
    before = memory.settled()
    with torch.no_grad(), record.stage("model.safetensors"):
        model = module.load_model()
        samples.note("model.safetensors", model(*tensors(samples)), record, partial(_widely, model, samples))
    record.note(taken=memory.peak() - before)
    with torch.no_grad(), record.stage("model.pt"):
        model = module.build_model()
        model.load_state_dict(torch.load(saved / "model.pt", weights_only=True))
        model.eval()
        samples.note("model.pt", model(*tensors(samples)), record, partial(_widely, model, samples))


def tensors(samples: Samples) -> list[Any]:
    """The inputs, in forward's order."""
    import torch

    return [torch.from_numpy(array) for array in samples.given.values()]


def _widely(model: Any, samples: Samples) -> Any:
    """What it gives in float64."""
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        given = [item.double() if item.is_floating_point() else item for item in tensors(samples)]
        return copy.deepcopy(model).double()(*given)
    finally:
        torch.set_default_dtype(before)
