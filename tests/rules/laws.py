"""The laws that every rule obeys, run over cases: a PyTorch layer, its Keras twin, and the shape of an input.

A test file holds a class that inherits ``Laws`` and lists ``CASES``; each law then runs over each case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf, isclose
from typing import Any

import numpy as np
import pytest

import homolog
from homolog import rules
from homolog.graph import Graph, Node
from homolog.matching import match
from homolog.opening import open_network
from homolog.passes import normalise
from homolog.passes.labels import labels_at
from homolog.proof.samples import arranged
from homolog.tensors import same_bits
from homolog.transfer import backward, forward
from homolog.transforms import Part, lossless

Shape = tuple[int, ...]
SINGLE, DOUBLE = "float32", "float64"


@dataclass(frozen=True)
class Case:
    """Two twins.

    Attributes:
        torch: an expression over the names of ``torch.nn``: a layer, several in a row, or a function of the inputs.
        keras: the same over the names of ``keras.layers``; a function gives outputs for inputs.
        shapes: of the inputs as PyTorch has them, all lengths distinct.
        moved: whether Keras has the channels (axis 1) last.
        ids: how many ids there are, where the inputs are ids.
        exported: False where ``torch.export`` takes the layer apart, so that the traced nodes are others.
        differs: settings that the twins differ in; the outputs may too.
        lossy: whether some tensors cannot be told from the other side's: one of two that are summed.
        double: how far float64 outputs may lie apart, relative to the largest; None where TensorFlow has no float64.
    """

    torch: str
    keras: str
    shapes: tuple[Shape, ...]
    moved: bool = True
    ids: int = 0
    exported: bool = True
    differs: tuple[str, ...] = ()
    lossy: bool = False
    double: float | None = 1e-12

    def __str__(self) -> str:
        return f"{self.torch} = {self.keras}"

    @property
    def keras_shapes(self) -> tuple[Shape, ...]:
        """The shapes of the inputs as Keras has them."""
        return tuple((s[0], *s[2:], s[1]) if self.moved and len(s) > 2 else s for s in self.shapes)


def case(torch: str, keras: str, *shapes: Shape, **more: Any) -> Case:
    """A case with any number of inputs."""
    return Case(torch, keras, shapes, **more)


class Twins:
    """A case, built: live models of one precision with weights that are trivial nowhere."""

    def __init__(self, case: Case) -> None:
        self.case = case

    @cached_property
    def torch(self) -> Any:
        """A layer, or a Sequential of several, or a module that calls the function; float32."""
        from torch import nn

        made = eval(self.case.torch, {**vars(nn), "Of": of()})  # written in the test files, by us
        if isinstance(made, tuple):
            made = nn.Sequential(*made)
        return perturbed(made if isinstance(made, nn.Module) else _called(made))

    @cached_property
    def double_torch(self) -> Any:
        return deepcopy(self.torch).double()

    @cached_property
    def exported(self) -> Any:
        """The same behind a class of its own, which says nothing of how it is wired."""
        return _called(self.torch)

    @cached_property
    def keras(self) -> Any:
        return self._keras(SINGLE)

    @cached_property
    def double_keras(self) -> Any:
        return self._keras(DOUBLE)

    def _keras(self, dtype: str) -> Any:
        import keras

        with _precision(dtype):
            made = eval(self.case.keras, {**vars(keras.layers), "keras": keras})
            kind = "int64" if self.case.ids else dtype
            entries = [keras.Input(shape[1:], dtype=kind) for shape in self.case.keras_shapes]
            values = entries
            for layer in made if isinstance(made, tuple) else (made,):
                values = [
                    layer(*values) if callable(layer) and not hasattr(layer, "get_config") else layer(_one(values))
                ]
            return keras.Model(entries, values)

    def inputs(self, dtype: str = SINGLE) -> list[np.ndarray]:
        """One for each input, as PyTorch has them."""
        random = np.random.default_rng(3)
        if self.case.ids:
            return [random.integers(0, self.case.ids, shape) for shape in self.case.shapes]
        return [2 * random.standard_normal(shape).astype(dtype) for shape in self.case.shapes]

    def keras_inputs(self, dtype: str = SINGLE) -> list[np.ndarray]:
        """The same, as Keras has them."""
        given = zip(self.inputs(dtype), self.case.shapes, strict=True)
        return [np.moveaxis(array, 1, -1) if self.case.moved and len(shape) > 2 else array for array, shape in given]

    @cached_property
    def graphs(self) -> dict[str, Graph]:
        """Read three ways: from the tree, from a trace, from Keras's configuration."""
        found = {
            "tree": open_network(self.torch).graph(self.inputs()),
            "trace": open_network(self.exported).graph(self.inputs()),
            "keras": open_network(self.keras).graph(self.keras_inputs()),
        }
        if not self.case.exported:
            del found["trace"]
        return found

    @cached_property
    def weighted(self) -> bool:
        """Whether there is anything to copy."""
        return bool(self.graphs["keras"].layers)


