"""A flat list of statements → functions, and the body that calls them."""

from __future__ import annotations

import keyword
from collections.abc import Sequence

from homolog.writing.defaults import give_defaults
from homolog.writing.grouping import Reading, grouped
from homolog.writing.inlining import inlined
from homolog.writing.lines import Fresh, Function, written
from homolog.writing.loops import length
from homolog.writing.naming import name_functions
from homolog.writing.outlining import outlined
from homolog.writing.parsing import flat
from homolog.writing.regions import tree
from homolog.writing.rendering import definition, loop_names, made_lists, statements
from homolog.writing.rolling import rolled
from homolog.writing.statement import Program, Structured
from homolog.writing.variables import Variables


def structured(program: Program) -> Structured:
    """The program as a person would write it: repeated modules as functions, runs of calls as loops.

    What it computes is the same, and so is the order in which a line comes after those it reads.

    Raises:
        SyntaxError: an expression of the program is not Python.
        ValueError: an expression reads a variable inside an f-string.
    """
    read = flat(program)
    fresh = Fresh()
    root = tree(read.lines)
    functions = grouped(root, Reading(read.lines, read.outputs), fresh, read.names)
    body = Function("", [], program.inputs, root.lines(), read.outputs)
    functions = inlined(functions, body, fresh)
    functions = outlined(functions, body, lambda item: length(rolled(item, fresh, read.names)[0]))
    inputs = identifiers(program.inputs, read.names)
    bodies = {id(item): rolled(item, fresh, read.names) for item in (*functions, body)}
    used = {name for item in functions for name in item.parameters} | {*inputs, *read.names}
    for items, _ in bodies.values():
        used |= loop_names(items)
    name_functions(functions, used)
    give_defaults(functions, [items for items, _ in bodies.values()])
    taken = {*read.names, *(function.name for function in functions)}
    sources = tuple(definition(item, *bodies[id(item)], taken) for item in functions)
    items, outputs = bodies[id(body)]
    names = Variables(body.inputs, items, outputs, taken | loop_names(items), inputs, made_lists(items))
    return Structured(
        sources,
        "\n".join(statements(items, names)),
        tuple(written(operand, names.__getitem__) for operand in outputs),
        inputs,
    )


def identifiers(inputs: Sequence[str], taken: frozenset[str]) -> tuple[str, ...]:
    """The names of the inputs, changed where they cannot be names of variables."""
    found: list[str] = []
    for name in inputs:
        good = name if name.isidentifier() else "input_" + "".join(c if c.isalnum() else "_" for c in name)
        while keyword.iskeyword(good) or good in taken or good in found:
            good += "_"
        found.append(good)
    return tuple(found)
