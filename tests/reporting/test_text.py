"""Results as text: whole at 80 columns and wide, plain in a pipe, and deaf to what names would have a terminal do."""

from __future__ import annotations

import subprocess
import sys
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from homolog.api import Copy
from homolog.demo.steps import Step
from homolog.doctor import examine
from homolog.errors import Mismatch
from homolog.graph import Graph, Node, Value, Weight
from homolog.inspecting.inspection import Inspection, Port
from homolog.inspecting.members import describe, members
from homolog.inspecting.summary import summarise
from homolog.inspecting.table import TensorRow, TensorTable
from homolog.inspecting.values import figures
from homolog.network import Network
from homolog.plan import Difference, Ignored, Plan, Row
from homolog.proof import Cause, Part, Proof
from homolog.reporting.text import console, render, to_text
from homolog.tensors import array_ref
from homolog.transforms import Axes

LONG = "encoder.layers.11.attention.self.query_projection.low_rank_adapter.default.weight"
ATTACK = "\x1b[2J[bold red]name[/]\r\n\u202e"


def table(*names: str) -> TensorTable:
    return TensorTable(tuple(TensorRow(name, (1200, 5), "float32", 6000, 24000, True) for name in names), len(names))


def plan(**changes: object) -> Plan:
    kernel = Row("conv2d/kernel", ("0.weight",), (Axes("out inp h w -> h w inp out"),), (6, 1, 5, 3), (5, 3, 1, 6))
    bias = Row("conv2d/bias", ("0.bias",), (), (6,), (6,))
    return Plan((kernel, bias), source="a.pt", target="b.h5", **changes)  # type: ignore[arg-type]


def inspection(name: str = "net.h5") -> Inspection:
    weight = Weight((array_ref(f"{name}/kernel", np.zeros((1200, 5), np.float32)),))
    node = Node(name, "linear", weights={"weight": weight}, shapes=((None, 1200),), layer=name, type="Dense")
    graph = Graph("keras", {name: node}, (Value(name),))
    return Inspection(
        name,
        "Keras model (Sequential)",
        size=12_345,
        inputs=(Port("x", (None, 5), "float32"),),
        outputs=(Port(name, (None, 1200)),),
        summary=summarise(graph),
        tensors=table(f"{name}/kernel"),
        unsafe=("os.system",),
        notes=("a note",),
    )


PROOF = Proof((Part("weights", True, "2 of 2 tensors"), Part("outputs", False, "2.1 apart", ("first: conv2d",))))


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize(
    "result",
    [inspection(LONG), table(LONG), plan(), PROOF, members("text"), describe(Network, "graph"), examine()],
    ids=lambda value: type(value).__name__,
)
def test_every_line_fits_the_width_and_nothing_is_cut(result: object, width: int) -> None:
    shown = to_text(result, width)
    assert max(map(len, shown.splitlines())) <= width
    assert "…" not in shown or "…" in str(result)
    if isinstance(result, Inspection | TensorTable):
        assert LONG in "".join(line.split("  ")[0] for line in shown.splitlines())


def test_nothing_is_coloured_unless_it_is_a_terminal() -> None:
    for terminal in (False, True):
        paper = Console(
            file=StringIO(), force_terminal=terminal, width=80, color_system="standard" if terminal else None
        )
        paper.print(render(PROOF))
        assert ("\x1b[" in paper.file.getvalue()) is terminal  # type: ignore[attr-defined]


def test_names_from_files_are_neither_markup_nor_control_characters() -> None:
    renamed = Plan((Row(ATTACK, (ATTACK,), (), (6,), (6,), note=ATTACK),), source=ATTACK, target=ATTACK)
    cause = Cause("eps", ATTACK, ATTACK, ATTACK, ATTACK, ATTACK)
    proof = Proof((Part(ATTACK, False, ATTACK, (ATTACK,), threshold=ATTACK),), (), ATTACK, ATTACK, (cause,))
    for result in (inspection(ATTACK), table(ATTACK), renamed, proof, Mismatch(ATTACK, where=ATTACK, help=ATTACK)):
        shown = to_text(result, 200)
        assert not {"\x1b", "\r", "\u202e"} & set(shown)
        assert "[bold red]name[/]" in shown


def test_numbers_are_to_the_right_with_separators() -> None:
    rows = (TensorRow("a", (1200, 5), "float32", 6000, 24000), TensorRow("b", (5,), "float32", 5, 20))
    lines = to_text(TensorTable(rows, 2)).splitlines()
    first, second = (next(line for line in lines if line.startswith(name)) for name in "ab")
    assert "6,000" in first and "24,000" in first
    assert first.index("6,000") + 5 == second.rindex(" 5 ") + 2
    assert "6,005 elements" in lines[-1]


def test_a_long_table_is_whole() -> None:
    shown = to_text(table(*(f"tensor{place}" for place in range(500))))
    assert all(f"tensor{place} " in shown for place in range(500))


def test_an_inspection_shows_all_that_is_known() -> None:
    lines = [" ".join(line.split()) for line in str(inspection()).splitlines()]
    assert lines[0] == "net.h5"
    assert {"what Keras model (Sequential)", "size 12,345 bytes", "input x (None, 5) float32"} <= set(lines)
    assert {"net.h5 Dense (None, 1200) 6,000", "parameters 6,000", "buffers 0", "kinds linear 1"} <= set(lines)
    assert lines[-4:] == ["os.system", "", "note:", "a note"]