def run(model: Any, inputs: list[np.ndarray]) -> list[np.ndarray]:
    """The outputs of a model of either framework, in eval mode, without a cast on the way."""
    import torch

    if isinstance(model, torch.nn.Module):
        with torch.no_grad():
            outputs = model.eval()(*map(torch.from_numpy, map(np.ascontiguousarray, inputs)))
        return [output.numpy() for output in (outputs if isinstance(outputs, tuple) else (outputs,))]
    outputs = model([*inputs], training=False)
    return [output.numpy() for output in (outputs if isinstance(outputs, list | tuple) else [outputs])]


def _one(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values


def _called(function: Any) -> Any:
    """A module of no known class that calls a function, or another module."""
    from torch import nn

    class Called(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = function

        def forward(self, *inputs: Any) -> Any:
            return self.inner(*inputs)

    return Called()


def of() -> Any:
    """Makes a module of another one, of what is taken of the values that it gives, and of how it is called."""
    from torch import nn

    class Of(nn.Module):
        def __init__(
            self,
            inner: nn.Module,
            taken: Callable[[Any], Any] = lambda given: given[0],
            called: Callable[..., tuple[Any, ...]] = lambda *inputs: inputs,
        ) -> None:
            super().__init__()
            self.inner, self.taken, self.called = inner, taken, called

        def forward(self, *inputs: Any) -> Any:
            return self.taken(self.inner(*self.called(*inputs)))

    return Of


def perturbed(module: Any) -> Any:
    """Other weights, statistics, scales and shifts than the trivial ones a new layer has."""
    import torch

    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 2, generator=generator)
            elif tensor.is_floating_point():
                tensor.normal_(0.1, 0.6, generator=generator)
    return module.eval()


@contextmanager
def _precision(dtype: str) -> Iterator[None]:
    import keras

    before = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)
    try:
        yield
    finally:
        keras.config.set_floatx(before[0])
        keras.config.set_dtype_policy(before[1])


def description(graph: Graph) -> list[tuple[str, dict[str, object], dict[str, Shape]]]:
    """What a graph computes: kind, fields of the function and weight shapes of each node."""
    return [_described(node) for node in graph.nodes.values() if node.kind not in ("input", "dropout", "identity")]


def _described(node: Node) -> tuple[str, dict[str, object], dict[str, Shape]]:
    rule = rules.for_kind(node.kind)
    assert rule is not None, f"no rule stands behind {node.kind}"
    fields = {name: node.fields.get(name) for name in rule.function_fields()}
    return node.kind, fields, {slot: weight.shape for slot, weight in node.weights.items()}


def differences(one: Mapping[str, object], two: Mapping[str, object]) -> set[str]:
    """Names of the fields in which two nodes differ."""
    return {name for name in one if not _equal(one[name], two[name])}


def _equal(one: object, two: object) -> bool:
    if isinstance(one, float | int) and isinstance(two, float | int):
        return isclose(one, two, rel_tol=1e-6)
    return one == two


def unlearnt(graph: Graph, shapes: tuple[Shape, ...]) -> Graph:
    """The graph, as its reader leaves it, without what its source said of shapes: only the rules can tell them."""
    nodes = {name: node if node.kind == "input" else replace(node, shapes=()) for name, node in graph.nodes.items()}
    given = {node.name: shape for node, shape in zip(graph.inputs, shapes, strict=True)}
    return normalise(graph.with_nodes(nodes), given)


