"""Operators that make tensors. What has one value for all inputs is computed when the model is written; the others
depend on the number of rows."""

from __future__ import annotations

from typing import cast

from homolog.graph import Value
from homolog.pytorch.emitting.call import Call
from homolog.pytorch.emitting.registry import writes
from homolog.trace import Open


@writes("zeros", "ones", "full", "new_zeros", "new_ones", "new_full")
def filled(call: Call) -> str:
    """One number everywhere."""
    name = call.step.operator.removeprefix("new_")
    sizes = cast(list[object], call["size"])
    words = f"({', '.join(call.literal(size) for size in sizes)}{',' if len(sizes) == 1 else ''})"
    number = f", {call.literal(call['fill_value'])}" if name == "full" else ""
    return f"torch.{name}({words}{number}, dtype=torch.{call.out_dtype}, device={call.assembler.anchor}.device)"


@writes("zeros_like", "ones_like", "full_like")
def like(call: Call) -> str:
    """One number everywhere, in the shape of another tensor."""
    x = call.with_rows("self", call.x())
    number = f", {call.literal(call['fill_value'])}" if call.step.operator == "full_like" else ""
    kind = "" if call.dtype("self") == call.out_dtype else f", dtype=torch.{call.out_dtype}"
    return f"torch.{call.step.operator}({x}{number}{kind})"


@writes("zero")
def zeros_in_place(call: Call) -> str:
    """What is set to zero, as functionalisation says it."""
    return f"torch.zeros_like({call.x()})"


@writes("arange")
def arange(call: Call) -> str:
    """Numbers in a row."""
    start, end, step = (call[name] for name in ("start", "end", "step"))
    words = [call.literal(end)]
    if start not in (None, 0) or step not in (None, 1):
        words = [call.literal(start or 0), *words, *([call.literal(step)] if step not in (None, 1) else [])]
    kind = "" if call.out_dtype == "int64" else f", dtype=torch.{call.out_dtype}"
    return f"torch.arange({', '.join(words)}{kind}, device={call.assembler.anchor}.device)"


@writes("one_hot")
def one_hot(call: Call) -> str:
    """For each number a row of zeros with a one at its place."""
    classes = call.step.shape[-1]
    if classes is None:
        raise call.refusal("a number of classes that only the inputs' values tell", "name num_classes")
    return f"F.one_hot({call.plain('self')}, {classes})"


@writes("repeat_interleave")
def repeat_interleave(call: Call) -> str:
    """Each number of an axis several times."""
    times = call["repeats"]
    if isinstance(times, Open) and call.step.static and call.step.alike:
        times = times.at_one  # rows that are all alike are one row
    if times == 1 and call["dim"] is not None:
        return call.x()
    words = call.plain(times) if isinstance(times, Value) else call.literal(times)
    if "self" not in call.step.arguments:
        return f"torch.repeat_interleave({words})"
    if call["dim"] is None:
        return f"{call.plain('self')}.repeat_interleave({words})"
    return f"{call.x()}.repeat_interleave({words}, dim={call.axis('self', call['dim'])})"
