"""Two networks → the plan that goes between them: found, settled by running where the graphs do not tell, or brought
by the user."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from homolog.errors import Mismatch, Usage
from homolog.graph import Graph
from homolog.matching import carry, differences, match
from homolog.matching.probing import probe
from homolog.network import Network
from homolog.plan import Plan
from homolog.proof import localise, weights
from homolog.proof.subjects import Subjects, Tolerance
from homolog.proving import for_live
from homolog.reading import read_both
from homolog.transfer import transfer


def read_plan(
    plan: Plan | str | Path,
    first: Network,
    second: Network,
    graphs: tuple[Graph, Graph] | None = None,
    *,
    carry_config: bool = False,
) -> Plan:
    """A plan that the user brings, checked against both networks.

    Its rows are taken as they are. Its differences, and what is carried, are found anew: the networks decide, not the
    file.

    Raises:
        Unreadable: it is no plan.
        Mismatch: it names what the networks do not have, leaves something out, or is for other shapes.
    """
    rows = plan if isinstance(plan, Plan) else Plan.from_toml(Path(plan))
    left, right = graphs or read_both(first, second)
    problems = rows.misfits(first.tensors(), second.tensors())
    problems += [f"unknown layer: {name}" for name, _ in rows.pairs if name not in left.nodes]
    problems += [f"unknown layer: {name}" for _, name in rows.pairs if name not in right.nodes]
    if problems:
        raise Mismatch(
            "the plan does not fit these networks",
            details=problems,
            help="write a new one: homolog match A B -o plan.toml",
        )
    rows = replace(rows, differences=differences(left, right, rows.pairs), carried=(), training=())
    return carrying(first, second, left, right, rows)[1] if carry_config else rows


def carrying(first: Network, second: Network, left: Graph, right: Graph, plan: Plan) -> tuple[Graph, Plan]:
    """The target's graph with the source's plain settings, and the plan that says them.

    Raises:
        Usage: one of the two is a file of weights.
    """
    if not first.has_model:
        raise Usage(
            "a file of weights does not say its settings, so there is nothing to carry",
            where=first.name,
            help=f"give it its model: {first.name}@package.module:factory",
        )
    second.require_settings()
    return carry(left, right, plan)


def not_the_same(first: Network, second: Network, left: Graph, right: Graph, plan: Plan) -> Mismatch:
    """The error for networks that are set differently, with what can be done about it."""
    plain = 0 if plan.carried else len(plan.differences) - len(carry(left, right, plan)[1].differences)
    some = "" if not plain else "all" if plain == len(plan.differences) else f"{plain} of them"
    return Mismatch(
        "the two networks are not the same function",
        where=f"{first.name} and {second.name}",
        details=[f"differs in {difference}" for difference in plan.differences],
        help=f"set {some} as in the source with --carry-config, or copy all the same with --allow-differences"
        if plain
        else "change the target to agree, or copy all the same with --allow-differences",
    )


def refuse_guesses(plan: Plan) -> None:
    """Without running both, layers that only their order tells apart would be a guess.

    Raises:
        Mismatch: with the candidates on either side.
    """
    guessed = [(ours, theirs) for ours, theirs, how in plan.ties if how == "order"]
    if guessed:
        raise Mismatch(
            "some layers cannot be told apart by the graph or their names, and nothing was to be run",
            where=f"{plan.source} and {plan.target}",
            details=[f"{', '.join(ours)} may each be any of {', '.join(theirs)}" for ours, theirs in guessed],
            help="leave out --no-run, or settle it in a plan: homolog match A B -o plan.toml, then --plan plan.toml",
        )


def probed(first: Network, second: Network, left: Graph, right: Graph, plan: Plan) -> Plan:
    """The plan with its ties paired so that the networks agree once the weights are across; the target, if it is a
    live model, holds the weights of the last try, which the copy overwrites."""
    refs = first.tensors()
    names = second.live_names()

    def score(tried: Plan) -> tuple[bool, float]:
        second.live.fill((names.get(name, name), array) for name, array in transfer(tried, refs))
        subjects = Subjects(first.live, second.live, left, right, for_live(tried, first, second), first.live_names())
        return localise.agreement(subjects, Tolerance())

    return probe(plan, lambda settled: match(left, right, first.name, second.name, settled), score, "probe")


def told_by_values(first: Network, second: Network, left: Graph, right: Graph, plan: Plan) -> Plan:
    """The plan with its ties paired so that most weights are equal: two copies of one network keep them apart."""
    refs, held = first.tensors(), second.tensors()

    def score(tried: Plan) -> tuple[bool, float]:
        part = weights.check(tried, refs, held)
        return part.passed, float(str(part.figures["exact"]))

    return probe(plan, lambda settled: match(left, right, first.name, second.name, settled), score, "values")
