"""Lines and loops → source."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from homolog.writing import terms
from homolog.writing.lines import Function, Line, written
from homolog.writing.loops import Loop
from homolog.writing.variables import Variables

INDENT = "    "
NAMED = 3
WIDTH = 80
"""How many modules a docstring names, and how many characters it takes for them."""


def loop_names(items: Sequence[Line | Loop]) -> set[str]:
    """The counters and the like of all loops."""
    return {name for item in items if isinstance(item, Loop) for name in item.names}


def definition(function: Function, items: Sequence[Line | Loop], outputs: Sequence[str], taken: Collection[str]) -> str:
    """The source of a function.

    Args:
        function: whose inputs and parameters.
        items: its body.
        outputs: the operands it returns.
        taken: names that its variables must not use.
    """
    reserved = {*taken, *function.parameters, *function.free, *loop_names(items)}
    names = Variables(function.inputs, items, outputs, reserved, lists=function.lists | made_lists(items))
    required = [name for name in function.parameters if name not in function.defaults]
    optional = [f"{name}={term}" for name, term in function.defaults.items()]
    given = (*(names[name] for name in function.inputs), *function.free, *required, *optional)
    *_, last = items
    alone = isinstance(last, Line) and len(outputs) == 1 and last.targets == tuple(outputs)
    body = list(statements(items[:-1] if alone else items, names))
    if alone and isinstance(last, Line):
        body.append(f"return {last.source(names.__getitem__)}")
    else:
        body.append(f"return {', '.join(written(operand, names.__getitem__) for operand in outputs)}")
    lines = [f'"""{title(function)}"""', *body]
    return "\n".join([f"def {function.name}({', '.join(given)}):", *(INDENT + line for line in lines)])


def statements(items: Sequence[Line | Loop], names: Variables) -> Iterator[str]:
    """The source of lines and loops, line by line."""
    for item in items:
        if isinstance(item, Loop):
            yield from _loop(item, names)
        else:
            expression = item.source(names.__getitem__)
            targets = ", ".join(names[target] for target in item.targets)
            yield f"{targets} = {expression}" if targets else expression


def _loop(loop: Loop, names: Variables) -> Iterator[str]:
    yield from _copies([(names[item.name], written(item.first, names.__getitem__)) for item in loop.carried])
    yield _header(loop, names)
    body = list(statements(loop.body, names))
    body += _copies([(names[item.name], written(item.next, names.__getitem__)) for item in loop.carried])
    yield from (INDENT + line for line in body)


def _copies(pairs: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Assignments that happen at once."""
    pairs = [(target, source) for target, source in pairs if target != source]
    if pairs:
        targets, sources = zip(*pairs, strict=True)
        yield f"{', '.join(targets)} = {', '.join(sources)}"


def _header(loop: Loop, names: Variables) -> str:
    columns = [(names[name], [written(item, names.__getitem__) for item in items]) for name, items in loop.moving]
    columns += [(name, list(items)) for name, items in loop.columns]
    wholes = [names.whole(items) for _, items in loop.moving]
    if any(wholes):
        wholes += [None] * len(loop.columns)
        return _through([(name, whole, items) for (name, items), whole in zip(columns, wholes, strict=True)], loop)
    if not columns:
        name, start, step = loop.counter or ("_", 0, 1)
        stop = start + step * loop.repetitions
        bounds = (start, stop, step) if step != 1 else (start, stop) if start else (stop,)
        return f"for {name} in range({', '.join(map(str, bounds))}):"
    targets = ", ".join(name for name, _ in columns)
    rows = [
        items[0] if len(items) == 1 else terms.tupled(items) for items in zip(*(c for _, c in columns), strict=True)
    ]
    table = f"[{', '.join(rows)}]"
    if loop.counter is None:
        return f"for {targets} in {table}:"
    name, start, _ = loop.counter
    inner = targets if len(columns) == 1 else f"({targets})"
    return f"for {name}, {inner} in enumerate({table}{f', start={start}' if start else ''}):"


def _through(columns: Sequence[tuple[str, str | None, list[str]]], loop: Loop) -> str:
    """The header of a loop through lists that there are, and others at once."""
    targets = ", ".join(name for name, _, _ in columns)
    parts = [whole or f"[{', '.join(items)}]" for _, whole, items in columns]
    through = parts[0] if len(parts) == 1 else f"zip({', '.join(parts)})"
    if loop.counter is None:
        return f"for {targets} in {through}:"
    name, start, _ = loop.counter
    inner = targets if len(columns) == 1 else f"({targets})"
    return f"for {name}, {inner} in enumerate({through}{f', start={start}' if start else ''}):"


def made_lists(items: Sequence[Line | Loop]) -> frozenset[str]:
    """The variables that are lists which a loop fills."""
    found = {item.targets[0] for item in items if isinstance(item, Line) and item.makes_list}
    return frozenset(found).union(*(made_lists(item.body) for item in items if isinstance(item, Loop)))


def title(function: Function) -> str:
    """What a function or class stands for, as its documentation says it."""
    named, more = function.paths[0], len(function.paths) - 1
    for path in function.paths[1:NAMED]:
        if len(named) + len(path) > WIDTH:
            break
        named, more = f"{named}, {path}", more - 1
    return f"{function.type}: {named}{f' and {more} more' if more > 0 else ''}."
