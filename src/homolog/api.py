"""The verbs in a row: what the command line calls, and what users import."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from homolog.copying import Copy, check_output, copy
from homolog.inputs import Inputs, arrays_of
from homolog.matching import match as match_graphs
from homolog.network import Network
from homolog.opening import load, open_network
from homolog.plan import Plan
from homolog.planning import carrying
from homolog.proof.subjects import Tolerance
from homolog.reading import read_both
from homolog.verifying import drawn_inputs, verify

if TYPE_CHECKING:
    from homolog.comparing import Comparison
    from homolog.inspecting.inspection import Inspection
    from homolog.scripts.translation import ScriptTranslation
    from homolog.translating import Training, Translation

__all__ = [
    "Copy",
    "check_output",
    "compare",
    "copy",
    "drawn_inputs",
    "inspect",
    "load",
    "match",
    "translate",
    "translate_script",
    "verify",
]


def inspect(src: object, word: str | None = None, *, inputs: Inputs | None = None) -> Inspection:
    """What is in a model or a file: kinds, layers with shapes and counts, and, for a live object, its members.

    Args:
        src: a source, or any live object.
        word: a word or regular expression that names of members, layers and tensors are filtered by.
        inputs: for a PyTorch model, to know the shapes of its values.
    """
    from homolog.inspecting.inspection import inspect_network, inspect_object
    from homolog.source import framework_of

    if not isinstance(src, str | Path | Network) and framework_of(src) is None:
        return inspect_object(src, word)
    network = open_network(src)
    arrays = None if inputs is None else arrays_of(inputs, network)
    return inspect_network(network, word, list(arrays.values()) if isinstance(arrays, Mapping) else arrays)


def match(a: object, b: object, *, inputs: Inputs | None = None, carry_config: bool = False) -> Plan:
    """Find which tensors of ``a`` each tensor of ``b`` corresponds to. Reads no values, writes nothing.

    Args:
        a, b: sources, or live models.
        inputs: for models that must be traced.
        carry_config: say which differences ``copy`` with ``carry_config`` would take away.

    Raises:
        Mismatch: the networks do not correspond.
        Usage: there are settings to carry, and one of the two is a file of weights.
    """
    first, second = load(a), load(b)
    left, right = read_both(first, second, None if inputs is None else arrays_of(inputs, first))
    plan = match_graphs(left, right, first.name, second.name)
    return carrying(first, second, left, right, plan)[1] if carry_config else plan


def translate(
    a: object,
    to: str = "keras",
    inputs: Inputs | None = None,
    *,
    keep_layout: bool = False,
    training: Training | Sequence[object] | bool | None = None,
    gradients: bool = False,
    tolerance: Tolerance | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Translation:
    """Translate a network into readable source of the other framework, fill it, and prove that both are the same.

    Args:
        a: a source, or a live model. It is left as it was.
        to: ``keras`` or ``torch``.
        inputs: shapes or arrays for its arguments, the batch first, in order or by name. The written model takes
            batches of any size. A Keras model says them itself, as far as it knows them.
        keep_layout: leave inputs and outputs in the source's order of axes; else images come as the other framework
            has them: channels last for Keras, first for PyTorch.
        training: of a PyTorch module its ``optimizer``, ``loss``, ``scheduler`` (with ``steps_per_epoch``), or a
            function that gives them for the live model: they become ``compile_model``. A Keras model holds what it
            was compiled with, which becomes ``make_training``; the callbacks may be given, or False to leave it out.
            What differs is in ``Translation.notes``.
        gradients: compare the gradients of one loss as well.
        tolerance: for the outputs.
        say: is told what is being done.

    Raises:
        Unsupported: what cannot be translated, with the reason and the place, before anything is built.
        Usage: no inputs are given, or another framework than there is.
    """
    from homolog.translating.direction import direction
    from homolog.translating.translation import translate as translated

    return translated(
        load(a),
        direction(to),
        inputs,
        keep_layout=keep_layout,
        training=training,
        gradients=gradients,
        tolerance=tolerance,
        say=say,
    )


def translate_script(source: str | Path) -> ScriptTranslation:
    """Translate a Keras training script into a PyTorch training script. Nothing in it is executed.

    Args:
        source: its path, or its text if that has several lines.

    Raises:
        Unreadable: there is no such file, or it is no Python.
        MissingFramework: Keras is not installed, whose layers the script's model is read with.
    """
    from homolog.scripts.translation import translate as translated

    return translated(source)


def compare(a: object, b: object, word: str | None = None) -> Comparison:
    """Which tensors two files or models share bit for bit, which differ and by how much, which are missing.

    Args:
        a, b: sources, or live models, of any format and framework.
        word: a word or regular expression that names are filtered by.
    """
    from homolog.comparing import compare as compared

    return compared(a, b, word)
