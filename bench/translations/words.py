"""What the page of a direction says of its figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.translations.judge import MOST_MEMORY, rejected
from bench.translations.model import CHEAP_BYTES, CHEAP_S, OTHER, TRACED

Record = dict[str, Any]

SECONDS = (
    "Seconds are those of the call of `translate`, tracing and proof included, on a machine that translates two models "
    "at a time. Lines are those of `model.py`."
)


@dataclass(frozen=True)
class Words:
    """Those of one direction.

    Attributes:
        title: of the page.
        what: was translated.
        summary: a sentence on all rows.
        how: the paragraphs on the figures.
        asks: whether compilers are asked to take what was written.
    """

    title: str
    what: str
    summary: Callable[[Sequence[Record]], str]
    how: tuple[str, ...]
    asks: bool


def alone(records: Sequence[Record]) -> str:
    """How many of the files that hold the whole model need no code."""
    loaded = [record["fresh"]["alone"] for record in records if "alone" in (record.get("fresh") or {})]
    return (
        f"Of {len(loaded)} files `model.keras`, {sum(loaded)} load without `model.py`, the others once it is imported."
    )


def accepted(records: Sequence[Record]) -> str:
    """How many of the modules each compiler takes."""
    answers = [rejected(record) for record in records if record.get("accepts")]
    ways = list(dict.fromkeys(way for answer in answers for way in answer))
    counts = [f"{way} takes {sum(not answer[way] for answer in answers)}" for way in ways]
    return f"Of {len(answers)} modules {', '.join(counts)}." if answers else ""


def figures(source: str, target: str) -> str:
    """The figures that both directions have."""
    return (
        f"float32 is how many times as far from {source}'s float64 the translation is as {source}'s own float32; "
        "float64 how far both are apart there, as a share of the largest output. Gradients are compared where there "
        f"are at most {CHEAP_BYTES / 1e6:g} MB of weights and a translation takes at most {CHEAP_S} s. As many numbers "
        f"are trained in {target} as a call of the source uses, or the row does not pass."
    )


def memory(target: str, first: str) -> str:
    """What the figure on memory is."""
    return (
        "Memory is the peak during that call above what the process held before (both frameworks and the source), as "
        f"a multiple of the bytes of the weights, and behind the stroke the same without what {target} took in the "
        f"other process to load {first} and run it once, weights included. The latter may be at most {MOST_MEMORY:g} "
        "for models with more than 50 MB of weights; where it is more, the row says over. Each is the difference of "
        "VmHWM, reset beforehand, and VmRSS."
    )


WORDS = {
    "keras": Words(
        "# The zoo",
        "PyTorch models with random weights, statistics, scales and shifts, written as Keras code by "
        "`homolog translate`. Printed by `make zoo`. The other direction: [zoo-torch.md](zoo-torch.md).",
        alone,
        (
            f"Each model is built, translated (traced at batch {TRACED}), and saved in a process of its own. Another "
            "process, in which neither homolog nor PyTorch can be imported, loads `model.keras` and calls "
            f"`load_model()` of `model.py` and runs both at batch {OTHER}; a third one, as bare, runs "
            "`test_parity.py`. A row passes where the proof and the test do, and both files agree with PyTorch as "
            "closely as the proof asks for. Images are shown as PyTorch has them, without the batch.",
            figures("PyTorch", "Keras"),
            "Transposes are a / b / c: those in the functional model; those in its compiled TensorFlow graph that move "
            "an axis; and of these, the ones that turn channels last into channels first or back. Those of attention's "
            "heads belong to b, and to c where the keys are turned in one step.",
            SECONDS,
            memory("Keras", "`model.keras`")
            + " TensorFlow keeps several times as much as the weights when it first runs a model.",
        ),
        asks=False,
    ),
    "torch": Words(
        "# The zoo, from Keras to PyTorch",
        "Keras models with random weights, statistics, scales and shifts, written as PyTorch code by "
        "`homolog translate`. Printed by `make zoo`. The other direction: [zoo.md](zoo.md).",
        accepted,
        (
            "Each model is built, translated, and saved in a process of its own. Another process, in which none of "
            "homolog, Keras and TensorFlow can be imported, calls `load_model()` of `model.py`, loads `model.pt` into "
            f"`build_model()` and runs both at batch {OTHER}, which is not the traced one; a third one, as bare, runs "
            "`test_parity.py`. A row passes where the proof and the test do, and both agree with Keras as closely as "
            "the proof asks for. Inputs are shown as Keras has them, without the batch; the modules take images "
            "channels first. Where an input says fixed, Keras leaves lengths open that the translation has fixed, and "
            "a note of it says why.",
            figures("Keras", "PyTorch"),
            "Transposes are a / b / c / d: those in the exported program that move an axis; of these, the ones that "
            "turn channels last into channels first or back; copies for the sake of layout alone; and, to compare "
            "with, those that the Keras model asks for itself, counted in its compiled TensorFlow graph. There the "
            "heads of attention are turned by an einsum, which is not counted; in PyTorch they are transposes.",
            "Accepted is what takes the module and gives what it gives: `torch.export` with an open batch, "
            "`torch.compile(fullgraph=True)` by the backend aot_eager, which traces as inductor does and generates no "
            "code (with dynamo's `allow_rnn`, without which PyTorch's own LSTM breaks the graph), and "
            "`torch.jit.script`; each in a process of its own.",
            SECONDS,
            memory("PyTorch", "`model.py`"),
        ),
        asks=True,
    ),
}
