"""How fast two graphs are matched, and how fast the weights then move.

The graphs are made up: residual networks and transformers in either framework's clothes, with every name scrambled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from bench.figure import Broken, Figure
from homolog import rules
from homolog.graph import Framework, Graph, Node, Value, Weight
from homolog.matching import match
from homolog.plan import Plan, Row
from homolog.tensors import TensorRef, array_ref
from homolog.transfer import transfer
from homolog.transforms import Axes, inverse

ROUNDS = 3
SMALL, LARGE = 1_000, 10_000
Wide = tuple[int, ...]


@dataclass
class Drawing:
    """A graph that is being made up, in one framework's clothes.

    Attributes:
        framework: whose layouts the weights are stored in.
        random: scrambles the names.
    """

    framework: Framework
    random: np.random.Generator
    nodes: dict[str, Node] = field(default_factory=dict)
    tensors: int = 0

    def entry(self, shape: tuple[int | None, ...]) -> Value:
        """The input."""
        return self._added("input", {}, {}, (), shape)

    def layer(self, kind: str, shapes: Mapping[str, Wide], *inputs: Value) -> Value:
        """A layer with weights of these shapes, given as PyTorch has them."""
        weights = {name: self._weight(_rule(kind).slot(name), shape) for name, shape in shapes.items()}
        return self._added(kind, {}, weights, inputs)

    def operation(self, kind: str, *inputs: Value) -> Value:
        """A node without weights."""
        return self._added(kind, {}, {}, inputs)

    def graph(self, output: Value) -> Graph:
        return Graph(self.framework, self.nodes, (output,))

    def _weight(self, slot: rules.Slot, shape: Wide) -> Weight:
        self.tensors += 1
        name = f"{self._word()}/{self.tensors}"
        if self.framework == "pytorch" or not isinstance(slot.axes, Axes):
            return Weight((TensorRef(name, shape, "float32", _unread),), (), slot.trainable)
        (stored,) = slot.axes.shapes([shape])
        return Weight((TensorRef(name, stored, "float32", _unread),), inverse(slot.to_keras(stored)), slot.trainable)

    def _added(
        self,
        kind: str,
        fields: dict[str, object],
        weights: dict[str, Weight],
        inputs: tuple[Value, ...],
        shape: tuple[int | None, ...] = (),
    ) -> Value:
        name = f"{self._word()}_{len(self.nodes)}"
        self.nodes[name] = Node(name, kind, fields, weights, inputs=inputs, shapes=(shape,) if shape else ())
        return Value(name)

    def _word(self) -> str:
        return "".join(self.random.choice(list("bcdfglmnprst"), 6))


def _rule(kind: str) -> rules.Rule:
    rule = rules.for_kind(kind)
    if rule is None:
        raise Broken(f"no rule for {kind}")
    return rule


def _unread() -> np.ndarray[Any, Any]:
    raise Broken("matching read the values of a tensor")


def residual(framework: Framework, tensors: int, seed: int) -> Graph:
    """Blocks of two convolutions with batch norm and a sum, all of one width: nothing but their place tells them
    apart."""
    drawing = Drawing(framework, np.random.default_rng(seed))
    value = drawing.entry((None, 64, 32, 32))
    while drawing.tensors < tensors:
        side = value
        for _ in range(2):
            value = drawing.layer("conv2d", {"weight": (64, 64, 3, 3)}, value)
            norm = dict.fromkeys(("weight", "bias", "running_mean", "running_var"), (64,))
            value = drawing.operation("relu", drawing.layer("batch_norm", norm, value))
        value = drawing.operation("add", *((value, side) if framework == "pytorch" else (side, value)))
    return drawing.graph(value)


def transformer(framework: Framework, tensors: int, seed: int) -> Graph:
    """Blocks of three projections that meet, a projection, and two dense layers, with two sums and two norms."""
    drawing = Drawing(framework, np.random.default_rng(seed))
    value = drawing.entry((None, 16, 64))

    def dense(value: Value, width: int, out: int) -> Value:
        return drawing.layer("linear", {"weight": (out, width), "bias": (out,)}, value)

    while drawing.tensors < tensors:
        side, value = value, drawing.layer("layer_norm", {"weight": (64,), "bias": (64,)}, value)
        query, key, read = (dense(value, 64, 64) for _ in range(3))
        scores = drawing.operation("softmax", drawing.operation("matmul", query, key))
        value = dense(drawing.operation("matmul", scores, read), 64, 64)
        value = side = drawing.operation("add", value, side)
        value = drawing.layer("layer_norm", {"weight": (64,), "bias": (64,)}, value)
        value = dense(drawing.operation("gelu", dense(value, 64, 256)), 256, 64)
        value = drawing.operation("add", value, side)
    return drawing.graph(value)


def seconds_to_match(make: Callable[[Framework, int, int], Graph], tensors: int) -> float:
    """The median time to match two graphs of this many tensors."""
    a, b = make("pytorch", tensors, 1), make("keras", tensors, 2)
    count = len(b.tensors())
    times = []
    for _ in range(ROUNDS):
        started = perf_counter()
        plan = match(a, b)
        times.append(perf_counter() - started)
        if len(plan.rows) != count:
            raise Broken(f"{len(plan.rows)} of {count} tensors matched")
    return median(times)


def residual_thousand(folder: Path) -> Figure:
    """A residual network of 1,000 tensors."""
    return _thousand("residual", residual)


def transformer_thousand(folder: Path) -> Figure:
    """A transformer of 1,000 tensors."""
    return _thousand("transformer", transformer)


def residual_growth(folder: Path) -> Figure:
    """Ten times the tensors."""
    return _growth("residual", residual)


def transformer_growth(folder: Path) -> Figure:
    """Ten times the tensors."""
    return _growth("transformer", transformer)


def _thousand(name: str, make: Callable[[Framework, int, int], Graph]) -> Figure:
    return Figure(f"matching 1,000 tensors, {name}", seconds_to_match(make, SMALL), 1.0, "s", f"median of {ROUNDS}")


def _growth(name: str, make: Callable[[Framework, int, int], Graph]) -> Figure:
    small, large = seconds_to_match(make, SMALL), seconds_to_match(make, LARGE)
    note = f"{large:.2f} s to {small:.2f} s"
    return Figure(f"matching 10,000 tensors, to 1,000, {name}", large / small, 15, "×", note)


KERNELS: Sequence[tuple[str, Wide]] = (
    ("conv2d", (64, 3, 7, 7)),
    ("conv2d", (256, 256, 3, 3)),
    ("conv2d", (512, 512, 3, 3)),
    ("conv2d", (2048, 512, 1, 1)),
    ("linear", (1000, 2048)),
    ("linear", (768, 3072)),
    ("linear", (4096, 4096)),
)
"""Of ResNet-50, BERT and VGG."""


def transfer_to_keras(folder: Path) -> Figure:
    """Kernels of real sizes from PyTorch's layout to Keras's, beside a plain copy of the same bytes."""
    return _transfer("PyTorch to Keras", forward=True)


def transfer_to_torch(folder: Path) -> Figure:
    """And back."""
    return _transfer("Keras to PyTorch", forward=False)


def _transfer(name: str, *, forward: bool) -> Figure:
    """How many times as long it takes, in turns, the first turn not counted."""
    random = np.random.default_rng(1)
    rows, refs = [], {}
    for place, (kind, shape) in enumerate(KERNELS):
        slot = _rule(kind).slot("weight")
        if not isinstance(slot.axes, Axes):
            raise Broken(f"the kernel of {kind} has no fixed layout")
        (stored,) = slot.axes.shapes([shape])
        chain = slot.to_keras(stored)
        if not forward:
            shape, stored, chain = stored, shape, inverse(chain)  # noqa: PLW2901
        source = f"source {place}"
        refs[source] = array_ref(source, random.standard_normal(shape).astype(np.float32))
        rows.append(Row(f"target {place}", (source,), chain, shape, stored))
    plan = Plan(tuple(rows))
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(ROUNDS + 3):
        started = perf_counter()
        for _name, array in transfer(plan, refs):
            del array
        ours.append(perf_counter() - started)
        started = perf_counter()
        for ref in refs.values():
            np.copy(ref.read())
        theirs.append(perf_counter() - started)
    mine, copying = median(ours[1:]), median(theirs[1:])
    megabytes = sum(ref.nbytes for ref in refs.values()) / 1e6
    note = f"{megabytes / mine / 1e3:.2f} GB/s to {megabytes / copying / 1e3:.2f} GB/s"
    return Figure(f"transfer {name}, to np.copy", mine / copying, 2.0, "×", note)


BENCHMARKS = (
    residual_thousand,
    transformer_thousand,
    residual_growth,
    transformer_growth,
    transfer_to_keras,
    transfer_to_torch,
)
