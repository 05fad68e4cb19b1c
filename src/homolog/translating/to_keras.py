"""The way from PyTorch to Keras."""

from __future__ import annotations

from typing import Any, cast

from homolog.emitting.assembled import Assembled
from homolog.errors import Unsupported, Usage
from homolog.files import Format
from homolog.graph import Value
from homolog.inputs import Inputs
from homolog.keras.emitting.assemble import assemble
from homolog.keras.emitting.parity import parity
from homolog.keras.emitting.registry import WRITERS
from homolog.keras.emitting.source import Names, source
from homolog.keras.emitting.weights import constants_of, plan
from homolog.live import Run
from homolog.network import Network
from homolog.rules.training import Compiled, keras_compile
from homolog.signature import Free, Given
from homolog.trace import Trace
from homolog.translating.direction import Direction, Page
from homolog.translating.setups import last_operator

KNOWN = ("optimizer", "loss", "scheduler", "steps_per_epoch", "targets")
"""What a training setup of PyTorch's may say."""


def _inputs(origin: Network) -> Inputs:
    _refuse_keras(origin)
    raise Usage(
        "a PyTorch module says nothing of its inputs, and has to be run once to be translated",
        where=origin.name,
        help="give the shapes of its inputs, batch first: --input 1,3,224,224",
    )


def _read(origin: Network, given: Given, free: Free, lines: bool) -> Trace:
    _refuse_keras(origin)
    return origin.live.trace(given, free, WRITERS, lines=lines)


def _refuse_keras(origin: Network) -> None:
    if origin.framework != "pytorch":
        raise Unsupported(
            "the source is a Keras model already", where=origin.name, expected="a PyTorch module", found="Keras"
        )


def _setup(training: Any, origin: Network, trace: Trace, assembled: Assembled) -> Compiled | None:
    """The training setup as the body of ``compile_model``.

    Raises:
        Usage: it names something else than a setup has.
        Unsupported: a class or setting that no rule knows, or Keras cannot be given.
    """
    from homolog.pytorch.learning_setup import read

    if training is None:
        return None
    given = dict(training(origin.live.model) if callable(training) else training)
    if not set(given) <= set(KNOWN):
        raise Usage(
            "the training setup holds what it has no use for", expected=", ".join(KNOWN), found=", ".join(given)
        )
    setup = read(given.get("optimizer"), given.get("loss"), given.get("scheduler"), cast(Any, origin.live.model))
    (name, value), *_ = trace.outputs.items()
    return keras_compile(
        setup,
        ends_in=last_operator(trace, value),
        steps_per_epoch=cast(int | None, given.get("steps_per_epoch")),
        class_axis=_class_axis(trace, assembled, name, value),
        targets=str(given.get("targets", "indices")),
    )


def _class_axis(trace: Trace, assembled: Assembled, name: str, value: Value) -> int:
    """Where PyTorch's second axis lies in an output."""
    order = assembled.orders[name]
    rank = len(trace.shape(value))
    return -1 if rank < 2 or order.index(1) == rank - 1 else order.index(1)


def _build(text: str) -> Any:
    from homolog.keras.written import build

    return build(text)


def _in_float64(text: str, model: Any, inputs: Given) -> Run | None:
    from homolog.keras.written import in_float64

    return in_float64(text, model, inputs)


TO_KERAS = Direction(
    framework="keras",
    to="keras",
    title="Keras",
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
    files={"model.weights.h5": Format.KERAS_WEIGHTS, "model.keras": Format.KERAS},
    page=Page(
        "Keras 3, on any backend",
        {
            "model.py": "the source: `build_model()`, and `load_model()` with the trained weights",
            "model.weights.h5": "the trained weights",
            "model.keras": "both in one, for `keras.saving.load_model`; import `model.py` first if it has classes "
            "or sets Python's recursion limit",
        },
    ),
)
