"""What parameters are called."""

from __future__ import annotations

import pytest

from homolog.writing import labels


@pytest.mark.parametrize(
    ("label", "taken", "found"),
    [
        ("filters", (), "filters"),
        ("filters", ("filters",), "filters_2"),
        ("filters_2", ("filters", "filters_2"), "filters_3"),
        ("min", (), "min_"),
        ("min", ("min_",), "min_2"),
        ("lambda", (), "lambda_"),
    ],
)
def test_a_label_is_made_distinct(label: str, taken: tuple[str, ...], found: str) -> None:
    assert labels.distinct(label, taken) == found
