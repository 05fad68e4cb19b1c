"""Products with a matrix of the model's own are dense layers, however they are said."""

from __future__ import annotations

from dataclasses import replace

from homolog.graph import Node, Value, Weight
from homolog.passes.simpler.rewiring import rewired
from homolog.tensors import TensorRef
from homolog.trace import PARAMETER, Step, Trace
from homolog.transforms import Axes, Part

WEIGHT = ".weight"
TURNED = Axes("inp out -> out inp")


def dense(trace: Trace) -> Trace:
    """The trace with ``linear`` in place of ``addmm`` and the like.

    A product with what does not depend on the inputs, a first state of zeros, is the layer that others make of its
    matrix; by itself it is none.
    """
    found = {step.name: made for step in trace.steps.values() if (made := _linear(trace, step)) is not None}
    alone = {name for name, made in found.items() if made.static and trace.steps[name].operator != "linear"}
    held = {ref for name, made in found.items() if name not in alone for ref in _matrices(made)}
    changed = {name: made for name, made in found.items() if name not in alone or held & _matrices(made)}
    return rewired(trace, steps=changed) if changed else trace


def _matrices(step: Step) -> set[str]:
    """The names of what a layer multiplies with."""
    return set() if step.layer is None else {ref.name for ref in step.layer.weights["weight"].tensors}


def _linear(trace: Trace, step: Step) -> Step | None:
    arguments = step.arguments
    if step.operator == "linear":
        return _of_parts(trace, step) if step.layer is None else _named(step, step.layer)
    if step.operator == "addmm" and arguments["alpha"] == arguments["beta"] == 1:
        given, matrix, bias = arguments["mat1"], arguments["mat2"], arguments["self"]
    elif step.operator in ("mm", "matmul"):
        given, matrix, bias = arguments["self"], arguments["mat2" if step.operator == "mm" else "other"], None
    else:
        return None
    kernel, shift = _parameter(trace, matrix), _parameter(trace, bias)
    if kernel is None or len(kernel.shape) != 2 or not isinstance(given, Value) or len(trace.shape(given)) < 2:
        return None
    if bias is not None and (shift is None or shift.shape != kernel.shape[1:]):
        return None
    weights = {"weight": Weight((kernel,), (TURNED,))} | ({} if shift is None else {"bias": Weight((shift,))})
    path = kernel.name.rpartition(".")[0]
    own = any(call.path == path for call in step.calls)
    node = Node(path if own else kernel.name, "linear", {}, weights, type="linear", layer=path if own else None)
    return replace(step, operator="linear", overload="", arguments={"input": given}, layer=node)


def _named(step: Step, node: Node) -> Step | None:
    """A linear layer under the name of its matrix, where its module has several."""
    name = node.weights["weight"].tensors[0].name.removesuffix(WEIGHT)
    if node.layer is None or name == node.layer or not name.startswith(f"{node.layer}."):
        return None
    return replace(step, layer=replace(node, name=name.removesuffix("_weight"), layer=None))


def _of_parts(trace: Trace, step: Step) -> Step | None:
    """A linear layer whose matrix, or shift, is some rows of a packed tensor."""
    weights = {name: _rows(trace, step.arguments[name]) for name in ("weight", "bias") if step.arguments.get(name)}
    if any(weight is None for weight in weights.values()) or "weight" not in weights:
        return None
    held = {name: weight for name, weight in weights.items() if weight is not None}
    arguments = {"input": step.arguments["input"]}
    name = held["weight"].tensors[0].name.removesuffix(WEIGHT).removesuffix("_weight")
    part = held["weight"].layout[0] if held["weight"].layout else None
    name = f"{name}.{part.start}" if isinstance(part, Part) else name
    node = Node(name, "linear", {}, held, type="linear", layer=None)
    return replace(step, arguments=arguments, layer=node)


def _rows(trace: Trace, argument: object) -> Weight | None:
    """A parameter, or some of its rows."""
    whole = _parameter(trace, argument)
    if whole is not None:
        return Weight((whole,))
    step = trace.steps[argument.node] if isinstance(argument, Value) else None
    if step is None or step.operator != "slice" or step.arguments["dim"] or step.arguments["step"] != 1:
        return None
    ref = _parameter(trace, step.arguments["self"])
    length = step.shape[0]
    if ref is None or length is None:
        return None
    start, stop, _ = slice(step.arguments["start"], step.arguments["end"]).indices(ref.shape[0])
    return Weight((ref,), (Part(0, start, stop),))


def _parameter(trace: Trace, argument: object) -> TensorRef | None:
    """The trained tensor that an argument is."""
    if not isinstance(argument, Value) or trace.steps[argument.node].operator != PARAMETER:
        return None
    tensor = trace.steps[argument.node].tensor
    return tensor if tensor is not None and tensor.trainable is not False else None
