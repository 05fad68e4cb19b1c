"""Passes: each takes a Graph and gives a Graph."""

from __future__ import annotations

from collections.abc import Mapping

from homolog.graph import Graph, OpenShape
from homolog.passes.attention import attention
from homolog.passes.layout import layout
from homolog.passes.padding import padding
from homolog.passes.parameters import parameters
from homolog.passes.pointwise import pointwise
from homolog.passes.shapes import shapes
from homolog.passes.synonyms import synonyms
from homolog.passes.units import units

__all__ = ["attention", "layout", "normalise", "padding", "parameters", "pointwise", "shapes", "synonyms", "units"]


def normalise(graph: Graph, inputs: Mapping[str, OpenShape] | None = None) -> Graph:
    """All passes in their order: what the matcher wants to see.

    First what is written in parts or by hand takes the form of layers, then ``shapes`` settles the fields that the
    others read; ``layout`` comes when no node goes or changes any more, and what needs its labels after it.
    """
    for run in (units, parameters):
        graph = run(graph)
    graph = shapes(graph, inputs)
    for run in (synonyms, padding, layout, pointwise, attention):
        graph = run(graph)
    return graph
