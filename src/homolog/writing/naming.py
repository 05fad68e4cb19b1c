"""Names for functions, after the classes they stand for."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from homolog.writing import labels
from homolog.writing.inlining import CONTAINERS
from homolog.writing.lines import Function, Line
from homolog.writing.variables import LISTS, POOL

SHORT = {
    "BatchNormalization": "norm",
    "LayerNormalization": "norm",
    "GroupNormalization": "norm",
    "Activation": "activation",
    "MaxPooling2D": "pool",
    "AveragePooling2D": "pool",
    "ZeroPadding2D": "",
}
LAYER = re.compile(r"layers\.(\w+)\(")


def name_functions(functions: Sequence[Function], taken: Collection[str]) -> None:
    """Give each function a name that is neither taken nor another's.

    Args:
        functions: in the order they are written in.
        taken: names of variables, parameters and whatever else the source reads.
    """
    used = {*taken, *POOL, *LISTS, *labels.RESERVED}
    by_base: dict[str, list[Function]] = {}
    for function in functions:
        by_base.setdefault(_base(function), []).append(function)
    for base, group in by_base.items():
        plain = min(group, key=lambda function: len(_parts(function)))
        # The plainest has the bare name; the others are told from it by what they have in addition.
        for function in sorted(group, key=lambda function: function is not plain):
            function.name = _free(base if function is plain else base + _suffix(function, plain), used)
            used.add(function.name)


def snake(name: str) -> str:
    """``BasicBlock`` → ``basic_block``."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    found = re.sub(r"\W+", "_", name).strip("_").lower()
    return found if found and not found[0].isdigit() else f"module_{found}"


def _base(function: Function) -> str:
    if function.type not in CONTAINERS:
        return snake(function.type)
    ends = {path.rpartition(".")[2] for path in function.paths}
    end = ends.pop()
    if not ends and not end.isdigit():
        return snake(end)
    return "_".join(dict.fromkeys(filter(None, map(_layer, function.lines)))) or snake(function.type)


def _layer(line: Line) -> str:
    """A short word for the layer that a line makes, "" if it makes none."""
    first = next(iter(line.pattern.pieces), "")
    found = LAYER.match(first) if isinstance(first, str) else None
    if found is None:
        return ""
    return SHORT.get(found[1], snake(re.sub(r"\dD", "", found[1])))


def _parts(function: Function) -> set[str]:
    """The attributes of the module that the function's lines are made by, numbers left out."""
    parts = {call.path.rpartition(".")[2] for line in function.lines for call in line.scope[:1]}
    return {part for part in parts if part.isidentifier()}


def _suffix(function: Function, plain: Function) -> str:
    """What tells a function from the plainest of its class, "" if it is not one thing."""
    for told in (_parts, _words):
        more, less = told(function) - told(plain), told(plain) - told(function)
        if len(more) == 1:
            return f"_with_{snake(*more)}"
        if len(less) == 1 and not more:
            return f"_without_{snake(*less)}"
    return ""


def _words(function: Function) -> set[str]:
    """The layers that the function's own lines make."""
    return set(filter(None, map(_layer, function.lines)))


def _free(name: str, used: Collection[str]) -> str:
    if name in labels.RESERVED or name in POOL:
        name = f"{name}_block"
    found, number = name, 2
    while found in used:
        found, number = f"{name}_{number}", number + 1
    return found
