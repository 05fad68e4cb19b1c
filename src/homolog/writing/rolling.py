"""Runs of lines → loops, loops inside loops."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from homolog.writing.lines import APPEND, NEW_LIST, Fresh, Function, Line, Operand, renamed, variable, whole
from homolog.writing.loops import Carried, Loop
from homolog.writing.runs import Made, Patience, Run, Runs

Mapping = dict[str, Operand]


def rolled(function: Function, fresh: Fresh, taken: Iterable[str]) -> tuple[list[Line | Loop], tuple[str, ...]]:
    """The lines of a function with loops, and what it returns over the variables that are left.

    Args:
        function: whose lines.
        fresh: gives new variables.
        taken: names that no loop may assign.
    """
    names = frozenset({*taken, *function.parameters, *function.free})
    items, mapping = _Rolling(fresh, set(function.outputs)).roll(function.lines, function.outputs, names)
    return items, tuple(_one(renamed(operand, mapping)) for operand in function.outputs)


class _Rolling:
    """The making of the loops of one function.

    Args:
        fresh: gives new variables.
        returned: the variables that the function returns.
    """

    def __init__(self, fresh: Fresh, returned: set[str]) -> None:
        self.fresh = fresh
        self.returned = returned
        self.patience = Patience()

    def roll(
        self, lines: Sequence[Line], needed: Iterable[str], taken: frozenset[str]
    ) -> tuple[list[Line | Loop], Mapping]:
        """Lines with loops, and the operands that stand for the variables which are gone.

        Args:
            lines: in order of execution.
            needed: the variables that are read behind them.
            taken: names that no loop may assign.
        """
        whole_runs = Runs(lines, needed, taken, self.patience)
        chosen = whole_runs.chosen()
        if not chosen:
            return list(lines), {}
        items: list[Line | Loop] = []
        mapping: Mapping = {}
        at = 0
        for run in [*chosen, None]:
            stop = run.start if run is not None else len(lines)
            # What stands in front may be known by other names now.
            between = [line.renamed(mapping) for line in lines[at:stop]]
            found, new = self.roll(between, whole_runs.read_behind(at, stop), taken)
            items, mapping, at = [*items, *found], _chained(mapping, new), stop
            if run is not None:
                repeated = [line.renamed(mapping) for line in lines[at : run.stop]]
                found, new = self._repeated(repeated, run, whole_runs.read_behind(at, run.stop), taken)
                items, mapping, at = [*items, *found], _chained(mapping, new), run.stop
        return items, mapping

    def _repeated(
        self, lines: Sequence[Line], run: Run, needed: set[str], taken: frozenset[str]
    ) -> tuple[list[Line | Loop], Mapping]:
        """The lines of a run as a loop, if they are still one now that what stands in front has other names."""
        runs = Runs(lines, needed, taken, self.patience)
        again = runs.run(0, run.period, run.repetitions)
        if again is None or again.repetitions != run.repetitions or runs.saved(again) is None:
            return list(lines), {}
        return self._loop(runs, again)

    def _loop(self, runs: Runs, run: Run) -> tuple[list[Line | Loop], Mapping]:
        """The loop of a run behind the lines that make its lists, and what stands for its variables behind it."""
        starts = dict(run.growing.values())
        lists: dict[Made, str] = {made: self.fresh() for made in (*starts, *run.collected)}
        carried = {made: self.fresh() for made in run.carried}
        moving = {operands: self.fresh() for operands in dict.fromkeys(run.moving.values())}
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
        after = _behind(runs, run, self.returned, lists, starts)
        inside = {variable(item) for item in after.values() if isinstance(item, str)}
        items, inner = self.roll(
            body,
            inside.union(runs.lines[run.start + place].targets[target] for place, target in carried),
            runs.taken.union(columns.table, columns.counter[:1] if columns.counter else ()),
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


def _chained(first: Mapping, second: Mapping) -> Mapping:
    """The first mapping, then the second."""
    return {**second, **{name: renamed(operand, second) for name, operand in first.items()}}


def _one(operand: Operand) -> str:
    assert isinstance(operand, str)
    return operand


def _behind(
    runs: Runs, run: Run, returned: set[str], lists: dict[Made, str], starts: dict[Made, tuple[str, ...]]
) -> Mapping:
    """What stands for the variables of a run behind it: those of the first repetition for those of the last."""
    found: Mapping = {}
    for place in range(run.period):
        for target, name in enumerate(runs.lines[run.start + place].targets):
            made = (place, target)
            names = runs.variables(run, made)
            if runs.last.get(names[-1], -1) >= run.stop:
                found[names[-1]] = name
            if made in lists:
                start = starts.get(made, ())
                elements = {other: f"{lists[made]}[{len(start) + number}]" for number, other in enumerate(names)}
                if not returned.issuperset(names):
                    # The last one needs no list: its variable is still there.
                    elements.pop(names[-1])
                found.update(elements)
                found[whole((*start, *names))] = lists[made]
    return found