class Laws:
    """What holds of every case."""

    CASES: tuple[Case, ...] = ()

    def test_every_way_of_reading_gives_the_same_nodes(self, twins: Twins) -> None:
        found = {way: description(graph) for way, graph in twins.graphs.items()}
        for way, nodes in found.items():
            assert [node[0] for node in nodes] == [node[0] for node in found["tree"]], f"kinds of {way}"
            for (kind, fields, weights), (_, other, others) in zip(found["tree"], nodes, strict=True):
                expected = set(twins.case.differs) if way == "keras" else set()
                assert differences(fields, other) & set(fields) == expected & set(fields), f"{kind} of {way}: {other}"
                assert weights == others

    def test_shapes_are_inferred_as_the_frameworks_have_them(self, twins: Twins) -> None:
        for model, inputs in ((twins.torch, twins.inputs()), (twins.keras, twins.keras_inputs())):
            live = open_network(model).live
            graph = unlearnt(live.graph(inputs), tuple(array.shape for array in inputs))
            told = [graph.nodes[value.node].shapes[value.index] for value in graph.outputs]
            assert told == [array.shape for array in run(model, inputs)], live.framework

    def test_every_tensor_has_its_place_and_the_way_back_is_exact(self, twins: Twins) -> None:
        networks = {"tree": open_network(twins.torch), "keras": open_network(twins.keras)}
        if not twins.weighted:
            for way, network in networks.items():
                reasons = {
                    ref.name: why for node in twins.graphs[way].nodes.values() for ref, why in node.ignored.items()
                }
                assert set(reasons) == set(network.tensors())
                assert all(reasons.values())
            return
        for source, target in (("tree", "keras"), ("keras", "tree")):
            plan = match(twins.graphs[source], twins.graphs[target])
            refs = networks[source].tensors()
            for row in plan.rows:
                array = forward(row, refs)
                if not lossless(row.transform):
                    assert twins.case.lossy or isinstance(row.transform[0], Part), row
                    continue
                for name, back in zip(row.sources, backward(row, array), strict=True):
                    assert same_bits(back, refs[name].read())
            ignored = {item.name: item.reason for item in plan.ignored}
            assert {name for row in plan.rows for name in row.sources} | set(ignored) >= set(refs)
            assert {row.target for row in plan.rows} | set(ignored) >= set(networks[target].tensors())
            assert all(ignored.values())
            assert {item.setting for item in plan.differences} <= set(twins.case.differs)

    @pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
    def test_the_copy_computes_the_same(self, twins: Twins, dtype: str) -> None:
        """And where a setting differs, that it does not: a difference is named only where there is one."""
        if dtype == DOUBLE and twins.case.double is None:
            pytest.skip("TensorFlow has no such operation in float64 on a CPU")
        torch, keras = (twins.torch, twins.keras) if dtype == SINGLE else (twins.double_torch, twins.double_keras)
        torch = deepcopy(torch)
        for source in ("pytorch", "keras") if twins.weighted else ("nothing to copy",):
            if source == "pytorch":
                homolog.copy(torch, into=keras, inputs=twins.inputs(dtype), run=False, allow_differences=True)
            elif source == "keras":
                _shuffle(keras)
                homolog.copy(keras, into=torch, inputs=twins.keras_inputs(dtype), run=False, allow_differences=True)
            apart = distance(twins, run(torch, twins.inputs(dtype)), run(keras, twins.keras_inputs(dtype)))
            if twins.case.differs:
                assert apart > 1e-6
            else:
                assert apart <= (1e-5 if dtype == SINGLE else twins.case.double), source


def distance(twins: Twins, left: list[np.ndarray], right: list[np.ndarray]) -> float:
    """How far the outputs lie apart, relative to the largest; infinitely far if their shapes differ."""
    want, have = (_output_labels(twins.graphs[way]) for way in ("tree", "keras"))
    worst = 0.0
    for one, two, wanted, had in zip(left, right, want, have, strict=True):
        two = arranged(two, had, wanted)  # noqa: PLW2901
        if one.shape != two.shape:
            return inf
        assert one.dtype == two.dtype
        assert np.abs(one).max() > 0, "zeros prove nothing"
        worst = max(worst, float(np.abs(one - two).max() / np.abs(one).max()))
    return worst


def _output_labels(graph: Graph) -> list[Any]:
    return [labels_at(graph.nodes[value.node], value.index) for value in graph.outputs]


def _shuffle(model: Any) -> None:
    """Other weights of the same kind, so that the second copy cannot live on the first."""
    random = np.random.default_rng(11)
    live = open_network(model).live
    live.fill((name, random.permutation(ref.read().ravel()).reshape(ref.shape)) for name, ref in live.tensors().items())
