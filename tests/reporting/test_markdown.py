"""Proofs as Markdown: all of it is there, and names stay names whatever Markdown would make of them."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

import homolog
from homolog.errors import Mismatch
from homolog.inspecting.words import visible
from homolog.plan import Difference
from homolog.proof import Cause, Part, Proof
from homolog.proof.unmatched import unmatched
from homolog.reporting.markdown import document, escaped, section, to_markdown

CAUSE = Cause("eps", "norm", "bn_1", "norm has eps 1e-05, bn_1 1e-03", "with 1e-05 they agree", "homolog copy a b")
FAILED = Proof(
    (
        Part("weights", True, "2 of 2 tensors bit-exact", threshold="bit for bit"),
        Part("outputs", False, "2.1 apart | or more", ("first difference: a|b", "and `that`"), threshold="1e-06"),
    ),
    (Difference("0", "conv2d", "eps", 1e-5, 1e-3),),
    "a.pt",
    "my_nets/b.h5",
    (CAUSE,),
    "homolog verify a.pt my_nets/b.h5 --seed 0",
)


def shown(markdown: str) -> str:
    """The characters that a reader of the page sees."""
    html = MarkdownIt("commonmark").enable("table").render(markdown)
    return unescape(re.sub(r"<[^>]*>", "", html))


def test_a_proof_has_verdict_parts_causes_differences_details_command_and_versions() -> None:
    lines = to_markdown(FAILED).splitlines()
    assert lines[0] == "# NOT the same network"
    assert "a.pt and my_nets/b.h5" in lines
    assert "| part | verdict | figure | threshold |" in lines
    assert "| weights | pass | 2 of 2 tensors bit-exact | bit for bit |" in lines
    assert r"| outputs | FAIL | 2.1 apart \| or more | 1e-06 |" in lines
    assert "- cause: norm has eps 1e-05, bn_1 1e-03 (with 1e-05 they agree)" in lines
    assert "  - help: homolog copy a b" in lines
    assert f"- {FAILED.differences[0]}" in lines
    fence = lines.index("```text")
    assert lines[fence + 1 : fence + 4] == ["first difference: a|b", "and `that`", "```"]
    assert lines[lines.index("```sh") + 1] == FAILED.command
    assert lines[-1].startswith(f"homolog {homolog.__version__}, python 3.")


def test_a_proof_that_passed_has_no_empty_blocks() -> None:
    text = to_markdown(Proof(FAILED.parts[:1]), title="lenet", level=3)
    assert text.startswith("### lenet: the same network\n\n| part |")
    assert "**" not in text
    assert "\n\n\n" not in text


def test_a_proof_without_parts_compared_nothing() -> None:
    assert to_markdown(Proof(())).startswith("# nothing was compared\n\n")


def test_several_proofs_have_a_table_in_front() -> None:
    made = [section(FAILED, "one", accepted=False), section(Proof(FAILED.parts[:1]), "two", accepted=True)]
    lines = document(made, "two proofs").splitlines()
    assert lines[0] == "# two proofs"
    assert lines[4:6] == ["| one | FAIL | NOT the same network |", "| two | pass | the same network |"]
    assert [line for line in lines if line.startswith("## ")] == [
        "## one: NOT the same network",
        "## two: the same network",
    ]


def test_networks_that_do_not_correspond_are_a_failed_proof_with_the_names() -> None:
    proof = unmatched(Mismatch("they do not correspond", details=["0.weight"], help="look"), "a", "b")
    assert not proof.passed
    text = to_markdown(proof)
    assert "| correspondence | FAIL | they do not correspond |  |" in text
    assert "0.weight\nhelp: look\n```" in text


def test_a_fence_is_longer_than_any_in_the_details() -> None:
    proof = Proof((Part("weights", False, "x", ("````", "<b>\x1b[2J")),))
    text = to_markdown(proof)
    assert "\n`````text\n````\n" in text
    assert "\x1b" not in text
    assert "<b>" not in MarkdownIt("commonmark").render(text)


@pytest.mark.parametrize(
    "text", ["1. one", "2) two", "- a", "+ a", "# a", "> a", "===", "__init__", "a_b *c* `d`", "![x](y)", "&lt;"]
)
def test_what_markdown_would_obey_is_shown_as_it_is(text: str) -> None:
    assert shown(escaped(text)).strip() == text
    assert MarkdownIt("commonmark").render(escaped(text)).startswith("<p>")


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda text: text.strip() == text))
def test_any_name_survives_in_a_cell_and_in_a_bullet(text: str) -> None:
    proof = Proof((Part("outputs", False, text),), causes=(Cause("eps", "", "", "x", help=text),))
    seen = shown(to_markdown(proof))
    squeezed = " ".join(seen.split())
    wanted = " ".join(visible(text).split())
    assert f"outputs FAIL {wanted}" in squeezed
    assert f"help: {wanted}" in squeezed
