"""Results as JSON: what JSON has no word for is a string, so that strict readers take it."""

from __future__ import annotations

import json

import numpy as np

from homolog.reporting.json import plain, to_json


def strict(text: str) -> dict[str, object]:
    def refuse(word: str) -> object:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_infinity_and_nan_are_strings() -> None:
    figures = {"a": float("inf"), "b": [float("nan"), {"c": (-np.float64("inf"), 1.5, None, True)}]}
    assert strict(to_json(figures)) == {"schema_version": 1, "a": "inf", "b": ["nan", {"c": ["-inf", 1.5, None, True]}]}


def test_plain_holds_nothing_but_dicts_lists_and_simple_values() -> None:
    assert plain({"a": (1, 2), "b": {1: "x"}}) == {"a": [1, 2], "b": {"1": "x"}}
