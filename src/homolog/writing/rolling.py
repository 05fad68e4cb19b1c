"""Runs of lines → loops, loops inside loops."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from homolog.writing.lines import APPEND, NEW_LIST, Fresh, Function, Line, Operand, renamed, variable, whole
from homolog.writing.loops import Carried, Loop
from homolog.writing.runs import Made, Run, Runs

Mapping = dict[str, Operand]


def rolled(function: Function, fresh: Fresh, taken: Iterable[str]) -> tuple[list[Line | Loop], tuple[str, ...]]:
    """The lines of a function with loops, and what it returns over the variables that are left.

    Args:
        function: whose lines.
        fresh: gives new variables.
        taken: names that no loop may assign.
    """
    names = frozenset({*taken, *function.parameters, *function.free})
    items, mapping = _rolled(function.lines, function.outputs, names, fresh)
    return items, tuple(_one(renamed(operand, mapping)) for operand in function.outputs)


def _rolled(
    lines: Sequence[Line], needed: Iterable[str], taken: frozenset[str], fresh: Fresh
) -> tuple[list[Line | Loop], Mapping]:
    """Lines with loops, and the operands that stand for the variables which are gone."""
    needed = set(needed)
    best = Runs(lines, needed, taken).best()
    if best is None:
        return list(lines), {}
    behind = lines[best.start :]
    read = {name for line in behind for name in line.variables()}
    items, mapping = _rolled(lines[: best.start], read | needed, taken, fresh)
    # What stands in front may be known by other names now.
    rest = [line.renamed(mapping) for line in behind]
    runs = Runs(rest, needed, taken)
    run = runs.run(0, best.period, best.repetitions)
    if run is None or runs.saved(run) is None:
        more, after = _rolled(rest, needed, taken, fresh)
        return [*items, *more], _chained(mapping, after)
    loop, after = _loop(runs, run, needed, fresh)
    tail, last = _rolled([line.renamed(after) for line in rest[run.stop :]], _through(needed, after), taken, fresh)
    return [*items, *loop, *tail], _chained(_chained(mapping, after), last)


def _through(names: Iterable[str], mapping: Mapping) -> set[str]:
    return {variable(_one(renamed(name, mapping))) for name in names}


def _chained(first: Mapping, second: Mapping) -> Mapping:
    """The first mapping, then the second."""
    return {**second, **{name: renamed(operand, second) for name, operand in first.items()}}


def _one(operand: Operand) -> str:
    assert isinstance(operand, str)
    return operand


def _loop(runs: Runs, run: Run, needed: set[str], fresh: Fresh) -> tuple[list[Line | Loop], Mapping]:
    """The loop of a run, with the lines in front that make its lists, and what stands for its variables behind it."""
    starts = dict(run.growing.values())
    lists: dict[Made, str] = {made: fresh() for made in (*starts, *run.collected)}
    carried = {made: fresh() for made in run.carried}
    moving = {operands: fresh() for operands in dict.fromkeys(run.moving.values())}
    columns = runs.columns(run)
    terms: dict[int, list[str]] = {}
    for place, _, column, label in runs.terms(run):
        terms.setdefault(place, []).append(columns.resolve(column, label))

    def operand(place: int, slot: int, element: int, name: str) -> str:
        key = (place, slot, element)
        if key in run.sources:
            return carried[run.sources[key]]
        return moving[run.moving[key]] if key in run.moving else name

    body: list[Line] = []
    for place, line in enumerate(runs.lines[run.start : run.start + run.period]):
        reads: list[Operand] = []
        for slot, read in enumerate(line.reads):
            if isinstance(read, str):
                reads.append(operand(place, slot, -1, read))
            elif (place, slot) in run.growing:
                reads.append(lists[run.growing[place, slot][0]])
            else:
                reads.append(tuple(operand(place, slot, n, name) for n, name in enumerate(read)))
        body.append(replace(line, terms=tuple(terms.get(place, ())), reads=tuple(reads)))
        body += [
            Line((), APPEND, reads=(lists[place, target], line.targets[target]))
            for target in range(len(line.targets))
            if (place, target) in lists
        ]
    after = _behind(runs, run, needed, lists, starts)
    inside = {variable(item) for item in after.values() if isinstance(item, str)}
    items, inner = _rolled(
        body,
        inside.union(runs.lines[run.start + place].targets[target] for place, target in carried),
        runs.taken.union(columns.table, columns.counter[:1] if columns.counter else ()),
        fresh,
    )
    loop = Loop(
        run.repetitions,
        tuple(items),
        tuple(
            Carried(carried[made], first, _one(renamed(runs.lines[run.start + made[0]].targets[made[1]], inner)))
            for made, first in run.carried.items()
        ),
        tuple((name, operands) for operands, name in moving.items()),
        columns.counter,
        tuple(columns.table.items()),
    )
    new = [Line((name,), NEW_LIST, reads=(starts.get(made, ()),)) for made, name in lists.items()]
    return [*new, loop], _chained(after, inner)


def _behind(
    runs: Runs, run: Run, needed: set[str], lists: dict[Made, str], starts: dict[Made, tuple[str, ...]]
) -> Mapping:
    """What stands for the variables of a run behind it: those of the first repetition for those of the last."""
    found: Mapping = {}
    for place in range(run.period):
        for target, name in enumerate(runs.lines[run.start + place].targets):
            made = (place, target)
            names = runs.variables(run, made)
            found[names[-1]] = name
            if made in lists:
                start = starts.get(made, ())
                elements = {other: f"{lists[made]}[{len(start) + number}]" for number, other in enumerate(names)}
                if not needed.issuperset(names):
                    # The last one needs no list: its variable is still there.
                    del elements[names[-1]]
                found.update(elements)
                found[whole((*start, *names))] = lists[made]
    return found
