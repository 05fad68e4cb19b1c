"""Names that Keras gives by itself."""

from __future__ import annotations

import re
from collections.abc import Iterable

SIGNS = {"add", "subtract", "multiply", "true_divide", "divide", "floor_divide", "power", "negative", "get_item"}
COMPARISONS = {"less", "less_equal", "greater", "greater_equal"}


def given_by_keras(expressions: Iterable[str]) -> set[str]:
    """What Keras calls the operations and layers of some expressions that have no name, but for numbers behind it."""
    found = {*SIGNS, *COMPARISONS}
    for text in expressions:
        found.update(re.findall(r"\bops\.(\w+)\(", text))
        if "name=" not in text:
            found.update(map(_snake, re.findall(r"\blayers\.(\w+)\(", text)))
    return found


def clashing(names: Iterable[str], given: set[str]) -> set[str]:
    """The names that Keras may give to something else: two of one name are no model."""
    return {name for name in names if re.sub(r"_\d+$", "", name) in given}


def _snake(name: str) -> str:
    """A class's name as Keras makes it one of its objects."""
    parted = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", parted).lower()
