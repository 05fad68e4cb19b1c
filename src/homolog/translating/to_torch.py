"""The way from Keras to PyTorch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from homolog.emitting.assembled import Assembled
from homolog.errors import Unsupported, Usage
from homolog.files import Format
from homolog.inputs import Inputs, Sized
from homolog.live import Entry, Run
from homolog.network import Network
from homolog.pytorch.emitting.assemble import assemble
from homolog.pytorch.emitting.parity import parity
from homolog.pytorch.emitting.registry import WRITERS
from homolog.pytorch.emitting.source import Names, source
from homolog.pytorch.emitting.weights import constants_of, plan
from homolog.rules.training import Compiled, torch_training
from homolog.signature import OPEN_AS, Free, Given
from homolog.trace import Trace
from homolog.translating.direction import Direction, Page
from homolog.translating.setups import last_operator

GIVEN = re.compile(r"(sequential|functional|model)(_\d+)?")
"""Names that Keras makes up."""
ROWS = 2
LENGTHS = (OPEN_AS, 16, 8, 256, 1024)
"""That an open axis is tried with, until the model runs: it may have a longest sequence, or a smallest image."""
LONGEST = 4096
"""Of the lengths of its own tables that are tried then: it may take one sequence alone, as long as its positions."""


def _inputs(origin: Network) -> Inputs:
    """The inputs that a Keras model declares; the lengths that it leaves open stay open."""
    _refuse_torch(origin)
    entries = origin.live.likeness().inputs
    if not entries:
        raise Usage(
            "the model says nothing of its inputs, and has to be run once to be translated",
            where=origin.name,
            help="give the shapes of its inputs, batch first: --input 1,224,224,3",
        )
    text = next((entry for entry in entries if entry.dtype == "string"), None)
    if text is not None:
        raise Unsupported(
            "an input is text, which PyTorch has no tensors for",
            where=text.name,
            expected="numbers",
            found="string",
            help="leave what makes numbers of it outside of the model, and translate what is behind",
        )
    rows = {ref.shape[0] for ref in origin.tensors().values() if len(ref.shape) == 2}
    tried = (*LENGTHS, *(length for length in sorted(rows) if 1 < length <= LONGEST))
    opened_as = next((length for length in tried if _runs(origin, entries, length)), OPEN_AS)
    return {
        entry.name: Sized((entry.shape[0] or ROWS, *entry.shape[1:]), entry.dtype, opened_as=opened_as)
        for entry in entries
    }


def _runs(origin: Network, entries: Sequence[Entry], length: int) -> bool:
    """Whether the model runs on open axes of this length."""
    if not any(None in entry.shape[1:] for entry in entries):
        return True
    shapes = [(entry.shape[0] or ROWS, *(n or length for n in entry.shape[1:])) for entry in entries]
    try:
        origin.live.run([np.zeros(shape, entry.dtype) for shape, entry in zip(shapes, entries, strict=True)])
    except Exception:  # noqa: BLE001 - whatever the model's own code raises at a length that it was not made for
        return False
    return True


def _read(origin: Network, given: Given, free: Free, lines: bool) -> Trace:
    from homolog.pytorch.likeness import trace

    _refuse_torch(origin)
    found = trace(origin.live.likeness(), given, free, WRITERS)
    return replace(found, name=_name(origin, found.name))


def _name(origin: Network, own: str) -> str:
    """The model's own name; where Keras has given it one by itself, that of its file."""
    if not GIVEN.fullmatch(own):
        return own
    return "network" if origin.path is None else origin.path.name.partition(".")[0]


def _refuse_torch(origin: Network) -> None:
    if origin.framework != "keras":
        raise Unsupported(
            "the source is a PyTorch module already", where=origin.name, expected="a Keras model", found="PyTorch"
        )


def _setup(training: Any, origin: Network, trace: Trace, assembled: Assembled) -> Compiled | None:
    """What the model was compiled with, as the body of ``make_training``; None where it was not, or ``training`` is
    False.

    Args:
        training: callbacks beside, among which those of the learning rate are read.
        origin, trace, assembled: the source and what was made of it.

    Raises:
        Unsupported: a class or setting that no rule knows, or PyTorch cannot be given.
    """
    from homolog.keras.learning_setup import read

    model: Any = origin.live.model
    if training is False or not getattr(model, "compiled", False) or model.optimizer is None:
        return None
    setup = read(model, tuple(training or ()))
    (name, value), *_ = trace.outputs.items()
    rank = len(trace.shape(value))
    axis = assembled.orders[name].index(rank - 1) if rank > 1 else 1  # of Keras's last, over which it has its classes
    return torch_training(setup, ends_in=last_operator(trace, value), class_axis=axis)


def _build(text: str) -> Any:
    from homolog.pytorch.written import build

    return build(text)


def _in_float64(text: str, model: Any, inputs: Given) -> Run | None:
    from homolog.pytorch.written import in_float64

    return in_float64(text, model, inputs)


TO_TORCH = Direction(
    framework="pytorch",
    to="torch",
    title="PyTorch",
    written=WRITERS,
    inputs=_inputs,
    read=_read,
    assemble=lambda trace, keep: assemble(trace, keep_layout=keep),
    source=lambda made, name, origin, compiled: source(made, Names(name, origin), compiled),
    setup=_setup,
    build=_build,
    plan=plan,
    constants=constants_of,
    in_float64=_in_float64,
    parity=parity,
    files={"model.safetensors": Format.SAFETENSORS, "model.pt": Format.TORCH_STATE},
    page=Page(
        "PyTorch and safetensors",
        {
            "model.py": "the source: the modules, and `load_model()` with the trained weights",
            "model.safetensors": "the trained weights",
            "model.pt": "the same as a state_dict, for `torch.load`",
        },
    ),
)
