"""How single things are said."""

from __future__ import annotations

import math

import pytest

from homolog.emitting.names import identifier
from homolog.emitting.registry import Writers
from homolog.emitting.words import refusal, word, written
from homolog.trace import Called, Step


@pytest.mark.parametrize("value", [1, -2.5, True, None, "a", float("inf"), -float("inf"), (1, 2)])
def test_words_are_python(value: object) -> None:
    assert eval(word(value)) == value


def test_what_is_no_number_is_a_word_too() -> None:
    assert math.isnan(eval(word(float("nan"))))


def test_settings_are_given_by_place_or_by_name() -> None:
    assert written({"0": 3, "1": (4, 5), "bias": False}) == "3, (4, 5), bias=False"


def test_a_refusal_says_for_what_and_where() -> None:
    step = Step("a", "topk", calls=(Called("head.0", "torch.nn.Linear"),))
    text = str(refusal(step, "PyTorch", "k=3", "do without"))
    assert all(part in text for part in ("topk", "PyTorch", "head.0", "k=3", "do without"))


@pytest.mark.parametrize(
    ("path", "name"), [("a.b/c", "a_b_c"), ("1x", "_1x"), ("class", "_class"), ("layer-2 b", "layer_2_b")]
)
def test_paths_become_names_of_python(path: str, name: str) -> None:
    assert identifier(path) == name


def test_an_operator_is_written_once() -> None:
    writers: Writers[object] = Writers()
    writers.writes("add", "sub")(1)
    assert writers == {"add": 1, "sub": 1}
    with pytest.raises(RuntimeError, match="sub is written twice"):
        writers.writes("sub")(2)