def test_a_word_that_nothing_matches_is_said() -> None:
    assert to_text(TensorTable((), 3, "nothing")) == "no tensor matches 'nothing'"


def test_values_are_figures() -> None:
    values = figures(np.array([[0.5, np.nan], [2, -1]], np.float32))
    (_, _, line, *_) = to_text(TensorTable((TensorRow("a", (2, 2), "float32", 4, 16, figures=values),), 1)).splitlines()
    assert line.split() == [
        "a",
        "(2,",
        "2)",
        "float32",
        "-1",
        "2",
        "0.5",
        "1.22",
        "1",
        "0.5",
        "nan",
        "2",
        "-1",
    ]


def test_a_plan_is_side_by_side_with_everything_that_is_worth_knowing() -> None:
    difference = Difference("0", "conv2d", "eps", 1e-5, 1e-3)
    ignored = (Ignored("source", "1.num_batches_tracked", "counts steps"),)
    shown = to_text(plan(ignored=ignored, differences=(difference,)), 80)
    assert [" ".join(line.split()) for line in shown.splitlines() if line.startswith("0.")] == [
        "0.weight 6×1×5×3 out inp h w → h w inp out conv2d/kernel 5×3×1×6",
        "0.bias 6 as it is conv2d/bias 6",
    ]
    assert "left out of the source:\n  1.num_batches_tracked: counts steps" in shown
    assert f"differs in:\n  {difference}" in shown
    assert shown.endswith("2 tensors; confidence: graph")


def test_evidence_has_a_column_where_it_differs() -> None:
    rows = (
        Row("a", ("b",), (), (6,), (6,), evidence="name", cast="float32 -> float16"),
        Row("c", ("d",), (), (5,), (5,), evidence="order", note="permuted"),
    )
    shown = to_text(Plan(rows, confidence="order and shapes"))
    assert "evidence" in shown
    assert "note:\n  c: permuted\n  a: cast float32 -> float16" in shown


def test_a_proof_has_a_line_for_each_part_and_the_verdict_last() -> None:
    assert to_text(PROOF).splitlines() == [
        "pass  weights  2 of 2 tensors",
        "FAIL  outputs  2.1 apart",
        "                 first: conv2d",
        "NOT the same network",
    ]
    passed = Proof(PROOF.parts[:1], source="a.pt", target="b.h5")
    assert to_text(passed).splitlines()[-1] == "the same network: a.pt and b.h5"
    assert to_text(Proof(())) == "nothing was compared"


def test_a_proof_shows_thresholds_and_why_it_failed() -> None:
    part = Part("outputs", False, "2.1 apart", ("first: conv2d",), threshold="at most 1e-06")
    cause = Cause("eps", "norm", "bn", "another eps", "with 1e-05 they agree", "set it to 1e-05")
    assert to_text(Proof((part,), causes=(cause, Cause("wiring", "", "", "another order")))).splitlines() == [
        "FAIL  outputs  2.1 apart (threshold: at most 1e-06)",
        "                 first: conv2d",
        "cause: another eps (with 1e-05 they agree)",
        "help: set it to 1e-05",
        "cause: another order",
        "NOT the same network",
    ]


def test_a_copy_ends_in_its_proof() -> None:
    copied = Copy(plan(), Proof(PROOF.parts[:1]), Network("b.h5"), Network("a.pt"), ("kept: optimizer state",))
    lines = to_text(copied).splitlines()
    assert lines[:2] == ["2 tensors from a.pt to b.h5", "kept: optimizer state"]
    assert lines[-1] == "the same network"


def test_an_error_says_what_where_expected_found_and_help() -> None:
    error = Mismatch("it failed", where="here", expected="a", found="b", details=["c"], help="run d")
    lines = ["error: it failed", "  where: here", "  expected: a", "  found: b", "  c", "help: run d"]
    assert to_text(error).splitlines() == lines


def test_members_and_descriptions() -> None:
    assert "method  upper()" in to_text(members("text", "upper"))
    shown = to_text(describe(Network, "graph"))
    assert "homolog.network.Network.graph" in shown
    assert "    def graph(self" in shown  # the source, indented as it is


def test_a_report_lists_the_packages() -> None:
    shown = to_text(examine())
    assert "numpy" in shown and "Keras backend" in shown


def test_a_step_has_its_title_and_result() -> None:
    shown = to_text(Step("the title", PROOF.parts[0].figure))
    assert shown.split() == ["the", "title", "2", "of", "2", "tensors"]


def test_a_pipe_is_not_folded(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    console().print(render(table(LONG * 3)))
    console(stderr=True).print(render(Mismatch("x" * 300, help="run " + "y" * 300)))
    out, err = capsys.readouterr()
    assert LONG * 3 in out
    assert max(map(len, out.splitlines())) < 400
    assert err.splitlines() == ["error: " + "x" * 300, "help: run " + "y" * 300]


def test_it_imports_neither_a_framework_nor_what_only_the_doctor_needs() -> None:
    code = "import sys, homolog.reporting.text; print({'torch', 'keras', 'tensorflow', 'packaging'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"


def test_a_name_with_a_line_break_makes_no_second_row() -> None:
    shown = to_text(table("a\nb  (9,)  float64"), 200)
    assert "a\\nb  (9,)  float64" in shown
