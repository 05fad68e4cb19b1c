"""Passes: each takes a Graph and gives a Graph."""

from __future__ import annotations

from collections.abc import Mapping

from homolog.graph import Graph, OpenShape
from homolog.passes.layout import layout
from homolog.passes.padding import padding
from homolog.passes.shapes import shapes
from homolog.passes.synonyms import synonyms

__all__ = ["layout", "normalise", "padding", "shapes", "synonyms"]


def normalise(graph: Graph, inputs: Mapping[str, OpenShape] | None = None) -> Graph:
    """All passes in their order: what the matcher wants to see.

    ``shapes`` settles the fields that the others read; ``layout`` comes last, for nodes go and change before it.
    """
    return layout(padding(synonyms(shapes(graph, inputs))))
