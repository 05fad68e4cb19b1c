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

    ``shapes`` settles the fields that the others read; ``layout`` comes last, for nodes go and change before it.
    """
    return attention(layout(padding(synonyms(shapes(parameters(units(graph)), inputs)))))
