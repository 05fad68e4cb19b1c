"""A PyTorch module that a translation wrote, on its own."""

from __future__ import annotations

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
        samples.note("model.safetensors", module.load_model()(*tensors(samples)), record)
    record.note(taken=memory.peak() - before)
    with torch.no_grad(), record.stage("model.pt"):
        model = module.build_model()
        model.load_state_dict(torch.load(saved / "model.pt", weights_only=True))
        samples.note("model.pt", model.eval()(*tensors(samples)), record)


def tensors(samples: Samples) -> list[Any]:
    """The inputs, in forward's order."""
    import torch

    return [torch.from_numpy(array) for array in samples.given.values()]
