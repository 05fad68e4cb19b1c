"""Commands that look: inspect, members, weights."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from homolog.cli.options import common, inputs_option, shapes_of
from homolog.cli.output import Output


@click.command()
@click.argument("src")
@click.option("-k", "word", metavar="REGEX", help="Only layers and tensors whose name matches.")
@inputs_option
@common
def inspect(output: Output, src: str, word: str | None, inputs: Sequence[str]) -> None:
    """What is in a model or a file: layers, shapes, parameters. Builds nothing from a file."""
    if inputs:
        from homolog import api

        found = api.inspect(src, word, inputs=shapes_of(inputs))
    else:  # without all that running a model needs: opening a file is to take no time
        from homolog.inspecting.inspection import inspect_network
        from homolog.opening import open_network

        found = inspect_network(open_network(src), word)
    output.result(found)
    if not found.safe:
        sys.exit(4)


@click.command()
@click.argument("src", metavar="SRC[:PATH]")
@click.option("-k", "word", metavar="REGEX", help="Only members whose name matches.")
@click.option("--private", is_flag=True, help="Show names that begin with an underscore too.")
@click.option("--source", is_flag=True, help="Print the source of the object's class or function.")
@click.option("--doc", is_flag=True, help="Print its whole documentation.")
@click.option("--call", is_flag=True, help="Call it without arguments and describe the result.")
@common
def members(output: Output, src: str, word: str | None, private: bool, source: bool, doc: bool, call: bool) -> None:
    """The members of an object inside a model: dir, help and inspect in one.

    \b
    homolog members lenet5.h5 -k weight
    homolog members lenet5.h5:layers[0].kernel
    homolog members lenet5.pt:state_dict --call
    """
    from homolog.inspecting.members import call as call_member
    from homolog.inspecting.members import describe
    from homolog.inspecting.members import members as list_members
    from homolog.inspecting.paths import resolve
    from homolog.opening import open_source

    model, path = open_source(src)
    description = call_member(model, path) if call else describe(model, path)
    if source or doc:
        text = description.source if source else description.doc
        why = description.sourceless if source else "it has no documentation"
        if output.as_json:
            output.result(description)
        elif text is None:
            output.say(f"{description.name or description.type}: {why}")
        else:
            click.echo(text)
        return
    if call:
        output.result(description)
        return
    found = list_members(resolve(model, path) if path else model, word, private=private)
    if output.as_json:
        output.result(description, members=found.to_dict())
    else:
        if word is None:
            output.result(description)
        output.result(found)


@click.command()
@click.argument("src")
@click.option("-k", "word", metavar="REGEX", help="Only tensors whose name matches.")
@click.option(
    "--stats",
    "--values",
    "stats",
    is_flag=True,
    help="Read each tensor: least, greatest, mean, standard deviation, NaN and Inf, first values.",
)
@click.option("--fold", is_flag=True, help="Show layers.# once for tensors that differ in their number alone.")
@common
def weights(output: Output, src: str, word: str | None, stats: bool, fold: bool) -> None:
    """The tensors of a model or a file: names, shapes, types."""
    from homolog.inspecting.inspection import tensor_table
    from homolog.opening import open_network

    network = open_network(src)
    table = tensor_table(network, word, stats, fold)
    output.result(table)
    if network.unsafe:
        output.say(f"the file asks for code, which was not run: {', '.join(network.unsafe)}")
        sys.exit(4)
    if any(row.figures is not None and row.figures.damaged for row in table):
        sys.exit(3)


@click.command()
@click.argument("a")
@click.argument("b")
@click.option("-k", "word", metavar="REGEX", help="Only tensors of B whose name matches, or of A where B has none.")
@common
def compare(output: Output, a: str, b: str, word: str | None) -> None:
    """Which tensors two files share bit for bit, which differ and by how much, which are missing.

    Across formats and layouts: a PyTorch and a Keras file are compared in the layout of B. Exit code 1 if they differ.
    """
    from homolog.comparing import compare as compared

    found = compared(a, b, word)
    output.result(found)
    if not found.same:
        sys.exit(1)
