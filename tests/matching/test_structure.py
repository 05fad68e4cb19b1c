"""Which layer is whose, from how they are connected; no name is ever looked at."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builds import Build, transformer
from homolog.graph import Graph, Value
from homolog.matching import match
from homolog.matching.structure import pair
from homolog.tensors import TensorRef


@pytest.fixture
def builds() -> tuple[Build, Build]:
    """Two graphs to build; the names of the second begin with ``x.``."""
    return Build(), Build("x.")


def paired(a: Graph, b: Graph) -> dict[str, str]:
    """Names of the second graph without their prefix, by those of the first."""
    pairing = pair(a, b)
    assert not pairing.left and not pairing.right
    return {one: two.removeprefix("x.") for one, two, _ in pairing.pairs}


def same(names: dict[str, str]) -> bool:
    return bool(names) and all(one == two for one, two in names.items())


def evidence(a: Graph, b: Graph) -> set[str]:
    return {why for _, _, why in pair(a, b).pairs}


def chain(build: Build, length: int) -> Graph:
    x = build.input()
    for index in range(length):
        x = build.linear(f"dense{index}", x)
    return build.graph(x)


def test_a_long_chain_of_equal_layers_pairs_in_order(builds: tuple[Build, Build]) -> None:
    a, b = (chain(build, 200) for build in builds)

    assert same(paired(a, b))
    assert evidence(a, b) == {"graph"}


def test_one_may_give_more_of_what_it_computes(builds: tuple[Build, Build]) -> None:
    a, b = (chain(build, 3) for build in builds)
    more = replace(a, outputs=(a.outputs[0], Value("dense1")))

    assert same(paired(more, b))


def test_what_only_counts_is_what_lies_behind(builds: tuple[Build, Build]) -> None:
    graphs = []
    for build, order in zip(builds, (("left", "right"), ("right", "left")), strict=True):
        x = build.input()
        made = {name: build.linear(name, x) for name in order}
        behind = build.linear("behind", made["left"], out=5)
        graphs.append(build.graph(behind, made["right"]))

    assert same(paired(*graphs))
    assert evidence(*graphs) == {"graph"}


def test_what_only_counts_is_what_lies_before(builds: tuple[Build, Build]) -> None:
    graphs = []
    for build, order in zip(builds, (("left", "right"), ("right", "left")), strict=True):
        x = build.input()
        before = {"left": build.norm("norm", x), "right": x}
        made = {name: build.linear(name, before[name]) for name in order}
        graphs.append(build.graph(build.op("sum", "add", made["left"], made["right"])))

    assert same(paired(*graphs))


@pytest.mark.parametrize("kind", ["concat", "subtract", "divide", "pytorch:matmul"])
def test_branches_are_told_apart_by_their_place_where_it_matters(builds: tuple[Build, Build], kind: str) -> None:
    graphs = []
    for build, order in zip(builds, (("left", "right"), ("right", "left")), strict=True):
        x = build.input()
        made = {name: build.linear(name, x) for name in order}
        graphs.append(build.graph(build.op("joined", kind, made["left"], made["right"])))

    assert same(paired(*graphs))
    assert evidence(*graphs) == {"graph"}


def test_inputs_and_outputs_are_told_apart_by_their_place(builds: tuple[Build, Build]) -> None:
    graphs = []
    for build, order in zip(builds, (("one", "two"), ("two", "one")), strict=True):
        inputs = {"one": build.input("one_in"), "two": build.input("two_in")}
        first = {name: build.linear(f"{name}_first", inputs[name]) for name in order}
        both = build.op("sum", "add", first["one"], first["two"])
        last = {name: build.linear(f"{name}_last", both) for name in order}
        graphs.append(build.graph(last["one"], last["two"]))

    assert same(paired(*graphs))
    assert evidence(*graphs) == {"graph"}


def test_a_true_tie_goes_by_name_or_order_and_says_so(builds: tuple[Build, Build]) -> None:
    graphs = []
    for build in builds:
        x = build.input()
        ends = [build.linear(f"{name}2", build.linear(f"{name}1", x)) for name in ("first", "second", "third")]
        graphs.append(build.graph(build.linear("head", build.op("sum", "add", *ends))))

    assert same(paired(*graphs))
    said = {one: why for one, _, why in pair(*graphs).pairs}
    assert said.pop("head") == "graph"
    assert set(said.values()) <= {"graph, name", "graph, order"}


def test_branches_stay_together_when_a_tie_is_broken(builds: tuple[Build, Build]) -> None:
    """Defined in another order in the second graph: whichever is chosen, no branch is torn in two."""
    graphs = []
    for build, order in zip(builds, ((0, 1), (1, 0)), strict=True):
        x = build.input()
        firsts = {index: build.linear(f"{index}first", x) for index in order}
        lasts = {index: build.linear(f"{index}last", firsts[index]) for index in reversed(order)}
        graphs.append(build.graph(build.op("sum", "add", *lasts.values())))

    names = paired(*graphs)

    for index in "01":
        assert names[f"{index}first"][0] == names[f"{index}last"][0]


def test_sums_and_concatenations_may_be_nested_otherwise(builds: tuple[Build, Build]) -> None:
    graphs = []
    for build, nested in zip(builds, (False, True), strict=True):
        x = build.input()
        a, b, c = (build.linear(name, x) for name in "abc")
        if nested:
            joined = build.op("outer", "concat", a, build.op("inner", "concat", b, c))
            added = build.op("sum", "add", build.op("half", "add", a, b), c)
        else:
            joined, added = build.op("all", "concat", a, b, c), build.op("sum", "add", a, b, c)
        graphs.append(build.graph(build.linear("head", joined, width=24), build.linear("other", added)))

    assert same(paired(*graphs))
    assert evidence(*graphs) == {"graph"}


def test_operations_between_layers_do_not_matter(builds: tuple[Build, Build]) -> None:
    one, two = builds
    x = one.linear("a", one.input())
    first = one.graph(one.linear("b", one.op("relu", "relu", x)))
    y = two.op("drop", "dropout", two.linear("a", two.input()))
    second = two.graph(two.linear("b", two.op("view", "pytorch:view_as", two.op("act", "keras:Thing", y))))

    assert same(paired(first, second))


def test_dead_ends_do_not_disturb(builds: tuple[Build, Build]) -> None:
    one, two = builds
    x = one.linear("a", one.input())
    first = one.graph(one.linear("b", x))
    y = two.linear("a", two.input())
    two.op("unused", "add", y, "x.in")
    second = two.graph(two.linear("b", y))

    assert same(paired(first, second))


def test_one_layer_more_leaves_it_unpaired(builds: tuple[Build, Build]) -> None:
    one, two = builds
    x = one.linear("a", one.input())
    first = one.graph(one.linear("b", x, out=5))
    second = two.graph(two.linear("b", two.norm("extra", two.linear("a", two.input())), out=5))

    pairing = pair(first, second)

    assert "x.extra" in pairing.right


def test_queries_keys_and_values_are_told_apart() -> None:
    a, b = transformer("", 3, "qkv"), transformer("x.", 3, "vqk")

    assert same(paired(a, b))
    assert evidence(a, b) == {"graph"}


def test_a_thousand_layers_are_matched() -> None:
    a, b = transformer("", 125), transformer("x.", 125)

    names = paired(a, b)

    assert len(names) == 1000
    assert same(names)


@pytest.mark.slow
def test_many_equal_branches_are_no_trouble(builds: tuple[Build, Build]) -> None:
    graphs = []
    for build in builds:
        x = build.input()
        for block in range(10):
            ends = [build.linear(f"{block}.{branch}.b", build.linear(f"{block}.{branch}.a", x)) for branch in range(32)]
            x = build.op(f"{block}.sum", "add", x, *ends)
        graphs.append(build.graph(x))

    assert same(paired(*graphs))


@pytest.mark.parametrize("blocks", [2, 12])
def test_a_graph_is_listed_as_often_whatever_its_size(blocks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Listing the tensors walks the whole graph: once a row, and matching takes the square of its size."""
    listed: list[str] = []
    plain = Graph.tensors

    def counted(graph: Graph) -> dict[str, TensorRef]:
        listed.append(graph.framework)
        return plain(graph)

    monkeypatch.setattr(Graph, "tensors", counted)
    plan = match(transformer("a.", blocks), transformer("b.", blocks))

    assert len(plan.rows) == 16 * blocks
    assert len(listed) < 10
