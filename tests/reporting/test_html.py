"""Results as HTML: whole, escaped, and loading nothing from elsewhere."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pytest

from homolog.graph import Graph, Node, Value, Weight
from homolog.inspecting.inspection import Inspection, Port
from homolog.inspecting.members import Member, Members
from homolog.inspecting.summary import summarise
from homolog.inspecting.table import TensorRow, TensorTable
from homolog.plan import Ignored, Plan, Row
from homolog.proof import Part, Proof
from homolog.reporting.html import fragment
from homolog.tensors import array_ref

EVIL = "<script src='//evil'>alert(1)</script>\"&"


def summary(name: str) -> Inspection:
    weight = Weight((array_ref(f"{name}.w", np.zeros((1200, 5), np.float32)),))
    node = Node(name, "linear", weights={"weight": weight}, shapes=((None, 1200),), type=name)
    return Inspection(
        name,
        name,
        size=12_345,
        inputs=(Port(name, (None, 5), name),),
        summary=summarise(Graph("pytorch", {name: node}, (Value(name),))),
        extras=(name,),
        unsafe=(name,),
        notes=(name,),
    )


def table(name: str) -> TensorTable:
    return TensorTable((TensorRow(name, (1200, 5), "float32", 6000, 24000, tied=name),), 1)


RESULTS = {
    "inspection": summary,
    "tensors": table,
    "bare": lambda name: Inspection(name, name, tensors=table(name)),
    "members": lambda name: Members(name, (Member(name, "method", name, name, name, name),), name, 1, 0),
    "plan": lambda name: Plan(
        (Row(name, (name,), (), (6,), (6,), note=name, cast=name),),
        ignored=(Ignored(name, name, name),),
        source=name,
        target=name,
    ),
    "proof": lambda name: Proof((Part(name, False, name, (name,)),), source=name, target=name),
}


class Reader(HTMLParser):
    """Which tags there are, whether each is closed, and the text between them."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert {name for name, _ in attrs} <= {"style"}
        self.tags.add(tag)
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("kind", RESULTS)
def test_names_from_files_are_text_and_the_tags_are_closed(kind: str) -> None:
    reader = Reader()
    result = RESULTS[kind](EVIL)
    reader.feed(result._repr_html_())
    assert reader.open == []
    assert reader.tags <= {"div", "table", "thead", "tbody", "tr", "th", "td", "b", "br"}
    assert EVIL in reader.text


def test_numbers_have_separators() -> None:
    assert "6,000" in fragment(table("a")) and "24,000" in fragment(table("a"))


def test_anything_else_is_its_text() -> None:
    assert fragment("<b>") == "<pre>&lt;b&gt;</pre>"
